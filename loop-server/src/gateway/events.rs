//! Answers that come as a stream of events: text goes on as it comes, calls once they are decided.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header, response};
use loop_core::engine::DecideError;
use tokio::time::{Instant, timeout_at};

use super::{
    coding::{Coding, CodingError, Gunzip},
    completion::Recorder,
    headers, note,
    resume::judged,
    turn::{Context, Keeping, NOTHING},
    upstream::{Pieces, UpstreamError},
    wire::{Limits, Proposed, Step, Stream, Unreadable},
};
use crate::http::{
    Reply,
    drawn::{Cut, Out},
    stream::Body,
};

/// The most that a compressed stream may hold, in bytes.
const OPENED_MAX: u64 = 1 << 30;
/// How long the provider gets to end a stream behind its last event, so that the connection can be used again.
const LINGER: Duration = Duration::from_secs(5);

/// Why a stream is broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// By the provider.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// What it sent cannot be understood, and might propose anything.
    #[error("the upstream's answer cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// What it sent cannot be opened.
    #[error("{0}")]
    Unopened(#[from] CodingError),
    /// It could not be decided.
    #[error("the decision failed: {0}")]
    Undecided(#[from] DecideError),
}

/// Hands a stream on.
pub(super) fn reply(cx: Context, head: response::Parts, coding: Coding, pieces: Pieces) -> Reply {
    let mut told = head.headers;
    let media = told.get(header::CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("text/event-stream"));
    headers::back(&mut told);
    told.remove(header::CONTENT_ENCODING);
    let pump = Pump {
        stream: Stream::new(cx.wire, Limits::default()),
        cx: Some(cx),
        gunzip: (coding == Coding::Gzip).then(|| Gunzip::new(OPENED_MAX)),
        recorder: Recorder::new(&media),
        decided: false,
    };
    Reply::passed(head.status, told, Body::drawn(|out| pump.run(pieces, out)))
}

/// A stream on its way from the provider to the client.
struct Pump {
    /// Taken out once the log tells all there is to tell.
    cx: Option<Context>,
    stream: Stream,
    gunzip: Option<Gunzip>,
    recorder: Recorder,
    decided: bool,
}

impl Pump {
    async fn run(mut self, mut pieces: Pieces, out: Out) -> Result<(), Cut> {
        let pumped = self.pump(&mut pieces, &out).await;
        // Nothing more is wanted of the provider, whatever is still to be written down.
        drop(pieces);
        let Some(cx) = self.cx.take() else { return Err(Cut) };
        let begun = self.stream.begun();
        let tool = begun.first().map(String::as_str);
        match pumped {
            Ok(()) => {
                if self.stream.failed() && tool.is_some() && !self.decided {
                    note::withheld(&cx, tool, &"the upstream told an error").await;
                }
                Ok(())
            }
            // The client has everything; what comes behind it is of no account.
            Err(_) if self.decided => Ok(()),
            Err(error) => {
                tracing::warn!(target: "loop::gateway", door = cx.door, %error, "a stream was broken off");
                match &error {
                    Broken::Undecided(_) => {}
                    Broken::Upstream(_) if tool.is_none() => {}
                    // What cannot be read may have been a call.
                    _ => note::withheld(&cx, tool, &error).await,
                }
                Err(Cut)
            }
        }
    }

    async fn pump(&mut self, pieces: &mut Pieces, out: &Out) -> Result<(), Broken> {
        let mut ready = Vec::new();
        let mut latest = None;
        loop {
            let next = if self.decided || self.stream.failed() {
                // The client has everything; how the provider ends is of no account any more.
                let latest = *latest.get_or_insert_with(|| Instant::now() + LINGER);
                match timeout_at(latest, pieces.next()).await {
                    Ok(Ok(next)) => next,
                    Ok(Err(_)) | Err(_) => return Ok(()),
                }
            } else {
                pieces.next().await?
            };
            let ended = next.is_none();
            if let Some(bytes) = self.opened(next)? {
                self.recorder.add(&bytes);
                let step = self.stream.feed(bytes, &mut ready)?;
                self.forward(step, &mut ready, out).await?;
            }
            if ended {
                let step = self.stream.end(&mut ready)?;
                return self.forward(step, &mut ready, out).await;
            }
        }
    }

    /// Opens a piece, or at the end the last of the text.
    fn opened(&mut self, next: Option<Bytes>) -> Result<Option<Bytes>, CodingError> {
        match (&mut self.gunzip, next) {
            (None, next) => Ok(next),
            (Some(gunzip), Some(piece)) => gunzip.feed(&piece).map(Some),
            (Some(gunzip), None) => gunzip.end().map(Some),
        }
    }

    async fn forward(&mut self, step: Step, ready: &mut Vec<Bytes>, out: &Out) -> Result<(), Broken> {
        out.send_all(ready.drain(..)).await;
        if let Step::Decide(calls) = step {
            let rest = self.decide(&calls).await?;
            self.decided = true;
            out.send_all(rest).await;
        }
        Ok(())
    }

    async fn decide(&mut self, calls: &[Proposed]) -> Result<Vec<Bytes>, DecideError> {
        let Some(cx) = &self.cx else { return Ok(Vec::new()) };
        if calls.is_empty() {
            return Ok(self.stream.released(NOTHING));
        }
        let verdict = cx.decide(calls, Keeping::Fresh(self.recorder.bytes())).await?;
        Ok(judged(&mut self.stream, &verdict))
    }
}

impl Drop for Pump {
    /// The client went away, or the server ends. What was held by then was not handed on, and the log tells so.
    fn drop(&mut self) {
        let Some(cx) = self.cx.take().filter(|_| !self.decided) else { return };
        let Some(tool) = self.stream.begun().into_iter().next() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { note::withheld(&cx, Some(&tool), &"the client went away").await });
        }
    }
}
