//! A server at a URL, over Streamable HTTP: a POST per message, its answer as JSON or as events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use rmcp::model::RequestId;
use serde_json::json;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

use super::link::{Outgoing, QUEUE};
use crate::outbound::{Answer, Client, Target};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("loop/", env!("CARGO_PKG_VERSION")));
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The code of an error that is ours: the request did not get an answer.
pub const AWAY: i32 = -32_099;
/// Requests that are under way at a time.
const AT_ONCE: usize = 32;

/// How a server is reached.
#[derive(Clone)]
pub struct Remote {
    /// What dials.
    pub client: Client,
    /// Where it is.
    pub target: Target,
    /// The `authorization` header, if it wants one.
    pub authorization: Option<HeaderValue>,
}

/// What the server said at the start, repeated with every request.
type Agreed = Arc<Mutex<HeaderMap>>;

fn lock(agreed: &Agreed) -> MutexGuard<'_, HeaderMap> {
    agreed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends messages and puts answers back until one side ends. A server that forgot the session ends it.
pub async fn run(remote: Remote, mut outgoing: mpsc::Receiver<Outgoing>, incoming: mpsc::Sender<String>) {
    let agreed = Agreed::default();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let (lost, mut told) = mpsc::channel::<()>(QUEUE);
    let mut under_way = JoinSet::new();
    loop {
        let message = tokio::select! {
            biased;
            _ = told.recv() => break,
            Some(_) = under_way.join_next() => continue,
            message = outgoing.recv() => message,
        };
        let Some(message) = message else { break };
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
        let (remote, agreed, incoming, lost) = (remote.clone(), Arc::clone(&agreed), incoming.clone(), lost.clone());
        let request = message.id.is_some();
        let exchange = async move {
            let found = exchange(&remote, &agreed, message).await;
            for text in found.messages {
                // Nobody wants them any more when the link is closed.
                let _ = incoming.send(text).await;
            }
            if found.forgotten {
                let _ = lost.try_send(());
            }
            drop(permit);
        };
        // Notifications keep their place before what follows them.
        if request {
            under_way.spawn(exchange);
        } else {
            exchange.await;
        }
    }
    let headers = headers(&remote, &agreed);
    if headers.contains_key(&SESSION) {
        // A server that does not hear it ends the session by itself.
        let _ = remote.client.send(Method::DELETE, &remote.target, headers, Bytes::new()).await;
    }
}

struct Found {
    messages: Vec<String>,
    forgotten: bool,
}

fn headers(remote: &Remote, agreed: &Agreed) -> HeaderMap {
    let mut headers = lock(agreed).clone();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert(header::USER_AGENT, AGENT);
    if let Some(authorization) = &remote.authorization {
        headers.insert(header::AUTHORIZATION, authorization.clone());
    }
    headers
}

async fn exchange(remote: &Remote, agreed: &Agreed, message: Outgoing) -> Found {
    let first = lock(agreed).is_empty();
    let body = Bytes::from(message.text);
    let sent = remote.client.send(Method::POST, &remote.target, headers(remote, agreed), body).await;
    let failed =
        |why: String| Found { messages: message.id.iter().map(|id| failure(id, &why)).collect(), forgotten: false };
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) => return failed(format!("the server cannot be reached: {error}")),
    };
    if answer.status == StatusCode::NOT_FOUND && !first {
        return Found { forgotten: true, ..failed("the server forgot the session".to_owned()) };
    }
    if !answer.status.is_success() {
        return failed(format!("the server answered with status {}", answer.status.as_u16()));
    }
    if answer.cut {
        return failed("the answer is larger than is read".to_owned());
    }
    if message.id.is_none() || answer.status == StatusCode::ACCEPTED {
        return Found { messages: Vec::new(), forgotten: false };
    }
    let Some(messages) = messages(&answer) else {
        return failed("the answer is no message".to_owned());
    };
    if first {
        agree(agreed, &answer, &messages);
    }
    Found { messages, forgotten: false }
}

/// Notes what the answer to the first request says about those that follow.
fn agree(agreed: &Agreed, answer: &Answer, messages: &[String]) {
    #[derive(serde::Deserialize)]
    struct Hello {
        result: Revision,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Revision {
        protocol_version: String,
    }
    let mut agreed = lock(agreed);
    if let Some(id) = answer.headers.get(&SESSION) {
        agreed.insert(SESSION, id.clone());
    }
    let revision = messages.iter().find_map(|text| serde_json::from_str::<Hello>(text).ok());
    if let Some(revision) = revision.and_then(|hello| HeaderValue::from_str(&hello.result.protocol_version).ok()) {
        agreed.insert(REVISION, revision);
    }
}

/// The messages of an answer; `None` when it is none.
fn messages(answer: &Answer) -> Option<Vec<String>> {
    let media = answer.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let text = std::str::from_utf8(&answer.body).ok()?;
    if !media.trim_start().to_ascii_lowercase().starts_with("text/event-stream") {
        return Some(vec![text.to_owned()]);
    }
    let mut messages = Vec::new();
    let mut data = String::new();
    for line in text.lines().chain([""]) {
        if let Some(more) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(more.strip_prefix(' ').unwrap_or(more));
        } else if line.is_empty() && !data.is_empty() {
            messages.push(std::mem::take(&mut data));
        }
    }
    Some(messages)
}

/// The answer to a request that could not be carried out.
fn failure(id: &RequestId, why: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": AWAY, "message": why } }).to_string()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode, header};

    use super::messages;
    use crate::outbound::Answer;

    #[test]
    fn answers_are_read_as_json_and_as_events() {
        let of = |media: &'static str, body: &'static str| {
            let headers: HeaderMap = [(header::CONTENT_TYPE, media.parse().expect("a value"))].into_iter().collect();
            let body = Bytes::from_static(body.as_bytes());
            messages(&Answer { status: StatusCode::OK, headers, body, cut: false }).expect("messages")
        };
        assert_eq!(of("application/json", "{\"a\":1}"), ["{\"a\":1}"]);
        assert_eq!(
            of(
                "text/event-stream; charset=utf-8",
                ": x\r\nid: 1\r\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:{}"
            ),
            ["{\"a\":\n1}", "{}"]
        );
        assert!(of("text/event-stream", ": nothing\n\n").is_empty());
    }
}
