//! How much harm a tool can do.

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

/// The risk a tool's name tells.
#[must_use]
pub fn classify(_tool: &str) -> Risk {
    Risk::Medium
}
