//! Why a diagnosis is refused.

use crate::{
    access::AccessError, base::Code, signal::SignalError, store::StoreError, telemetry::TelemetryError, work::WorkError,
};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiagnosisError {
    /// The spans cannot be read.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A signal cannot be made.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// An issue cannot be read.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DiagnosisError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Telemetry(error) => error.code(),
            Self::Signal(error) => error.code(),
            Self::Work(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
