//! What a message is about.

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// The buyer asks for work; opens a contract.
    TaskRequest,
    /// The seller offers it.
    TaskOffer,
    /// The buyer wants other terms.
    CounterOffer,
    /// The buyer accepts the offer.
    TaskAccept,
    /// Work begins.
    TaskExecute,
    /// The seller delivers.
    TaskComplete,
    /// The seller asks for payment.
    PaymentRequest,
    /// The buyer confirms and has paid.
    PaymentConfirm,
    /// What was proposed is not wanted.
    TaskReject,
    /// A party withdraws.
    TaskCancel,
    /// The seller could not do it.
    TaskFailed,
    /// A message was seen.
    Ack,
    /// A party disagrees with how it went.
    DisputeOpen,
}

impl Kind {
    /// Every type, in the order of a deal.
    pub const ALL: [Self; 13] = [
        Self::TaskRequest,
        Self::TaskOffer,
        Self::CounterOffer,
        Self::TaskAccept,
        Self::TaskExecute,
        Self::TaskComplete,
        Self::PaymentRequest,
        Self::PaymentConfirm,
        Self::TaskReject,
        Self::TaskCancel,
        Self::TaskFailed,
        Self::Ack,
        Self::DisputeOpen,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TaskRequest => "TASK_REQUEST",
            Self::TaskOffer => "TASK_OFFER",
            Self::CounterOffer => "COUNTER_OFFER",
            Self::TaskAccept => "TASK_ACCEPT",
            Self::TaskExecute => "TASK_EXECUTE",
            Self::TaskComplete => "TASK_COMPLETE",
            Self::PaymentRequest => "PAYMENT_REQUEST",
            Self::PaymentConfirm => "PAYMENT_CONFIRM",
            Self::TaskReject => "TASK_REJECT",
            Self::TaskCancel => "TASK_CANCEL",
            Self::TaskFailed => "TASK_FAILED",
            Self::Ack => "ACK",
            Self::DisputeOpen => "DISPUTE_OPEN",
        }
    }

    /// Reads the spelling; case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether the other party has to answer it while it lasts: what it proposes ends when it expires.
    #[must_use]
    pub const fn proposes(self) -> bool {
        matches!(self, Self::TaskRequest | Self::TaskOffer | Self::CounterOffer)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_spelling_is_read_back_and_is_what_serde_writes() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for other in ["", "ack", "task_request", "TASK_REQUEST ", "TASK_STEAL"] {
            assert_eq!(Kind::parse(other), None, "{other}");
        }
    }
}
