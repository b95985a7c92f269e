//! What can go wrong with approvals.

use super::State;
use crate::{access::AccessError, base::Code, outbox::targets::TargetError, policy::PolicyError, store::StoreError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// No such approval, or another tenant's.
    #[error("no such approval")]
    NotFound,
    /// It was settled before.
    #[error("this approval was settled before: `{}`", .0.as_str())]
    Settled(State),
    /// The key that proposed the call wants to decide it, and the tenant does not allow that.
    #[error("a key cannot decide the approval of its own call: set `allow_self_approval` or use another key")]
    OwnCall,
    /// The tenant has as many open approvals as it may have.
    #[error("a tenant may have {0} open approvals at most")]
    TooMany(u64),
    /// A text that is too long.
    #[error("`{field}` must have {max} characters at most")]
    Length {
        /// The field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The settings could not be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The notice targets could not be read.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApprovalError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Settled(_) => Code::Conflict,
            Self::OwnCall => Code::InsufficientScope,
            Self::TooMany(_) => Code::RateLimited,
            Self::Length { .. } => Code::InvalidRequest,
            Self::Access(error) => error.code(),
            Self::Policy(error) => error.code(),
            Self::Target(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
