//! What can go wrong with the log.

use crate::{base::Code, store::StoreError};

/// A failure of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A filter that no log understands.
    #[error("`{field}` is not valid: `{value}`")]
    Filter {
        /// The filter.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Filter { .. } => Code::InvalidRequest,
            Self::Store(error) => error.code(),
        }
    }
}
