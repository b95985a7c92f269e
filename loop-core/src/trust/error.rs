//! What can go wrong with trust.

use crate::{access::AccessError, base::Code, proof::ProofError, store::StoreError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A penalty that is none.
    #[error("`{0}` must be a number from -100 to 0")]
    Penalty(&'static str),
    /// The proof could not be read or changed.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TrustError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Penalty(_) => Code::InvalidRequest,
            Self::Proof(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
