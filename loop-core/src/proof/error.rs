//! What can go wrong with proofs.

use crate::{access::AccessError, base::Code, store::StoreError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// No such proof, or another tenant's.
    #[error("no such proof")]
    NotFound,
    /// The evidence is too large.
    #[error("`data` must have {0} bytes at most")]
    TooLarge(usize),
    /// There are too many proofs of one thing.
    #[error("an outcome may have {0} proofs at most")]
    TooMany(u64),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProofError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::TooLarge(_) => Code::InvalidRequest,
            Self::TooMany(_) => Code::RateLimited,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
