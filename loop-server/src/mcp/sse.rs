//! The older transport: a stream of events that the server keeps open, and messages that are posted beside it.
//!
//! The id of a session is unguessable and stands for the key that opened it, because clients of this transport post to
//! exactly the address that the first event names and add no key of their own. The key itself is never told; it is
//! checked again with every message, and the session ends with it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, StatusCode};
use loop_core::base::{
    Code, TenantId,
    secret::{Secret, TokenHash, hex},
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::Instant,
};

use super::serve::{self, Client};
use crate::{
    http::{
        Call, Failure, Reply, auth,
        stream::{Gone, Sender},
        table::Outcome,
    },
    state::App,
    surface::Surface,
};

/// The media type of a stream of events.
pub const EVENTS: &str = "text/event-stream";
/// The parameter that carries the session's id.
pub const SESSION: &str = "session_id";
/// Open sessions in all, and of one tenant.
const MAX_SESSIONS: (usize, usize) = (1_024, 256);
/// Answers of one session that may wait for a client that reads slowly, those apart whose messages are worked on still.
const QUEUE: usize = 4;
/// Messages of one session that are worked on at a time.
const WORKING: usize = 16;
/// How long an answer waits for a client that does not read, before the session ends.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a silent stream says that it is still there, at most.
const PULSE: Duration = Duration::from_secs(15);

/// The open sessions.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<TokenHash, Arc<Session>>>,
    closing: watch::Sender<bool>,
}

struct Session {
    key: Secret,
    tenant: TenantId,
    out: mpsc::Sender<Bytes>,
    working: Arc<Semaphore>,
    moved: Mutex<Instant>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    /// Ends every session; no other is opened.
    pub fn close(&self) {
        self.closing.send_replace(true);
        lock(&self.open).clear();
    }

    /// How many sessions are open.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.open).len()
    }

    fn open(&self, id: TokenHash, session: Session) -> Result<(), Failure> {
        let mut open = lock(&self.open);
        let (all, own) = MAX_SESSIONS;
        if *self.closing.borrow() {
            return Err(Failure::new(Code::Unavailable, "the server is stopping"));
        }
        if open.len() >= all || open.values().filter(|other| other.tenant == session.tenant).count() >= own {
            return Err(Failure::new(Code::RateLimited, "too many sessions are open").retry_after(30));
        }
        open.insert(id, Arc::new(session));
        Ok(())
    }

    fn find(&self, id: TokenHash) -> Option<Arc<Session>> {
        lock(&self.open).get(&id).cloned()
    }

    fn end(&self, id: TokenHash) {
        lock(&self.open).remove(&id);
    }
}

/// `GET /sse`: opens a session.
pub(super) async fn listen(call: Call) -> Outcome {
    if call.method == Method::HEAD {
        return Ok(Reply::bytes(EVENTS, Bytes::new()));
    }
    let caller = call.caller()?;
    let key = call.presented_key().ok_or_else(|| Failure::new(Code::Unauthenticated, auth::REFUSED))?;
    let mut seed = call.app.engine.seed().map_err(|error| Failure::new(Code::Unavailable, error.to_string()))?;
    let token = hex(&seed.draw16());
    let id = TokenHash::of(&token);
    let (out, waiting) = mpsc::channel(QUEUE);
    let session = Session {
        key,
        tenant: caller.tenant.clone(),
        out,
        working: Arc::new(Semaphore::new(WORKING)),
        moved: Mutex::new(Instant::now()),
    };
    let closing = call.app.mcp.sessions.closing.subscribe();
    call.app.mcp.sessions.open(id, session)?;
    let (sender, reply) = Reply::stream(EVENTS);
    let hello = format!("event: endpoint\ndata: /sse/message?{SESSION}={token}\n\n");
    tokio::spawn(async move {
        let _ = keep(&call.app, id, sender, hello, waiting, closing).await;
        call.app.mcp.sessions.end(id);
    });
    Ok(reply)
}

