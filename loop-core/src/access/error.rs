//! Why a caller or a key was refused.

use super::Scope;
use crate::{
    base::{Code, host::NoEntropy},
    store::StoreError,
};

/// What can go wrong with callers, keys and tenants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No key, an unknown one, or one that was revoked or has expired. Which of them is not told.
    #[error("missing or invalid API key")]
    Unauthenticated,
    /// The key lacks a scope.
    #[error("this key lacks the scope `{0}`")]
    Scope(Scope),
    /// A scope that the creating key does not hold itself.
    #[error("a key cannot give the scope `{0}`, which it does not hold")]
    Wider(Scope),
    /// A name that is empty or too long.
    #[error("`{field}` must have 1 to {max} characters")]
    Length {
        /// The field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// No such key.
    #[error("no such key")]
    NotFound,
    /// The tenant has as many keys as it may have.
    #[error("a tenant may have {0} keys at most")]
    TooMany(u64),
    /// The machine gave no randomness.
    #[error("no randomness available")]
    NoEntropy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Scope(_) | Self::Wider(_) => Code::InsufficientScope,
            Self::Length { .. } => Code::InvalidRequest,
            Self::NotFound => Code::NotFound,
            Self::TooMany(_) => Code::RateLimited,
            Self::NoEntropy => Code::Unavailable,
            Self::Store(error) => error.code(),
        }
    }
}

impl From<NoEntropy> for AccessError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}
