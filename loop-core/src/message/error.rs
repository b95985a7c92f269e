//! What can go wrong with messages.

use crate::{access::AccessError, base::Code, store::StoreError};

/// A refused message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A member that is missing or has another form than it must have.
    #[error("{0}")]
    Invalid(String),
    /// No such message, or one that is not the caller's to see.
    #[error("no such message")]
    NotFound,
    /// No such thread, or one that is not the caller's to see.
    #[error("no such thread")]
    NoThread,
    /// A signature by a loop that has no key to sign with.
    #[error("`signature`: this loop has no signing key: register one first")]
    NoSigningKey,
    /// The message is past its time.
    #[error("this message has expired")]
    Expired,
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MessageError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::NoSigningKey => Code::InvalidRequest,
            Self::NotFound | Self::NoThread => Code::NotFound,
            Self::Expired => Code::MessageExpired,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
