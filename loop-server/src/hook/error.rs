//! Why there is no decision. Whatever it is, the program exits with 2, and the tool does not run the call.

use std::{io, path::PathBuf};

use loop_core::{access::AccessError, base::json, engine::DecideError};

use crate::{http::Failure, open::OpenError};

/// Why a hook has nothing to answer.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Standard input cannot be read.
    #[error("standard input cannot be read")]
    Input(#[source] io::Error),
    /// More input than a call may have.
    #[error("the event is larger than {0} bytes")]
    TooLarge(usize),
    /// Standard output cannot be written, so that the tool would not see a refusal.
    #[error("standard output cannot be written")]
    Output(#[source] io::Error),
    /// Standard output leads nowhere, so that the tool would not see a refusal.
    #[error("nobody reads standard output")]
    Unheard,
    /// The input is no JSON.
    #[error("the event is no JSON")]
    Json(#[from] json::Error),
    /// The input is not the event of a proposed call.
    #[error("{0}")]
    Event(String),
    /// There is no key.
    #[error("no key: set LOOP_API_KEY or name a file with --key-file")]
    NoKey,
    /// The key's file cannot be read.
    #[error("the key file `{}` cannot be read", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key's text, or its file's, cannot be a key.
    #[error("what was given as the key cannot be one")]
    BadKey,
    /// The server's place cannot be read.
    #[error("`{0}` is neither `http://HOST:PORT` nor `unix:PATH`")]
    Url(String),
    /// The server cannot be reached.
    #[error("no server at `{place}`")]
    Unreachable {
        /// Where.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The exchange broke off.
    #[error("the server's answer broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// The server's answer is no decision.
    #[error("the server's answer is no decision")]
    NoDecision(#[source] Option<serde_json::Error>),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Without the master key no approval can be recognised.
    #[error("the database's key file is missing: restore it, or set LOOP_SECRET_KEY")]
    NoMasterKey,
    /// The caller was refused.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// What the key may do does not suffice.
    #[error("{0}")]
    NotAdmitted(String),
    /// The call could not be decided.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// No answer within the time that a hook has.
    #[error("no decision within {0} seconds")]
    TooSlow(u64),
    /// A bug in this program.
    #[error("the hook broke off")]
    Panicked,
    /// No thread or no event loop could be started.
    #[error("the hook cannot run")]
    CannotRun(#[source] io::Error),
}

impl From<Failure> for HookError {
    fn from(failure: Failure) -> Self {
        Self::NotAdmitted(failure.message().to_owned())
    }
}
