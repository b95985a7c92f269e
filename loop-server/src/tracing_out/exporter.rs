//! Gathering decisions and sending them. Whoever waits for a decision never waits for this: a full queue drops the span, and
//! counts it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::RETRY_AFTER};
use loop_core::{
    base::Seed,
    engine::{Engine, Witness, Witnessed},
};
use tokio::sync::{
    Mutex,
    mpsc::{Receiver, Sender, channel},
};

use super::{
    Settings, UnfitTarget,
    wire::{self, Span},
};
use crate::{
    outbound::{Client, Limits, Target},
    worker::Stop,
};

/// How many decisions wait to be sent.
const QUEUE: usize = 8_192;
/// How many spans one request holds.
const BATCH: usize = 512;
/// How long a span waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How often a batch is tried.
const TRIES: u32 = 5;
/// The first and the longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long one request may take, in seconds, and how much of its answer is read.
const LIMITS: Limits = Limits { allow_private: true, seconds: 10, body_max: 64 << 10 };

/// Takes decisions in. Cloning shares the queue.
#[derive(Clone)]
pub struct Exporter {
    queue: Sender<Span>,
    inner: Arc<Inner>,
}

struct Inner {
    service: String,
    client: Client,
    target: Target,
    headers: HeaderMap,
    /// The other end of the queue, held by the worker: one that is started again finds it here.
    waiting: Mutex<Receiver<Span>>,
}

impl Exporter {
    /// An exporter; nothing is sent before [`run`].
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, UnfitTarget> {
        let (queue, waiting) = channel(QUEUE);
        let inner = Inner {
            service: settings.service.clone(),
            client: Client::new(LIMITS)?,
            target: settings.target()?,
            headers: settings.headers()?,
            waiting: Mutex::new(waiting),
        };
        Ok(Self { queue, inner: Arc::new(inner) })
    }
}

impl Witness for Exporter {
    fn saw(&self, decision: &Witnessed<'_>) {
        // Nothing is put into words when there is no room.
        match self.queue.try_reserve() {
            Ok(place) => place.send(Span::of(decision)),
            Err(_) => dropped(1),
        }
    }
}

/// Sends what comes in until the stop, then what is still there.
pub async fn run(exporter: Exporter, engine: Engine, mut stop: Stop) {
    let inner = Arc::clone(&exporter.inner);
    let mut waiting = inner.waiting.lock().await;
    let Ok(mut seed) = engine.seed() else {
        tracing::error!(target: "loop::traces", "the machine gives no randomness: no spans are sent");
        return stop.asked().await;
    };
    let mut batch = Vec::with_capacity(BATCH);
    let mut open = true;
    while open {
        tokio::select! {
            got = waiting.recv_many(&mut batch, BATCH) => open = got > 0,
            () = stop.asked() => open = false,
        }
        let gathered = tokio::time::sleep(GATHER);
        tokio::pin!(gathered);
        while open && batch.len() < BATCH {
            let room = BATCH.saturating_sub(batch.len());
            tokio::select! {
                got = waiting.recv_many(&mut batch, room) => open = got > 0,
                () = &mut gathered => break,
                () = stop.asked() => open = false,
            }
        }
        send(&inner, std::mem::take(&mut batch), &mut seed, &mut stop).await;
    }
    while let Ok(span) = waiting.try_recv() {
        batch.push(span);
    }
    for rest in batch.chunks(BATCH) {
        send(&inner, rest.to_vec(), &mut seed, &mut stop).await;
    }
}

/// Sends a batch. What cannot be sent is dropped in the end: spans are for looking at, the log is the record.
async fn send(inner: &Inner, batch: Vec<Span>, seed: &mut Seed, stop: &mut Stop) {
    let count = batch.len() as u64;
    if count == 0 {
        return;
    }
    // The same ids at every try: a receiver that got it before keeps it once.
    let spans: Vec<_> = batch.into_iter().map(|span| (span, seed.draw())).collect();
    let body = Bytes::from(wire::body(&inner.service, &spans));
    let mut pause = PAUSE.0;
    for attempt in 1..=TRIES {
        let again = match inner.client.send(Method::POST, &inner.target, inner.headers.clone(), body.clone()).await {
            Ok(answer) if answer.status.is_success() => {
                metrics::counter!("loop_trace_spans_sent_total").increment(count);
                return;
            }
            Ok(answer) => {
                let told = answer.headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse().ok());
                if let Some(seconds) = told {
                    pause = Duration::from_secs(seconds).min(PAUSE.1);
                }
                if attempt == 1 || !retryable(answer.status) {
                    let status = answer.status.as_u16();
                    tracing::warn!(target: "loop::traces", status, to = %inner.target, "spans are not taken");
                }
                retryable(answer.status)
            }
            Err(error) => {
                if attempt == 1 {
                    tracing::warn!(target: "loop::traces", %error, to = %inner.target, "spans cannot be sent");
                }
                true
            }
        };
        if !again || attempt == TRIES || stop.is_asked() || !stop.sleep(pause).await {
            break;
        }
        pause = pause.saturating_mul(2).min(PAUSE.1);
    }
    dropped(count);
}

/// What OTLP lets a client try again.
const fn retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn dropped(count: u64) {
    metrics::counter!("loop_trace_spans_dropped_total").increment(count);
}
