//! What a store can answer instead of a result.

use crate::base::Code;

/// A storage failure. None of them leaves a part of a transaction behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot take work now (full queue, locked file, shutting down). Trying again later may work.
    #[error("the store is busy: {0}")]
    Unavailable(&'static str),
    /// The disk failed at what is named here. It may work again; until then nothing is written.
    #[error("the disk failed at {0}")]
    Io(&'static str),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The file or its folder cannot be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The file is damaged or is no database.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The file was written by a newer version of Loop.
    #[error("the file has schema version {found}, this program knows up to {known}")]
    Newer {
        /// The version found in the file.
        found: u32,
        /// The newest version this program can read.
        known: u32,
    },
    /// A unique column already holds this value, the record already exists, or a journal position is taken.
    #[error("`{what}` already exists")]
    Duplicate {
        /// The table and column, such as `keys.hash`.
        what: String,
    },
    /// A call that no schema allows: an unknown column, a value of the wrong kind, a write in a read job.
    #[error("invalid use of the store: {0}")]
    Misuse(String),
    /// Anything else; the text is for the log only.
    #[error("storage failure: {0}")]
    Internal(String),
}

impl StoreError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Io(_) | Self::Full | Self::ReadOnly => Code::Unavailable,
            Self::Duplicate { .. } => Code::Conflict,
            Self::Corrupt(_) | Self::Newer { .. } | Self::Misuse(_) | Self::Internal(_) => Code::Internal,
        }
    }
}
