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
    /// What the key may do became less while its call was under way.
    #[error("what this key may do changed while the call was under way")]
    Moved,
    /// Something is asked of or for a loop that the caller's own loop does not stand above.
    #[error("a loop's key acts for its own loop and those under it")]
    Foreign,
    /// A sandbox key would make, take or end a live one, or do something real.
    #[error("a sandbox key does nothing real")]
    Sandboxed,
    /// The operation needs a loop that acts, and the key belongs to none.
    #[error("this key belongs to no loop: use a loop's key, or name one as `loopId` where that is allowed")]
    Loopless,
    /// The loop, or one above it, is suspended.
    #[error("this loop, or one it stands under, is suspended")]
    Suspended,
    /// No such loop.
    #[error("no such loop")]
    NoLoop,
    /// Another loop of the tenant has the tag.
    #[error("this tag is taken")]
    TagTaken,
    /// A tag that cannot be one.
    #[error("`tag` must be a letter and then letters, digits, `_` or `-`, 2 to 64 in all")]
    Tag,
    /// A sub-loop would stand too far below its root.
    #[error("sub-loops nest {} deep at most", super::MAX_LINE - 1)]
    TooDeep,
    /// Something that makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// The tenant, or the loop and all that came of it, has as many requests with idempotency keys as are kept at once.
    #[error("too many requests with an `Idempotency-Key` within a day")]
    TooManyClaims,
    /// The request took so long that another took over what its idempotency key stands for.
    #[error("another request with this idempotency key has taken over")]
    ClaimGone,
    /// The tenant has as many loops as it may have.
    #[error("a tenant may have {0} loops at most")]
    TooManyLoops(u64),
    /// A loop has made as many loops as it may.
    #[error("a loop, and all that came of it, may make {0} loops at most: the tenant's own keys make more")]
    TooManyLoopsByLoop(u64),
    /// More skills than a loop may have.
    #[error("a loop may have {0} skills at most")]
    TooManySkills(usize),
    /// More signing keys than a loop may have.
    #[error("a loop may have {0} signing keys at most")]
    TooManySigningKeys(usize),
    /// No such key.
    #[error("no such key")]
    NotFound,
    /// The key was revoked or rotated before.
    #[error("this key was revoked or rotated before")]
    Retired,
    /// The tenant has as many keys as it may have.
    #[error("a tenant may have {0} keys at most")]
    TooMany(u64),
    /// A loop has made as many keys as it may.
    #[error("a loop, and all that came of it, may have made {0} live keys at most: revoke some")]
    TooManyByLoop(u64),
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
            Self::Scope(_) | Self::Wider(_) | Self::Foreign | Self::Sandboxed => Code::InsufficientScope,
            Self::Suspended => Code::LoopSuspended,
            Self::Length { .. } | Self::Loopless | Self::Tag | Self::Invalid(_) | Self::TooManySkills(_) => {
                Code::InvalidRequest
            }
            Self::NotFound => Code::NotFound,
            Self::NoLoop => Code::LoopNotFound,
            Self::TagTaken | Self::TooDeep | Self::Retired | Self::TooManySigningKeys(_) => Code::Conflict,
            Self::TooMany(_)
            | Self::TooManyByLoop(_)
            | Self::TooManyLoops(_)
            | Self::TooManyLoopsByLoop(_)
            | Self::TooManyClaims => Code::RateLimited,
            Self::ClaimGone => Code::IdempotencyConflict,
            Self::NoEntropy | Self::Moved => Code::Unavailable,
            Self::Store(error) => error.code(),
        }
    }
}

impl From<NoEntropy> for AccessError {
    fn from(_: NoEntropy) -> Self {
        Self::NoEntropy
    }
}
