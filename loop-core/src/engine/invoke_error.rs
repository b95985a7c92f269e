//! Why a call did not happen, or did not succeed.

use super::{DecideError, Decision};
use crate::{
    access::AccessError,
    base::{Code, host::NoEntropy},
    credit::CreditError,
    invoke::{CallError, Fault, Invocation},
    policy::ReasonCode,
    store::StoreError,
    tool::manifest::Misfit,
};

/// A call that did not happen, or did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    /// The input is no object of sound JSON.
    #[error("`input` must be an object of numbers and texts that can be read")]
    NoObject,
    /// The input does not fit the tool's schema.
    #[error("`input` does not fit the tool's schema: {0}")]
    Input(Misfit),
    /// The policy, or a human, denied the call.
    #[error("{}", .0.message)]
    Denied(Box<Decision>),
    /// The approval named is another call's, or there is none of that id.
    #[error("this approval is another call's")]
    ApprovalMismatch,
    /// The approval was used up.
    #[error("this approval was used before")]
    ApprovalUsed,
    /// A human said no.
    #[error("this call was denied by a human")]
    ApprovalDenied,
    /// The approval's time is over.
    #[error("this approval expired: send the call without it to ask anew")]
    ApprovalExpired,
    /// The provider failed, or its answer does not fit.
    #[error("the provider failed: {fault}")]
    Provider {
        /// The call.
        call: Box<Invocation>,
        /// Why.
        fault: Fault,
    },
    /// The policy moved on; the engine decides again.
    #[error("the policy changed too often to decide this call")]
    Moved,
    /// The decision could not be made or recorded.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// The call could not be begun or ended.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl InvokeError {
    /// The error code for surfaces.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NoObject => Code::InvalidRequest,
            Self::Input(_) => Code::SchemaMismatch,
            Self::Denied(decision) => {
                let suspended = |code| code == ReasonCode::LoopSuspended;
                let suspended = decision.verdict.reasons.iter().any(|reason| suspended(reason.code));
                if suspended { Code::LoopSuspended } else { Code::PolicyDenied }
            }
            Self::ApprovalDenied => Code::PolicyDenied,
            Self::ApprovalMismatch => Code::ApprovalMismatch,
            Self::ApprovalUsed => Code::ApprovalUsed,
            Self::ApprovalExpired => Code::ApprovalExpired,
            Self::Provider { .. } => Code::ProviderFailed,
            Self::Moved => Code::Unavailable,
            Self::Decide(error) => error.code(),
            Self::Call(error) => error.code(),
        }
    }

    /// The gate that refused the call, when it left no trace of its own in the log.
    pub(super) const fn gate(&self) -> Option<&'static str> {
        match self {
            Self::Call(CallError::NoTool) => Some("tool"),
            Self::Input(_) | Self::NoObject => Some("schema"),
            Self::ApprovalMismatch | Self::ApprovalUsed | Self::ApprovalDenied | Self::ApprovalExpired => {
                Some("approval")
            }
            Self::Call(CallError::Credit(CreditError::Insufficient { .. })) => Some("credit"),
            _ => None,
        }
    }
}

impl From<StoreError> for InvokeError {
    fn from(error: StoreError) -> Self {
        Self::Call(error.into())
    }
}

impl From<AccessError> for InvokeError {
    fn from(error: AccessError) -> Self {
        Self::Call(error.into())
    }
}

impl From<NoEntropy> for InvokeError {
    fn from(error: NoEntropy) -> Self {
        Self::Call(AccessError::from(error).into())
    }
}
