//! Answers that come as a stream of events: text goes on as it comes, calls once they are decided.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, header, response};
use loop_core::base::Code;
use tokio::time::{Instant, timeout_at};

use super::{
    aside::{LONG, Unfinished, elsewhere},
    coding::{Coding, CodingError, Gunzip},
    completion::Recorder,
    headers, note,
    resume::judged,
    turn::{Context, Keeping, NOTHING, Undecided},
    upstream::{Pieces, UpstreamError},
    watch,
    wire::{Limits, Proposed, Step, Stream, Unreadable, Wire},
};
use crate::http::{
    Failure, Reply,
    dialect::Refusal,
    drawn::{Cut, Out},
    stream::Body,
};

/// The most that a compressed stream may hold, in bytes.
const OPENED_MAX: u64 = 1 << 30;
/// How much work a compressed byte is taken for.
const SWELLS: usize = 16;
/// How long the provider gets to end a stream behind its last event, so that the connection can be used again.
const LINGER: Duration = Duration::from_secs(1);

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
    /// It could not be read to the end.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// It could not be decided.
    #[error("the decision failed: {0}")]
    Undecided(#[from] Undecided),
}

impl Broken {
    /// What the client is told; `None` when its stream is cut as the provider's was.
    fn told(self) -> Option<Failure> {
        match self {
            Self::Upstream(_) => None,
            Self::Unreadable(error) => Some(UpstreamError::Unreadable(error.to_string()).into()),
            Self::Unopened(error) => Some(UpstreamError::Unreadable(error.to_string()).into()),
            Self::Unfinished(error) => Some(error.into()),
            Self::Undecided(error) => Some(error.into()),
        }
    }
}

/// Hands a stream on.
pub(super) fn reply(cx: Arc<Context>, head: response::Parts, coding: Coding, pieces: Pieces) -> Reply {
    let mut told = head.headers;
    let media = told.get(header::CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static("text/event-stream"));
    headers::back(&mut told);
    told.remove(header::CONTENT_ENCODING);
    let inlet = Inlet {
        stream: Stream::new(cx.wire, Limits::default()),
        gunzip: (coding == Coding::Gzip).then(|| Gunzip::new(OPENED_MAX)),
        recorder: Recorder::new(&media),
        ready: Vec::new(),
    };
    let pump = Pump { cx: Some(cx), inlet, begun: None, decided: false };
    Reply::passed(head.status, told, Body::drawn(|out| pump.run(pieces, out)))
}

/// What reads a stream. Long pieces are read elsewhere.
struct Inlet {
    stream: Stream,
    gunzip: Option<Gunzip>,
    recorder: Recorder,
    /// What may go on.
    ready: Vec<Bytes>,
}

impl Inlet {
    /// One that stands in for another.
    fn idle(wire: Wire) -> Self {
        Self {
            stream: Stream::new(wire, Limits::default()),
            gunzip: None,
            recorder: Recorder::new(&HeaderValue::from_static("")),
            ready: Vec::new(),
        }
    }

    /// How much there is to do for a piece of so many bytes.
    fn weight(&self, piece: usize) -> usize {
        let opened = if self.gunzip.is_some() { piece.saturating_mul(SWELLS) } else { piece };
        self.stream.weight().saturating_add(opened)
    }

    /// Takes a piece, or at the end the last of a compressed text.
    fn take(&mut self, next: Option<Bytes>) -> Result<Step, Broken> {
        let opened = match (&mut self.gunzip, next) {
            (None, None) => return Ok(Step::More),
            (None, Some(piece)) => piece,
            (Some(gunzip), Some(piece)) => gunzip.feed(&piece)?,
            (Some(gunzip), None) => gunzip.end()?,
        };
        self.recorder.add(&opened);
        Ok(self.stream.feed(opened, &mut self.ready)?)
    }

    fn end(&mut self) -> Result<Step, Broken> {
        Ok(self.stream.end(&mut self.ready)?)
    }
}

/// A stream on its way from the provider to the client.
struct Pump {
    /// Taken out once the log tells all there is to tell.
    cx: Option<Arc<Context>>,
    inlet: Inlet,
    /// The first call that was begun.
    begun: Option<String>,
    decided: bool,
}

