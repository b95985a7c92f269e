//! What can go wrong while a call is begun, ended or proved.

use crate::{
    access::AccessError, base::Code, credit::CreditError, proof::ProofError, store::StoreError, task::TaskError,
    tool::manifest::ManifestError, trust::TrustError,
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No such tool, or none that the caller may see.
    #[error("no such tool")]
    NoTool,
    /// No such invocation, or another loop's.
    #[error("no such invocation")]
    NoInvocation,
    /// Neither or both of the things that a proof can be of.
    #[error("exactly one of `taskId` and `invocationId` is needed")]
    Subject,
    /// The status cannot be given by a review.
    #[error("a review approves or suspends")]
    Review,
    /// The operation is the tenant's administrator's.
    #[error("this is for the tenant's administrator: use a key without a loop")]
    Administrator,
    /// The proof names no reference that was captured.
    #[error("the proof holds no captured reference to fetch")]
    NoReference,
    /// The manifest is refused.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The wallet holds too little.
    #[error(transparent)]
    Credit(#[from] CreditError),
    /// The proof is refused.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The trust could not be moved.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The task or the transaction could not be read.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CallError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoTool | Self::NoInvocation => Code::NotFound,
            Self::Subject | Self::Review | Self::NoReference => Code::InvalidRequest,
            Self::Administrator => Code::InsufficientScope,
            Self::Manifest(error) => error.code(),
            Self::Credit(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::Trust(error) => error.code(),
            Self::Task(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
