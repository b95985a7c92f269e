//! What can go wrong with credits.

use crate::{access::AccessError, base::Code, store::StoreError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditError {
    /// Nothing, or more than may be granted at once.
    #[error("`amount` must be a whole number from 1 to {0}")]
    Amount(u64),
    /// A wallet would hold more than it may.
    #[error("a wallet may hold {0} credits at most")]
    Full(i64),
    /// The wallet holds too little.
    #[error("this costs {cost} credits and {available} are available")]
    Insufficient {
        /// What it costs.
        cost: u64,
        /// What there is, reservations apart.
        available: i64,
    },
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CreditError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Amount(_) | Self::Full(_) => Code::InvalidRequest,
            Self::Insufficient { .. } => Code::InsufficientCredits,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
