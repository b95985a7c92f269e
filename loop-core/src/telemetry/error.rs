//! Why something about telemetry is refused.

use crate::{access::AccessError, base::Code, store::StoreError};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// Nothing of this id in the window.
    #[error("session not found in window")]
    NoSession,
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TelemetryError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoSession => Code::NotFound,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
