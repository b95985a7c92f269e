//! What a handler answers when it cannot do what was asked.

use std::{borrow::Cow, error::Error};

use http::{HeaderName, HeaderValue, StatusCode};
use loop_core::{base::Code, store::StoreError};
use serde_json::{Map, Value};

/// A refusal, in terms that every surface can wrap.
///
/// The message goes to the caller, except with [`Code::Internal`]: then it goes to the log and the caller sees
/// two words and the request's id.
pub struct Failure(Box<Parts>);

pub(super) struct Parts {
    pub code: Code,
    pub message: Cow<'static, str>,
    pub status: StatusCode,
    pub retry_after: Option<u32>,
    pub header: Option<(HeaderName, HeaderValue)>,
    pub extra: Option<Map<String, Value>>,
}

/// The one mapping from error codes to HTTP statuses.
#[must_use]
pub const fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidRequest => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::InsufficientCredits => StatusCode::PAYMENT_REQUIRED,
        Code::InsufficientScope | Code::PolicyDenied | Code::LoopSuspended => StatusCode::FORBIDDEN,
        Code::NotFound | Code::LoopNotFound => StatusCode::NOT_FOUND,
        Code::Conflict
        | Code::InvalidTransition
        | Code::IdempotencyConflict
        | Code::ReplayDetected
        | Code::ApprovalUsed
        | Code::ApprovalMismatch => StatusCode::CONFLICT,
        Code::Gone | Code::MessageExpired | Code::ApprovalExpired => StatusCode::GONE,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::SchemaMismatch | Code::IdempotencyMismatch | Code::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Code::UpstreamFailed | Code::ProviderFailed => StatusCode::BAD_GATEWAY,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Failure {
    /// A refusal with a message for the caller.
    #[must_use]
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let retry_after = matches!(code, Code::RateLimited | Code::Unavailable).then_some(1);
        Self(Box::new(Parts {
            code,
            message: message.into(),
            status: status(code),
            retry_after,
            header: None,
            extra: None,
        }))
    }

    /// The refusal that a room's error stands for, causes included: `Failure::of(error.code(), &error)`.
    #[must_use]
    pub fn of(code: Code, error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        Self::new(code, message)
    }

    /// A malformed request.
    #[must_use]
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// Something that this tenant does not have.
    #[must_use]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// A defect; the text is for the log only.
    #[must_use]
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Another status than the code's own.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Seconds after which trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// One more header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// One more member beside the error, such as the outcome that a decision met.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// The error code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.0.code
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The message; with [`Code::Internal`] it is for the log only.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What stands beside the error.
    #[must_use]
    pub fn extra(&self) -> Option<&Map<String, Value>> {
        self.0.extra.as_ref()
    }

    pub(super) fn into_parts(self) -> Parts {
        *self.0
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::of(error.code(), &error)
    }
}

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Failure({}, {:?})", self.0.code, self.0.message)
    }
}

#[cfg(test)]
mod tests {
    use loop_core::base::Code;

    use super::{Failure, status};

    #[test]
    fn no_code_becomes_a_success() {
        let codes = [
            Code::InvalidRequest,
            Code::Unauthenticated,
            Code::InsufficientScope,
            Code::PolicyDenied,
            Code::LoopSuspended,
            Code::InsufficientCredits,
            Code::NotFound,
            Code::LoopNotFound,
            Code::Conflict,
            Code::InvalidTransition,
            Code::IdempotencyConflict,
            Code::IdempotencyMismatch,
            Code::ReplayDetected,
            Code::ApprovalUsed,
            Code::ApprovalMismatch,
            Code::Gone,
            Code::MessageExpired,
            Code::ApprovalExpired,
            Code::SchemaMismatch,
            Code::Unprocessable,
            Code::TooLarge,
            Code::RateLimited,
            Code::NotImplemented,
            Code::UpstreamFailed,
            Code::ProviderFailed,
            Code::Unavailable,
            Code::Internal,
        ];
        for code in codes {
            assert!(status(code).is_client_error() || status(code).is_server_error(), "{code}");
        }
    }

    #[test]
    fn causes_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot save")]
        struct Outer(#[source] std::fmt::Error);
        let failure = Failure::of(Code::Internal, &Outer(std::fmt::Error));
        assert_eq!(failure.message(), format!("cannot save: {}", std::fmt::Error));
    }
}
