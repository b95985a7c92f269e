//! An MCP server over HTTP that notes every call to the byte and answers as a test tells it.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use loop_server::mcp::upstream::Spec;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::RwLock,
    task::JoinHandle,
};

/// One tool, with this description.
pub fn tool(name: &str, description: &str) -> String {
    json!({ "name": name, "description": description, "inputSchema": { "type": "object" } }).to_string()
}

/// The server.
pub struct Fake {
    pub address: SocketAddr,
    pub state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub struct State {
    /// The tools, as JSON.
    pub tools: Mutex<Vec<String>>,
    /// The result of every call, as JSON.
    pub result: Mutex<String>,
    /// The arguments of every call, as they came.
    pub received: Mutex<Vec<String>>,
    /// Hangs up on calls instead of answering.
    pub hangs_up: AtomicBool,
    /// Answers as events.
    pub streams: AtomicBool,
    /// Calls are answered, and lists told, only while these can be read.
    pub calls: RwLock<()>,
    pub lists: RwLock<()>,
    /// How many sessions were opened, and how many closed.
    pub sessions: AtomicUsize,
    pub closed: AtomicUsize,
    /// Keys that were shown.
    pub keys: Mutex<Vec<String>>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// A server with one tool, `echo`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        *state.tools.lock().expect("whole") = vec![tool("echo", "says it again")];
        *state.result.lock().expect("whole") = r#"{"content":[{"type":"text","text":"done"}]}"#.to_owned();
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    /// How it is configured under a name.
    pub fn spec(&self, name: &str) -> Spec {
        format!("{name}=http://{}/mcp", self.address).parse().expect("sound")
    }

    /// Waits until so many calls have come.
    pub async fn until_received(&self, count: usize) {
        let waiting = async {
            while self.received().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("called at last");
    }

    /// The arguments of every call so far.
    pub fn received(&self) -> Vec<String> {
        self.state.received.lock().expect("whole").clone()
    }
}

#[derive(Deserialize)]
struct Message<'m> {
    id: Option<Value>,
    method: String,
    #[serde(borrow)]
    params: Option<Params<'m>>,
}

#[derive(Deserialize)]
struct Params<'m> {
    #[serde(borrow)]
    arguments: Option<&'m RawValue>,
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    while let Some(body) = request(&mut stream, &state).await {
        let message: Message<'_> = serde_json::from_str(&body).expect("a message");
        let result = match message.method.as_str() {
            "initialize" => {
                state.sessions.fetch_add(1, Ordering::SeqCst);
                json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": { "name": "fake", "version": "1" } })
                    .to_string()
            }
            "tools/list" => {
                drop(state.lists.read().await);
                format!(r#"{{"tools":[{}]}}"#, state.tools.lock().expect("whole").join(","))
            }
            "tools/call" => {
                let arguments = message.params.and_then(|params| params.arguments).expect("arguments");
                state.received.lock().expect("whole").push(arguments.get().to_owned());
                drop(state.calls.read().await);
                if state.hangs_up.load(Ordering::SeqCst) {
                    return;
                }
                state.result.lock().expect("whole").clone()
            }
            _ => String::new(),
        };
        let answer = match message.id {
            None => "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned(),
            Some(id) => {
                let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
                let (media, body) = if state.streams.load(Ordering::SeqCst) {
                    ("text/event-stream", format!(": hello\r\nevent: message\r\ndata: {body}\r\n\r\n"))
                } else {
                    ("application/json", body)
                };
                let head = format!("content-type: {media}\r\nmcp-session-id: s1\r\ncontent-length: {}", body.len());
                format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut BufReader<TcpStream>, state: &State) -> Option<String> {
    let mut length = 0;
    let mut first = String::new();
    stream.read_line(&mut first).await.ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a length"),
            "authorization" | "x-api-key" => state.keys.lock().expect("whole").push(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    if first.starts_with("DELETE") {
        state.closed.fetch_add(1, Ordering::SeqCst);
        return None;
    }
    Some(String::from_utf8(body).expect("text"))
}