/// Writes a session's events until it ends.
async fn keep(
    app: &App,
    id: TokenHash,
    sender: Sender,
    hello: String,
    mut waiting: mpsc::Receiver<Bytes>,
    mut closing: watch::Receiver<bool>,
) -> Result<(), Gone> {
    sender.send(hello).await?;
    let pulse = PULSE.min(app.config.limits.idle_time / 2);
    loop {
        tokio::select! {
            biased;
            () = closed(&mut closing) => return sender.finish().await,
            () = sender.gone() => return Ok(()),
            event = waiting.recv() => match event {
                Some(event) => sender.send(event).await?,
                None => return sender.finish().await,
            },
            () = tokio::time::sleep(pulse) => {
                if !alive(app, id).await {
                    return sender.finish().await;
                }
                sender.send(": still here\n\n").await?;
            }
        }
    }
}

/// Resolves when the server closes its streams.
async fn closed(closing: &mut watch::Receiver<bool>) {
    // The other end lives as long as the server.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Whether a silent session may go on: its key is valid, and it is not forgotten.
async fn alive(app: &App, id: TokenHash) -> bool {
    let Some(session) = app.mcp.sessions.find(id) else { return false };
    if lock(&session.moved).elapsed() >= app.config.limits.session_time {
        return false;
    }
    let dialect = Surface::Mcp.dialect();
    match auth::holder(app, dialect, session.key.expose(), app.engine.now()).await {
        Ok(_) => true,
        // A store that does not answer now is no reason to hang up: every message asks again.
        Err(failure) => failure.code() != Code::Unauthenticated,
    }
}

/// `POST /sse/message`: takes a message of a session; its answer is an event of the stream.
pub(super) async fn message(call: Call) -> Outcome {
    let gone = || Failure::not_found("no such session: open one at `/sse`");
    let id = call.query(SESSION).map(|token| TokenHash::of(&token)).ok_or_else(gone)?;
    let session = call.app.mcp.sessions.find(id).ok_or_else(gone)?;
    let dialect = call.row.surface.dialect();
    let caller = match auth::holder(&call.app, dialect, session.key.expose(), call.now).await {
        Ok(caller) => caller,
        Err(failure) => {
            if failure.code() == Code::Unauthenticated {
                call.app.mcp.sessions.end(id);
            }
            return Err(failure);
        }
    };
    auth::admit(call.row, &caller)?;
    *lock(&session.moved) = Instant::now();
    let permit = Arc::clone(&session.working).try_acquire_owned();
    let permit =
        permit.map_err(|_| Failure::new(Code::RateLimited, "too many messages of this session are worked on"))?;
    let work = call.app.mcp.works().begin(caller.key)?;
    let Call { app, body, request_id, now, .. } = call;
    let client = Client { app, caller, key: Some(session.key.clone()), request_id, now };
    tokio::spawn(async move {
        let app = Arc::clone(&client.app);
        // A task of its own: a defect ends the session instead of leaving its client without an answer.
        let answer = tokio::spawn(async move { serve::body(&client, &body).await }).await;
        let sent = match answer {
            Ok(Ok(None)) => true,
            Ok(Ok(Some(text)) | Err(text)) => {
                matches!(tokio::time::timeout(PATIENCE, session.out.send(event(&text))).await, Ok(Ok(())))
            }
            Err(_) => false,
        };
        if !sent {
            app.mcp.sessions.end(id);
        }
        drop((permit, work));
    });
    Ok(Reply::nothing().with_status(StatusCode::ACCEPTED))
}

/// A message as an event.
fn event(text: &str) -> Bytes {
    let mut event = String::with_capacity(text.len().saturating_add(32));
    event.push_str("event: message\n");
    for line in text.lines() {
        // Writing to a String cannot fail.
        let _ = writeln!(event, "data: {line}");
    }
    event.push('\n');
    Bytes::from(event)
}
