//! How far a proof was verified. Pure: a level is a fold over what the server itself found, never a claim.

use super::{ProofKind, Verification};

/// How far an outcome is proved, from claimed to settled.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum Level {
    /// Claimed, simulated, or not checkable.
    #[default]
    V0,
    /// The gateway's own trace of an execution.
    V1,
    /// A receipt or a source that the gateway captured from the provider.
    V2,
    /// A captured receipt whose reference a registered verifier confirmed.
    V3,
    /// Acknowledged by a loop of another owner.
    V4,
    /// Settled: a completed transaction, another owner's signature, or an auditor's word.
    V5,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 6] = [Self::V0, Self::V1, Self::V2, Self::V3, Self::V4, Self::V5];

    /// The spelling in storage and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0 => "V0",
            Self::V1 => "V1",
            Self::V2 => "V2",
            Self::V3 => "V3",
            Self::V4 => "V4",
            Self::V5 => "V5",
        }
    }

    /// What an outcome proved to this level is worth, in points of trust.
    #[must_use]
    pub const fn worth(self) -> i16 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 4,
            Self::V4 => 6,
            Self::V5 => 8,
        }
    }
}

/// How something was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The gateway executed the call and wrote down that it did.
    Trace,
    /// The gateway captured the expected proofs from the provider's own answer.
    Capture,
    /// The captured reference was fetched, and what it held was hashed.
    HttpGet,
    /// A receipt under the secret of a connector that another owner registered.
    HmacReceipt,
    /// A loop of another owner acknowledged the outcome.
    Acknowledgement,
    /// The transaction that the outcome was delivered under was completed.
    Settlement,
    /// A record of the outcome signed by a key registered on another owner's loop.
    Signature,
    /// An auditor looked at the outcome.
    Audit,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 8] = [
        Self::Trace,
        Self::Capture,
        Self::HttpGet,
        Self::HmacReceipt,
        Self::Acknowledgement,
        Self::Settlement,
        Self::Signature,
        Self::Audit,
    ];

    /// The spelling in storage and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Capture => "capture",
            Self::HttpGet => "http_get",
            Self::HmacReceipt => "hmac_receipt",
            Self::Acknowledgement => "acknowledgement",
            Self::Settlement => "settlement",
            Self::Signature => "signature",
            Self::Audit => "audit",
        }
    }

    /// The level that it shows when it succeeds.
    #[must_use]
    pub const fn shows(self) -> Level {
        match self {
            Self::Trace => Level::V1,
            Self::Capture => Level::V2,
            Self::HttpGet | Self::HmacReceipt => Level::V3,
            Self::Acknowledgement => Level::V4,
            Self::Settlement | Self::Signature | Self::Audit => Level::V5,
        }
    }
}

/// The level of a proof: the highest that a successful verification shows. A simulated outcome and a summary stay
/// [`Level::V0`] whatever is said of them, and a fetched reference counts only beside a receipt that was captured.
#[must_use]
pub fn level(kind: ProofKind, simulated: bool, verifications: &[Verification]) -> Level {
    if simulated || kind == ProofKind::Summary {
        return Level::V0;
    }
    let good = || verifications.iter().filter(|verification| verification.ok).map(|verification| verification.method);
    let captured = good().any(|method| method == Method::Capture);
    good().filter(|method| captured || *method != Method::HttpGet).map(Method::shows).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Level, Method, level};
    use crate::{
        base::Time,
        proof::{ProofKind, Verification},
    };

    fn by(method: Method, ok: bool) -> Verification {
        Verification { method, by: "loop".into(), at: Time::EPOCH, ok, detail: None }
    }

    #[test]
    fn nothing_that_was_not_verified_counts() {
        assert_eq!(level(ProofKind::Audit, false, &[]), Level::V0);
        for method in Method::ALL {
            assert_eq!(level(ProofKind::Source, false, &[by(method, false)]), Level::V0, "{}", method.as_str());
            assert_eq!(level(ProofKind::Source, true, &[by(method, true)]), Level::V0, "{}", method.as_str());
            assert_eq!(level(ProofKind::Summary, false, &[by(method, true)]), Level::V0, "{}", method.as_str());
        }
    }

    #[test]
    fn a_fetched_reference_needs_a_captured_receipt() {
        let (trace, capture, get) = (by(Method::Trace, true), by(Method::Capture, true), by(Method::HttpGet, true));
        assert_eq!(level(ProofKind::Source, false, &[trace.clone(), get.clone()]), Level::V1);
        assert_eq!(level(ProofKind::Source, false, &[trace, capture, get]), Level::V3);
    }

    #[test]
    fn levels_rise_in_order_and_in_worth() {
        assert!(Level::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].worth() < pair[1].worth()));
        assert_eq!(Level::ALL.map(Level::worth), [0, 1, 2, 4, 6, 8]);
    }

    proptest! {
        #[test]
        fn another_verification_never_lowers_a_level(
            methods in prop::collection::vec((prop::sample::select(&Method::ALL[..]), any::<bool>()), 0..8),
        ) {
            let all: Vec<_> = methods.into_iter().map(|(method, ok)| by(method, ok)).collect();
            let levels: Vec<_> = (0..=all.len()).map(|end| level(ProofKind::Source, false, &all[..end])).collect();
            prop_assert!(levels.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