impl Pump {
    async fn run(mut self, mut pieces: Pieces, out: Out) -> Result<(), Cut> {
        let pumped = self.pump(&mut pieces, &out).await;
        // Nothing more is wanted of the provider, whatever is still to be written down.
        drop(pieces);
        let Some(cx) = self.cx.take() else { return Err(Cut) };
        let tool = self.begun.as_deref();
        match pumped {
            Ok(()) => {
                if self.inlet.stream.failed() && tool.is_some() && !self.decided {
                    note::withheld(&cx, tool, &"the upstream told an error").await;
                }
                Ok(())
            }
            // The client has everything; what comes behind it is of no account.
            Err(_) if self.decided => Ok(()),
            Err(error) => {
                tracing::warn!(target: "loop::gateway", door = cx.door(), %error, "a stream was broken off");
                match &error {
                    Broken::Upstream(_) if tool.is_none() => {}
                    // What cannot be read may have been a call.
                    _ => note::withheld(&cx, tool, &error).await,
                }
                let failure = error.told().ok_or(Cut)?;
                out.send(failed(&cx, &mut self.inlet.stream, &failure)).await;
                Ok(())
            }
        }
    }

    async fn pump(&mut self, pieces: &mut Pieces, out: &Out) -> Result<(), Broken> {
        let mut latest = None;
        loop {
            let next = if self.decided || self.inlet.stream.failed() {
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
            let weight = self.inlet.weight(next.as_ref().map_or(0, Bytes::len));
            let step = self.reading(weight, |inlet| inlet.take(next)).await?;
            self.forward(step, out).await?;
            if ended {
                let step = self.reading(self.inlet.weight(0), Inlet::end).await?;
                return self.forward(step, out).await;
            }
        }
    }

    /// Reads, elsewhere when it may take long.
    async fn reading<T: Send + 'static>(
        &mut self,
        weight: usize,
        read: impl FnOnce(&mut Inlet) -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let done = if weight <= LONG {
            read(&mut self.inlet)
        } else {
            let wire = self.cx.as_ref().map_or(Wire::Chat, |cx| cx.wire);
            let mut inlet = std::mem::replace(&mut self.inlet, Inlet::idle(wire));
            let (inlet, done) = elsewhere(async move {
                let done = read(&mut inlet);
                (inlet, done)
            })
            .await?;
            self.inlet = inlet;
            done
        };
        if self.begun.is_none() && !self.decided {
            self.begun = self.inlet.stream.begun().into_iter().next();
        }
        Ok(done)
    }

    /// Sends what may go on, also before what cannot be read.
    async fn forward(&mut self, step: Result<Step, Broken>, out: &Out) -> Result<(), Broken> {
        out.send_all(self.inlet.ready.drain(..)).await;
        if let Step::Decide(calls) = step? {
            let rest = self.decide(calls).await?;
            self.decided = true;
            out.send_all(rest).await;
        }
        Ok(())
    }

    async fn decide(&mut self, calls: Vec<Proposed>) -> Result<Vec<Bytes>, Broken> {
        let Some(cx) = self.cx.clone() else { return Ok(Vec::new()) };
        if calls.is_empty() {
            return Ok(self.inlet.stream.released(NOTHING));
        }
        let verdict = cx.decide(calls, Keeping::Fresh(self.inlet.recorder.take())).await?;
        let weight = self.inlet.weight(0);
        Ok(self.reading(weight, move |inlet| judged(&mut inlet.stream, &verdict)).await?)
    }
}

/// The client's stream ended with an event that tells an error, in the words of its surface.
fn failed(cx: &Context, stream: &mut Stream, failure: &Failure) -> Bytes {
    let message = if failure.code() == Code::Internal { "internal error" } else { failure.message() };
    let request_id = cx.request_id.to_string();
    let refusal = Refusal {
        code: failure.code(),
        status: failure.status().as_u16(),
        message,
        request_id: &request_id,
        extra: None,
    };
    let dialect = cx.row.surface.dialect();
    stream.refused(&String::from_utf8_lossy(&dialect.wrap(&refusal)))
}

impl Drop for Pump {
    /// The client went away, or the server ends. What was held by then was not handed on, and the log tells so.
    fn drop(&mut self) {
        let Some(cx) = self.cx.take().filter(|_| !self.decided) else { return };
        if let Some(tool) = self.begun.take() {
            watch::gone(cx, tool);
        }
    }
}
