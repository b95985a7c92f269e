//! What can go wrong with work. Texts that begin with a capital are those of the surface's contract.

use crate::{access::AccessError, base::Code, store::StoreError};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// No such issue, or it is deleted.
    #[error("Issue not found")]
    NoIssue,
    /// No such project, or it is deleted.
    #[error("Project not found")]
    NoProject,
    /// No such goal, or it is deleted.
    #[error("Goal not found")]
    NoGoal,
    /// No such label, or it is deleted.
    #[error("Label not found")]
    NoLabel,
    /// No such relation.
    #[error("Relation not found")]
    NoRelation,
    /// The input is well formed, but names what is not there or asks for what cannot be.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// It is in the way of something that is there.
    #[error("{0}")]
    Conflict(&'static str),
    /// A field that is malformed or out of bounds.
    #[error("{message}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WorkError {
    /// The refusal of a field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// The field at fault, when it is one.
    #[must_use]
    pub fn at_fault(&self) -> Option<&str> {
        if let Self::Invalid { field, .. } = self { Some(field) } else { None }
    }

    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoIssue | Self::NoProject | Self::NoGoal | Self::NoLabel | Self::NoRelation => Code::NotFound,
            Self::Unprocessable(_) => Code::Unprocessable,
            Self::Conflict(_) => Code::Conflict,
            Self::Invalid { .. } => Code::InvalidRequest,
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// Refuses a text that is empty or too long, in characters.
///
/// # Errors
/// [`WorkError::Invalid`].
pub fn check_text(field: &str, text: &str, max: usize) -> Result<(), WorkError> {
    if text.is_empty() || text.chars().nth(max).is_some() {
        return Err(WorkError::field(field, format!("must have 1 to {max} characters")));
    }
    Ok(())
}

/// Refuses a text that is too long, in characters.
///
/// # Errors
/// [`WorkError::Invalid`].
pub fn check_length(field: &str, text: &str, max: usize) -> Result<(), WorkError> {
    if text.chars().nth(max).is_some() {
        return Err(WorkError::field(field, format!("must have {max} characters at most")));
    }
    Ok(())
}
