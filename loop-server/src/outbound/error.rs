//! Why an outbound call did not happen or did not end well.

use loop_core::base::Code;

use super::address::Refused;

/// An outbound failure. Its text is safe to show, store and log: it holds neither path, query, header nor body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL is not one we call.
    #[error("the URL {0}")]
    Url(&'static str),
    /// The method is not one we send.
    #[error("the method `{0}` is not supported")]
    Method(String),
    /// The header may not be set by a caller, or its name or value is malformed.
    #[error("the header `{0}` cannot be sent")]
    Header(String),
    /// The request would carry the caller's own Loop key to somebody else.
    #[error("the request holds a Loop key")]
    OwnKey,
    /// The name resolved to an address that is not public.
    #[error("`{host}` is at a {} address", .why.as_str())]
    Refused {
        /// The host as written in the URL.
        host: String,
        /// What kind of address.
        why: Refused,
    },
    /// The name could not be resolved.
    #[error("`{0}` cannot be resolved")]
    Unresolved(String),
    /// No address of the host accepted the connection, or TLS failed.
    #[error("`{0}` cannot be connected to")]
    Connect(String),
    /// The exchange took longer than it may.
    #[error("no complete answer within {seconds} s")]
    Timeout {
        /// The limit.
        seconds: u64,
        /// The status, when it had arrived.
        status: Option<u16>,
    },
    /// The connection broke or the other side does not speak HTTP.
    #[error("the exchange broke off")]
    Broken {
        /// The status, when it had arrived.
        status: Option<u16>,
    },
}

impl Error {
    /// The error code for surfaces.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Url(_) | Self::Method(_) | Self::Header(_) | Self::OwnKey | Self::Refused { .. } => {
                Code::InvalidRequest
            }
            Self::Unresolved(_) | Self::Connect(_) | Self::Timeout { .. } | Self::Broken { .. } => Code::UpstreamFailed,
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.code(), Code::UpstreamFailed)
    }
}
