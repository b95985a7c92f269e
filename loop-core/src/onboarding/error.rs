//! Why something about a project is refused.

use crate::{
    access::AccessError,
    base::{Code, host::NoEntropy},
    store::StoreError,
    telemetry::TelemetryError,
};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnboardingError {
    /// A text that is empty or too long.
    #[error("`{field}` must have 1 to {max} characters")]
    Length {
        /// The field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// No such project, or its time is over.
    #[error("no such project")]
    NoProject,
    /// The name has a project, and no key was presented.
    #[error("this name has a project: present one of its keys to resume it")]
    Owned,
    /// The name has a project, and the key presented is none of its own.
    #[error("this key does not open the project of this name")]
    Foreign,
    /// The name got a project while this was being asked.
    #[error("this name was claimed at the same time: resume it with the key that was given out")]
    Claimed,
    /// A recovery code that is not the project's.
    #[error("the recovery code could not be verified")]
    RecoveryCode,
    /// An upgrade code that is not the project's.
    #[error("the upgrade code could not be verified")]
    UpgradeCode,
    /// The operator gave no secret that codes could be made with.
    #[error("recovery is not set up on this server")]
    NoSecret,
    /// The operator lets nobody make projects without a key.
    #[error("making projects without a key is switched off here")]
    Closed,
    /// The tenant has as many projects as it may have.
    #[error("there are {0} projects, and no room for more")]
    TooMany(u64),
    /// The project sent as many spans as it may.
    #[error("the project may send {0} spans in all, and these would be more")]
    Quota(u64),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OnboardingError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Length { .. } => Code::InvalidRequest,
            Self::NoProject | Self::Closed => Code::NotFound,
            Self::Owned => Code::Unauthenticated,
            Self::Foreign | Self::RecoveryCode | Self::UpgradeCode => Code::InsufficientScope,
            Self::Claimed => Code::Conflict,
            Self::NoSecret => Code::Unavailable,
            Self::TooMany(_) | Self::Quota(_) => Code::RateLimited,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

impl From<NoEntropy> for OnboardingError {
    fn from(_: NoEntropy) -> Self {
        Self::Access(AccessError::NoEntropy)
    }
}

impl From<TelemetryError> for OnboardingError {
    fn from(error: TelemetryError) -> Self {
        match error {
            TelemetryError::NoSession => Self::NoProject,
            TelemetryError::Access(error) => Self::Access(error),
            TelemetryError::Store(error) => Self::Store(error),
        }
    }
}
