//! What can go wrong with rules, blocked tools and settings.

use crate::{base::Code, store::StoreError};

/// A refused change of policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A text that is empty or too long.
    #[error("`{field}` must have 1 to {max} characters")]
    Length {
        /// The field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// A value that makes no sense.
    #[error("`{field}` is not valid: `{value}`")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// No such rule or blocked tool.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The tenant has as many as it may have.
    #[error("a tenant may have {max} {what} at most")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// The most.
        max: u64,
    },
    /// The rule is not as it was when it was looked at.
    #[error("the rule was changed meanwhile: it is at revision {0} now")]
    Changed(u64),
    /// Only a rule in shadow mode can be turned on.
    #[error("the rule decides already")]
    Enforced,
    /// A rule that has stopped by itself decides nothing.
    #[error("the rule has expired")]
    Expired,
    /// A rule that is kept in a file is changed there.
    #[error("the rule is kept in the policy file `{0}`: change it there")]
    Filed(String),
    /// Another live rule has the name.
    #[error("another rule has the name `{0}`")]
    Taken(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PolicyError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Length { .. } | Self::Invalid { .. } => Code::InvalidRequest,
            Self::NotFound(_) => Code::NotFound,
            Self::TooMany { .. } => Code::RateLimited,
            Self::Changed(_) | Self::Enforced | Self::Expired | Self::Filed(_) | Self::Taken(_) => Code::Conflict,
            Self::Store(error) => error.code(),
        }
    }
}
