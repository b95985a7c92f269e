//! What can go wrong with prompts. Clients of the improvement surface compare some of these texts, so they are spelt as
//! those expect them.

use super::syntax::SyntaxError;
use crate::{access::AccessError, base::Code, store::StoreError, work::WorkError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PromptError {
    /// No such template.
    #[error("Template not found")]
    NoTemplate,
    /// No such version, or none of this template.
    #[error("Version not found")]
    NoVersion,
    /// The project named is not there.
    #[error("Project not found")]
    NoProject,
    /// Another template has the slug.
    #[error("Template slug already exists")]
    SlugTaken,
    /// The version is the one in use.
    #[error("Version is already active")]
    AlreadyActive,
    /// A rollout is to be ended that is none.
    #[error("Version is not being rolled out")]
    NoRollout,
    /// A triple brace, with which other engines leave text as it is.
    #[error("Triple-brace syntax ({{{{{{) is not allowed. Use double-brace Handlebars expressions instead.")]
    TripleBrace,
    /// The content is no template.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A member that is out of bounds.
    #[error("{message}")]
    Invalid {
        /// The member.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// As many as there may be.
    #[error("there may be {max} {what} at most")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The most.
        max: u32,
    },
    /// Issues, labels or projects could not be read or written.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PromptError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoTemplate | Self::NoVersion => Code::NotFound,
            Self::SlugTaken => Code::Conflict,
            Self::NoProject | Self::AlreadyActive | Self::NoRollout | Self::TripleBrace | Self::Syntax(_) => {
                Code::Unprocessable
            }
            Self::Invalid { .. } => Code::InvalidRequest,
            Self::TooMany { .. } => Code::RateLimited,
            Self::Work(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    /// The member at fault, where one is.
    #[must_use]
    pub fn at_fault(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::Work(error) => error.at_fault(),
            _ => None,
        }
    }

    pub(super) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}
