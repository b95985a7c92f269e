//! The closed set of error codes. Rooms return their own error enums; each has `code()` into this set,
//! and each HTTP surface maps a code to its status and body in one `match`.

/// What went wrong, in terms every surface can map to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The input is malformed, misses a field or names an unknown enum value.
    InvalidRequest,
    /// No key, an unknown key, or a revoked or expired one.
    Unauthenticated,
    /// The key lacks the scope that the operation needs.
    InsufficientScope,
    /// The policy denies the action.
    PolicyDenied,
    /// The loop, or one it stands under, is suspended.
    LoopSuspended,
    /// The wallet holds less than the call is estimated to cost.
    InsufficientCredits,
    /// The thing named does not exist for this tenant.
    NotFound,
    /// The loop named does not exist for this tenant.
    LoopNotFound,
    /// The thing is in a state that does not allow the step (already decided, already used).
    Conflict,
    /// The step is not one that the state of the contract, task or transaction allows this party.
    InvalidTransition,
    /// A request with the same idempotency key is under way.
    IdempotencyConflict,
    /// The idempotency key was used with another body.
    IdempotencyMismatch,
    /// A message that was sent before came again with other content.
    ReplayDetected,
    /// The approval was used up before.
    ApprovalUsed,
    /// The approval is another call's.
    ApprovalMismatch,
    /// The thing was valid once and is no longer (an expired link or approval).
    Gone,
    /// The message expired before it was answered.
    MessageExpired,
    /// The approval expired before it was used.
    ApprovalExpired,
    /// The input does not fit the tool's schema.
    SchemaMismatch,
    /// The input is well formed, but names what is not there or asks for what cannot be.
    Unprocessable,
    /// The body is larger than the operation accepts.
    TooLarge,
    /// A limit on the number of requests or stored things was reached.
    RateLimited,
    /// The operation exists but is not built yet.
    NotImplemented,
    /// An outbound call (forward target, upstream) failed.
    UpstreamFailed,
    /// The provider of a tool failed, or answered what its schema does not allow.
    ProviderFailed,
    /// The store cannot take the work now: full queue, locked file, full disk. Nothing was changed.
    Unavailable,
    /// A defect or a damaged store. Details are logged, never shown.
    Internal,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 26] = [
        Self::InvalidRequest,
        Self::Unauthenticated,
        Self::InsufficientScope,
        Self::PolicyDenied,
        Self::LoopSuspended,
        Self::InsufficientCredits,
        Self::NotFound,
        Self::LoopNotFound,
        Self::Conflict,
        Self::InvalidTransition,
        Self::IdempotencyConflict,
        Self::IdempotencyMismatch,
        Self::ReplayDetected,
        Self::ApprovalUsed,
        Self::ApprovalMismatch,
        Self::Gone,
        Self::MessageExpired,
        Self::ApprovalExpired,
        Self::SchemaMismatch,
        Self::TooLarge,
        Self::RateLimited,
        Self::NotImplemented,
        Self::UpstreamFailed,
        Self::ProviderFailed,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The stable spelling used in logs, metrics and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::InsufficientScope => "INSUFFICIENT_SCOPE",
            Self::PolicyDenied => "POLICY_DENIED",
            Self::LoopSuspended => "LOOP_SUSPENDED",
            Self::InsufficientCredits => "INSUFFICIENT_CREDITS",
            Self::NotFound => "NOT_FOUND",
            Self::LoopNotFound => "LOOP_NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::InvalidTransition => "INVALID_TRANSITION",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::ReplayDetected => "REPLAY_DETECTED",
            Self::ApprovalUsed => "APPROVAL_USED",
            Self::ApprovalMismatch => "APPROVAL_MISMATCH",
            Self::Gone => "GONE",
            Self::MessageExpired => "MESSAGE_EXPIRED",
            Self::ApprovalExpired => "APPROVAL_EXPIRED",
            Self::SchemaMismatch => "SCHEMA_MISMATCH",
            Self::Unprocessable => "UNPROCESSABLE",
            Self::TooLarge => "TOO_LARGE",
            Self::RateLimited => "RATE_LIMITED",
            Self::NotImplemented => "NOT_IMPLEMENTED",
            Self::UpstreamFailed => "UPSTREAM_FAILED",
            Self::ProviderFailed => "PROVIDER_FAILED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// Reads the spelling; case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Code;

    #[test]
    fn every_spelling_is_its_own_and_is_read_back() {
        let spellings: HashSet<&str> = Code::ALL.into_iter().map(Code::as_str).collect();
        assert_eq!(spellings.len(), Code::ALL.len());
        assert!(Code::ALL.into_iter().all(|code| Code::parse(code.as_str()) == Some(code)));
        assert_eq!(Code::parse("internal"), None);
    }
}
