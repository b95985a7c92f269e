//! Why a decision could not be made. The call is then not allowed.

use crate::{
    access::AccessError,
    approval::ApprovalError,
    audit::AuditError,
    base::{Code, host::NoEntropy},
    policy::PolicyError,
    store::StoreError,
};

/// A decision that could not be made or recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// A text of the call is empty or too long.
    #[error("`{field}` must have 1 to {max} bytes")]
    Length {
        /// The field.
        field: &'static str,
        /// The most bytes.
        max: usize,
    },
    /// A turn without calls, or with too many.
    #[error("a turn must have 1 to {max} calls")]
    Calls {
        /// The most calls.
        max: usize,
    },
    /// The completion was handed on, replaced or removed since it was taken out, or its time is over. Nothing was
    /// decided.
    #[error("the kept completion is gone")]
    KeptGone,
    /// The policy moved on while the decision was recorded; the engine decides again.
    #[error("the policy changed too often to decide this call")]
    Moved,
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The approval could not be looked up or asked for.
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    /// The log could not be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The policy could not be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DecideError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Length { .. } | Self::Calls { .. } => Code::InvalidRequest,
            Self::KeptGone => Code::Conflict,
            Self::Moved => Code::Unavailable,
            Self::Access(error) => error.code(),
            Self::Approval(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Policy(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

impl From<NoEntropy> for DecideError {
    fn from(error: NoEntropy) -> Self {
        Self::Access(error.into())
    }
}
