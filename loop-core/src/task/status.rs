//! Where a task stands.

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It was laid out and has not begun.
    Planned,
    /// Work is under way.
    Running,
    /// A human has to approve something first.
    WaitingApproval,
    /// Credits are low.
    WaitingCredits,
    /// Somebody has to say more.
    WaitingInput,
    /// Done. In a mode that acts for real this takes a proof that the server could check.
    Completed,
    /// Its owner says it is done, and no proof shows it.
    CompletedUnverified,
    /// It could not be done.
    Failed,
    /// It was called off.
    Cancelled,
    /// It was refused.
    Rejected,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::Running,
        Self::WaitingApproval,
        Self::WaitingCredits,
        Self::WaitingInput,
        Self::Completed,
        Self::CompletedUnverified,
        Self::Failed,
        Self::Cancelled,
        Self::Rejected,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::WaitingApproval => "waiting_approval",
            Self::WaitingCredits => "waiting_credits",
            Self::WaitingInput => "waiting_input",
            Self::Completed => "completed",
            Self::CompletedUnverified => "completed_unverified",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the spelling; case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::CompletedUnverified | Self::Failed | Self::Cancelled | Self::Rejected)
    }

    /// Whether a task may go from here to `to`. A wait ends by running again; only what runs can complete. Whether
    /// completion counts as verified is not the owner's to say, so nothing leads to `completed_unverified` by name.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Planned => matches!(to, Self::Running | Self::Cancelled | Self::Rejected),
            Self::Running => matches!(
                to,
                Self::WaitingApproval
                    | Self::WaitingCredits
                    | Self::WaitingInput
                    | Self::Completed
                    | Self::Failed
                    | Self::Cancelled
                    | Self::Rejected
            ),
            Self::WaitingApproval | Self::WaitingCredits | Self::WaitingInput => {
                matches!(to, Self::Running | Self::Failed | Self::Cancelled | Self::Rejected)
            }
            Self::Completed | Self::CompletedUnverified | Self::Failed | Self::Cancelled | Self::Rejected => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TaskStatus;

    /// A row per status, a column for each status it may become, in the order of `ALL`.
    const MAY: [(&str, &str); 10] = [
        //                       pla run app cre inp com unv fai can rej
        ("planned", "             .   x   .   .   .   .   .   .   x   x"),
        ("running", "             .   .   x   x   x   x   .   x   x   x"),
        ("waiting_approval", "    .   x   .   .   .   .   .   x   x   x"),
        ("waiting_credits", "     .   x   .   .   .   .   .   x   x   x"),
        ("waiting_input", "       .   x   .   .   .   .   .   x   x   x"),
        ("completed", "           .   .   .   .   .   .   .   .   .   ."),
        ("completed_unverified", ".   .   .   .   .   .   .   .   .   ."),
        ("failed", "              .   .   .   .   .   .   .   .   .   ."),
        ("cancelled", "           .   .   .   .   .   .   .   .   .   ."),
        ("rejected", "            .   .   .   .   .   .   .   .   .   ."),
    ];

    #[test]
    fn every_pair_is_answered_as_the_matrix_says() {
        for (from, (name, row)) in TaskStatus::ALL.into_iter().zip(MAY) {
            assert_eq!(from.as_str(), name);
            let cells: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells.len(), TaskStatus::ALL.len());
            for (to, cell) in TaskStatus::ALL.into_iter().zip(cells) {
                assert_eq!(from.may_become(to), cell == "x", "{from:?} to {to:?}");
            }
            assert_eq!(from.ended(), !row.contains('x'), "{from:?}");
        }
    }

    #[test]
    fn every_spelling_is_read_back_and_is_what_serde_writes() {
        for status in TaskStatus::ALL {
            assert_eq!(TaskStatus::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for other in ["", "RUNNING", "planned ", "sleeping"] {
            assert_eq!(TaskStatus::parse(other), None, "{other}");
        }
    }
}
