//! How much harm an action can do.

/// Risk of a call, from least to greatest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Reads, queries, lists.
    Low,
    /// Sends, writes, exports, pays, or is unknown.
    Medium,
    /// Deletes, wipes, drops, purges, or touches credentials.
    High,
    /// Only ever claimed by a caller or a manifest.
    Critical,
}

impl Risk {
    /// Every risk, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The spelling of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the spelling of the API.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == text)
    }
}
