//! What can go wrong with handing issues out.

use crate::{access::AccessError, base::Code, store::StoreError, work::WorkError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DispatchError {
    /// A field that makes no sense.
    #[error("{message}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The token holds no claim on the issue any more, or never did.
    #[error("This token holds no claim on the issue")]
    Spent,
    /// The issue was refused.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DispatchError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid { .. } => Code::InvalidRequest,
            Self::Spent => Code::Conflict,
            Self::Work(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    /// The field at fault, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::Work(error) => error.at_fault(),
            _ => None,
        }
    }
}
