//! A server at a URL, over Streamable HTTP: a POST per message, its answer as JSON or as events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use rmcp::model::RequestId;
use serde_json::json;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::link::{Outgoing, QUEUE};
use crate::outbound::{Answer, Client, Target};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("loop/", env!("CARGO_PKG_VERSION")));
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The code of an error that is ours: the request did not get an answer.
pub const AWAY: i32 = -32_099;
/// Requests that are under way at a time, and beside them what wants no answer; more of the latter is left out.
const AT_ONCE: (usize, usize) = (32, 8);

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
    let (room, beside) = (Arc::new(Semaphore::new(AT_ONCE.0)), Arc::new(Semaphore::new(AT_ONCE.1)));
    let (lost, mut told) = mpsc::channel::<()>(QUEUE);
    let mut under_way = JoinSet::new();
    let mut greeted = false;
    loop {
        let message = tokio::select! {
            biased;
            _ = told.recv() => break,
            Some(_) = under_way.join_next() => continue,
            message = outgoing.recv() => message,
        };
        let Some(message) = message else { break };
        let request = message.id.is_some();
        let permit = if request {
            tokio::select! {
                biased;
                _ = told.recv() => break,
                permit = timeout_at(message.until, Arc::clone(&room).acquire_owned()) => permit.ok().and_then(Result::ok),
            }
        } else {
            Arc::clone(&beside).try_acquire_owned().ok()
        };
        // Nobody waits any more for what found no room in time.
        let Some(permit) = permit.filter(|_| Instant::now() < message.until) else { continue };
        let (remote, agreed, incoming, lost) = (remote.clone(), Arc::clone(&agreed), incoming.clone(), lost.clone());
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
        if request || greeted {
            under_way.spawn(exchange);
        } else {
            // The first that wants no answer says that the session begins, and keeps its place before what follows.
            greeted = true;
            exchange.await;
        }
    }
    drop(under_way);
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
    let sent = remote.client.send(Method::POST, &remote.target, headers(remote, agreed), body);
    let failed =
        |why: String| Found { messages: message.id.iter().map(|id| failure(id, &why)).collect(), forgotten: false };
    // What is still on its way to a connection by then is not sent: the exchange goes with its time.
    let Ok(sent) = timeout_at(message.until, sent).await else {
        return failed("the server took too long".to_owned());
    };
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

    use rmcp::model::NumberOrString;
    use tokio::{
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::{TcpListener, TcpStream},
        sync::mpsc,
        time::{Duration, Instant},
    };

    use super::{Remote, messages, run};
    use crate::{
        mcp::upstream::link::Outgoing,
        outbound::{Answer, Client, Limits},
    };

    /// Tells the body of every request, and answers those that ask.
    async fn serve(stream: TcpStream, came: mpsc::UnboundedSender<String>) {
        let mut stream = BufReader::new(stream);
        loop {
            let (mut length, mut line) = (0, String::new());
            while line != "\r\n" {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                let header = line.to_ascii_lowercase();
                length = header.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().expect("a length"));
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.expect("a body");
            let body = String::from_utf8(body).expect("text");
            let silent = body.starts_with("silent");
            came.send(body).expect("listening");
            if silent {
                std::future::pending::<()>().await;
            }
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(head.as_bytes()).await.expect("sent");
        }
    }

    #[tokio::test]
    async fn what_is_too_late_is_not_sent_and_what_is_not_answered_holds_nothing_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let client = Client::new(Limits { allow_private: true, ..Limits::default() }).expect("TLS");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let remote = Remote { target: client.target(&url).expect("a URL"), client, authorization: None };
        let (came, mut coming) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, came.clone()));
            }
        });
        let (out, outgoing) = mpsc::channel(8);
        let (incoming, mut answers) = mpsc::channel(8);
        let running = tokio::spawn(run(remote, outgoing, incoming));
        let send = async |id: Option<i64>, text: &str, seconds: u64| {
            let until = Instant::now() + Duration::from_secs(seconds);
            let message = Outgoing { id: id.map(NumberOrString::Number), text: text.to_owned(), until };
            out.send(message).await.expect("open");
        };
        send(None, "first", 600).await;
        // An answer to these never comes.
        for _ in 0..20 {
            send(None, "silent", 600).await;
        }
        send(Some(1), "late", 0).await;
        send(None, "late", 0).await;
        send(Some(2), "in time", 600).await;
        assert_eq!(answers.recv().await.as_deref(), Some("{}"));
        drop(out);
        running.await.expect("ended");
        let mut told: Vec<String> = Vec::new();
        while let Ok(body) = coming.try_recv() {
            told.push(body);
        }
        assert!(told.first().is_some_and(|body| body == "first"), "{told:?}");
        assert!(told.contains(&"in time".to_owned()) && !told.contains(&"late".to_owned()), "{told:?}");
    }

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
