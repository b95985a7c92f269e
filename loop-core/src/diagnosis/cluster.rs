//! Failures that are one problem: of one tool, or of spans of one name, with one type of error.

use sha2::{Digest, Sha256};

use crate::{
    base::{Time, secret::hex},
    signal::Severity,
    telemetry::{dialect::Class, row::SpanKey},
};

/// The most records and traces that are cited for a cluster.
pub const EVIDENCE_MAX: usize = 1_000;
/// The longest part of a title, in characters.
const PART_MAX: usize = 120;

/// What failures have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cause {
    /// What failed.
    pub class: Class,
    /// The tool, or the name of the spans.
    pub name: Box<str>,
    /// What it failed with.
    pub error: Error,
}

/// What a span failed with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Error {
    /// A type of error.
    Type(Box<str>),
    /// No type, but a message: without numbers, hexadecimal and ids. It may be empty.
    Message(Box<str>),
}

/// A problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// What its failures have in common.
    pub cause: Cause,
    /// How bad it is.
    pub severity: Severity,
    /// How many spans failed.
    pub count: u64,
    /// In how many sessions.
    pub sessions: u64,
    /// In how many traces.
    pub trace_count: u64,
    /// The spans that failed, the latest first, [`EVIDENCE_MAX`] at most.
    pub evidence: Vec<SpanKey>,
    /// Their traces, each once, [`EVIDENCE_MAX`] at most.
    pub traces: Vec<[u8; 16]>,
    /// When the first of them ended.
    pub first: Time,
    /// When the last of them ended.
    pub last: Time,
}

impl Cause {
    /// The id of the problem: the same in every window.
    #[must_use]
    pub fn id(&self) -> String {
        let (kind, error) = match &self.error {
            Error::Type(error) => ("type", error),
            Error::Message(message) => ("message", message),
        };
        let mut sha = Sha256::new();
        for part in [self.class.as_str(), &self.name, kind, error] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part);
        }
        format!("clu_{}", hex(sha.finalize().get(..8).unwrap_or_default()))
    }

    /// The word for what failed.
    #[must_use]
    pub const fn signal_type(&self) -> &'static str {
        match self.class {
            Class::Tool => "tool_call_failed",
            Class::Model => "llm_call_failed",
            Class::Agent | Class::Other => "span_error",
        }
    }

    /// What it is called, with each part of it that came in from outside as `quoted` shows it.
    #[must_use]
    pub fn title(&self, quoted: &dyn Fn(&str) -> String) -> String {
        format!("{} on {}: {}", self.signal_type(), quoted(&cut(&self.name)), self.said(quoted))
    }

    /// Its error in words.
    fn said(&self, quoted: &dyn Fn(&str) -> String) -> String {
        match &self.error {
            Error::Type(text) | Error::Message(text) if !text.is_empty() => quoted(&cut(text)),
            Error::Type(_) | Error::Message(_) => "no error named".to_owned(),
        }
    }

    /// Whether a guardrail or an approval was got round.
    #[must_use]
    pub fn bypasses(&self) -> bool {
        let names = |text: &str| {
            let text: String = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
            let text = text.to_ascii_lowercase();
            text.contains("bypass") && (text.contains("guardrail") || text.contains("approval"))
        };
        let of_error = if let Error::Type(error) = &self.error { names(error) } else { false };
        of_error || names(&self.name)
    }

    /// What is to be looked for, by the class of the error.
    fn advice(&self) -> &'static str {
        let text = match &self.error {
            Error::Type(text) | Error::Message(text) => text.to_ascii_lowercase(),
        };
        let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if self.bypasses() {
            "find out how it was got round, and close that way"
        } else if any(&["timeout", "timed out", "deadline"]) {
            "find out why it answers late; then mend that, or allow it more time and say what happens without it"
        } else if any(&["ratelimit", "rate limit", "rate_limit", "toomany", "quota", "overloaded"]) {
            "call it less often, or wait and try again as it asks"
        } else if any(&["auth", "permission", "forbidden", "denied", "credential"]) {
            "check which rights its credentials have, and whether the agent should call it at all"
        } else if any(&["valid", "typeerror", "valueerror", "keyerror", "argument", "schema", "parse", "json", "retry"])
        {
            "compare the arguments with what it expects; then make its description or its checks clearer"
        } else if any(&["connect", "network", "socket", "dns", "unavailable", "oserror", "ioerror"]) {
            "check that it can be reached from where the agent runs, and what the agent does when it cannot"
        } else {
            "read what led to it, and mend the cause where it lies: prompt, tool, context or model"
        }
    }
}

impl Cluster {
    /// What to do first; `first` is the record to open.
    #[must_use]
    pub fn next_action(&self, first: &str, quoted: &dyn Fn(&str) -> String) -> String {
        let times = if self.count == 1 { "once".to_owned() } else { format!("{} times", self.count) };
        format!(
            "Open {first} first: {} failed {times} with {}; {}.",
            quoted(&cut(&self.cause.name)),
            self.cause.said(quoted),
            self.cause.advice(),
        )
    }
}

/// How bad a problem is.
#[must_use]
pub const fn severity(count: u64, sessions: u64, all_sessions: u64, bypasses: bool) -> Severity {
    if bypasses || (sessions > 0 && sessions.saturating_mul(2) >= all_sessions) {
        Severity::Critical
    } else if count >= 10 || (sessions > 0 && sessions.saturating_mul(5) >= all_sessions) {
        Severity::High
    } else if count >= 3 {
        Severity::Medium
    } else {
        Severity::Low
    }
}

/// The word of a severity.
#[must_use]
pub const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// A text on one line, not too long.
fn cut(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut out: String = text.chars().take(PART_MAX).map(plain).collect();
    if text.chars().nth(PART_MAX).is_some() {
        out.push('…');
    }
    out
}
