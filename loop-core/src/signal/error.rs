//! Why a signal is not taken in. Texts that begin with a capital are those of the surface's contract.

use crate::{access::AccessError, base::Code, store::StoreError, work::WorkError};

/// A refused signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// The provider's secret is not known here: nobody can prove that a webhook is theirs.
    #[error("{0} not configured")]
    Unconfigured(&'static str),
    /// A webhook without its proof.
    #[error("Missing {0} header")]
    NoProof(String),
    /// A proof that is not the provider's.
    #[error("{0}")]
    BadProof(&'static str),
    /// The issue cannot be made, or a field is out of bounds.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignalError {
    /// The field at fault, when it is one.
    #[must_use]
    pub fn at_fault(&self) -> Option<&str> {
        if let Self::Work(error) = self { error.at_fault() } else { None }
    }

    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unconfigured(_) => Code::Unavailable,
            Self::NoProof(_) | Self::BadProof(_) => Code::Unauthenticated,
            Self::Work(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
