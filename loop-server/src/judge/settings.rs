//! What the operator says of the judging model.

use std::time::Duration;

use loop_core::{access::key::begins_as_key, base::secret::Secret};

use crate::outbound::{self, Target};

/// The judging model, and bounds on asking it. The operator chose it, so private addresses and plain `http` are
/// allowed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What `/chat/completions` is put behind.
    pub base_url: String,
    /// The model, 1 to 128 bytes.
    pub model: String,
    /// What it is shown as a bearer token.
    pub key: Option<Secret>,
    /// How long a decision waits for it.
    pub patience: Duration,
    /// The most questions that one decision asks.
    pub questions: usize,
    /// The most questions of a tenant in a minute; all tenants together may ask ten times as many.
    pub per_minute: u32,
    /// The same for a day.
    pub per_day: u32,
}

/// How long a decision waits, in milliseconds.
pub const MILLIS: u64 = 3_000;
/// The most questions that one decision asks.
pub const QUESTIONS: u8 = 4;
/// The most questions of a tenant in a minute.
pub const PER_MINUTE: u32 = 60;
/// The most questions of a tenant in a day.
pub const PER_DAY: u32 = 5_000;
/// The longest name of a model, in bytes.
const MODEL_MAX: usize = 128;

impl Settings {
    /// A model under the usual bounds.
    #[must_use]
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            patience: Duration::from_millis(MILLIS),
            questions: usize::from(QUESTIONS),
            per_minute: PER_MINUTE,
            per_day: PER_DAY,
        }
    }

    /// Where questions go.
    pub(super) fn target(&self) -> Result<Target, JudgeError> {
        if self.base_url.contains(['?', '#']) {
            return Err(JudgeError::Query);
        }
        Ok(Target::parse(&format!("{}/chat/completions", self.base_url.trim_end_matches('/')), true)?)
    }

    /// What cannot work, or would give a key of ours away.
    pub(super) fn check(&self) -> Result<(), JudgeError> {
        if !(1..=MODEL_MAX).contains(&self.model.len()) {
            return Err(JudgeError::Model);
        }
        if self.key.as_ref().is_some_and(|key| begins_as_key(key.expose().as_bytes())) {
            return Err(JudgeError::OwnKey);
        }
        Ok(())
    }
}

/// Why the judging model cannot be connected.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The base URL is none.
    #[error("`LOOP_JUDGE_URL` cannot be used")]
    Url(#[from] outbound::Error),
    /// The base URL has more than a path.
    #[error("`LOOP_JUDGE_URL` has a query or a fragment")]
    Query,
    /// The model has no name, or too long a one.
    #[error("`LOOP_JUDGE_MODEL` must have 1 to {MODEL_MAX} bytes")]
    Model,
    /// The key is one of ours.
    #[error("`LOOP_JUDGE_KEY` is a Loop key")]
    OwnKey,
    /// The key cannot stand in a header.
    #[error("`LOOP_JUDGE_KEY` holds characters that no header may")]
    Key,
    /// TLS cannot be set up: a defect of the build.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}
