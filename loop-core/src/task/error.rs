//! What can go wrong with tasks, contracts and transactions.

use super::contract::{Party, State};
use crate::{
    access::AccessError,
    base::Code,
    message::{Kind, MessageError},
    proof::ProofError,
    store::StoreError,
    trust::TrustError,
};

/// A refused step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// No such task, or not the caller's.
    #[error("no such task")]
    NoTask,
    /// No such job in the task.
    #[error("no such job: `{0}`")]
    NoJob(String),
    /// No such contract, or the caller is no party of it.
    #[error("no such contract")]
    NoContract,
    /// No such transaction, or the caller is no party of it.
    #[error("no such transaction")]
    NoTransaction,
    /// Something that makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// A text that is empty or too long.
    #[error("`{field}` must have 1 to {max} characters")]
    Length {
        /// The field.
        field: &'static str,
        /// The most characters.
        max: usize,
    },
    /// More of something than is accepted.
    #[error("`{field}` may have {max} items at most")]
    TooMany {
        /// The field.
        field: &'static str,
        /// The most items.
        max: usize,
    },
    /// Jobs that cannot be worked off.
    #[error("`jobs`: {0}")]
    Jobs(String),
    /// A task or a job cannot go from here to there.
    #[error("`{from}` cannot become `{to}`")]
    Transition {
        /// Where it stands.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
    },
    /// Nobody may send this type of message in the contract's state.
    #[error("a contract that is `{}` takes no `{kind}`", state.as_str())]
    Misstep {
        /// The contract's state.
        state: State,
        /// The message's type.
        kind: Kind,
    },
    /// Only the other party may.
    #[error("only the {} may do this", .0.as_str())]
    Party(Party),
    /// A deal of a loop with itself.
    #[error("a loop cannot deal with itself")]
    OwnDeal,
    /// A sandbox key and something that is not simulated.
    #[error("a sandbox key acts in the sandbox only")]
    Sandboxed,
    /// The loop that a message or an amount is for is suspended.
    #[error("the other loop, or one it stands under, is suspended")]
    OtherSuspended,
    /// What a message answers is past its time.
    #[error("what was proposed has expired")]
    Expired,
    /// The same id for another message.
    #[error("another message was sent with this `id`")]
    IdTaken,
    /// The thread is one between other loops.
    #[error("this `correlationId` is taken")]
    ThreadTaken,
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The message was refused.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The proofs could not be read or raised.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The trust could not be moved.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TaskError {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::NoTask | Self::NoJob(_) | Self::NoContract | Self::NoTransaction => Code::NotFound,
            Self::Invalid(_) | Self::Length { .. } | Self::TooMany { .. } | Self::Jobs(_) => Code::InvalidRequest,
            Self::Transition { .. } | Self::Misstep { .. } => Code::InvalidTransition,
            Self::Party(_) | Self::OwnDeal | Self::Sandboxed => Code::PolicyDenied,
            Self::OtherSuspended => Code::LoopSuspended,
            Self::Expired => Code::MessageExpired,
            Self::IdTaken => Code::IdempotencyConflict,
            Self::ThreadTaken => Code::Conflict,
            Self::Access(error) => error.code(),
            Self::Message(error) => error.code(),
            Self::Proof(error) => error.code(),
            Self::Trust(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
