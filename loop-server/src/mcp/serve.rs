//! What a client's message is answered with, whichever transport brought it.

use std::{sync::Arc, time::Duration};

use loop_core::{
    access::Caller,
    base::{
        Time,
        json::{self, Doc, View},
        secret::Secret,
    },
};
use rmcp::model::{
    ErrorCode, ErrorData, Implementation, InitializeResult, ProtocolVersion, ServerCapabilities, ToolsCapability,
};

use tokio::time::Instant;

use super::{
    gateway,
    rpc::{self, Message},
    tools,
};
use crate::{http::request_id::RequestId, state::App};

/// Told to clients, and by many of them to their model.
const INSTRUCTIONS: &str = "Loop governs what agents do. Before you act through another channel, ask `intercept` and go on only \
     when it answers `allowed`: true. Tools named SERVER__tool are decided before they run; one that waits for a human \
     names an approval: repeat the identical call once it is approved.";

/// Who sends messages, and when.
#[derive(Clone)]
pub struct Client {
    /// The running server.
    pub app: Arc<App>,
    /// Whose key it is.
    pub caller: Caller,
    /// The key itself, for the one check that it is not sent on.
    pub key: Option<Secret>,
    /// The request that brought the message.
    pub request_id: RequestId,
    /// When it came.
    pub now: Time,
}

/// The revisions of the protocol that are spoken.
#[must_use]
pub fn revisions() -> &'static [ProtocolVersion] {
    ProtocolVersion::known_up_to(&ProtocolVersion::LATEST_WITH_INITIALIZE)
}

/// How long the answer to a batch may be in bytes, and the batch take, before its next message is not carried out.
const BATCH: (usize, Duration) = (8 << 20, Duration::from_secs(120));

/// Answers a body: one message, or a batch of them. `None` when nothing in it wants an answer.
///
/// # Errors
/// The answer to what is no message at all.
pub async fn body(client: &Client, body: &[u8]) -> Result<Option<String>, String> {
    let doc = Doc::parse(body)
        .map_err(|error| rpc::refusal(None, &ErrorData::parse_error(format!("invalid body: {error}"), None)))?;
    let root = doc.root();
    if root.is_object() || root.items().next().is_none() {
        return one(client, root).await;
    }
    if root.len() > rpc::MAX_BATCH {
        let message = format!("a batch may hold {} messages at most", rpc::MAX_BATCH);
        return Err(rpc::refusal(None, &ErrorData::invalid_request(message, None)));
    }
    let begun = Instant::now();
    let mut answers = String::new();
    for item in root.items() {
        let more = answers.len() < BATCH.0 && begun.elapsed() < BATCH.1;
        let answer = if more { one(client, item).await } else { left_out(item) };
        let (Ok(Some(answer)) | Err(answer)) = answer else { continue };
        answers.push(if answers.is_empty() { '[' } else { ',' });
        answers.push_str(&answer);
    }
    if answers.is_empty() {
        return Ok(None);
    }
    answers.push(']');
    Ok(Some(answers))
}

/// What a message gets that comes too late in its batch.
fn left_out(view: View<'_>) -> Result<Option<String>, String> {
    match rpc::read(view) {
        Ok(Message::Silent) => Ok(None),
        Ok(Message::Request { id, .. }) => {
            let why = "not carried out: the batch is too long, or took too long";
            Err(rpc::refusal(Some(&id), &ErrorData::internal_error(why, None)))
        }
        Err(broken) => Err(rpc::refusal(broken.id.as_deref(), &broken.error)),
    }
}

async fn one(client: &Client, view: View<'_>) -> Result<Option<String>, String> {
    match rpc::read(view) {
        Ok(Message::Silent) => Ok(None),
        Ok(Message::Request { id, method, params }) => Ok(Some(match answer(client, method, params).await {
            Ok(result) => rpc::result(&id, &result),
            Err(error) => rpc::refusal(Some(&id), &error),
        })),
        Err(broken) => Err(rpc::refusal(broken.id.as_deref(), &broken.error)),
    }
}

async fn answer(client: &Client, method: &str, params: Option<View<'_>>) -> Result<String, ErrorData> {
    match method {
        "initialize" => hello(params),
        "ping" => Ok("{}".to_owned()),
        "tools/list" => Ok(list(client).await),
        "tools/call" => call(client, params).await,
        other => {
            let shown: String = other.chars().take(60).collect();
            Err(rpc::error(ErrorCode::METHOD_NOT_FOUND, format!("`{shown}` is not known here")))
        }
    }
}

/// Agrees on a revision: the client's when it is spoken here, the newest otherwise.
fn hello(params: Option<View<'_>>) -> Result<String, ErrorData> {
    let wanted = params.and_then(|params| params.get("protocolVersion")).and_then(View::as_str);
    let wanted = wanted.ok_or_else(|| ErrorData::invalid_params("`protocolVersion` is missing", None))?;
    let revision = revisions().iter().find(|known| known.as_str() == wanted);
    let mut capabilities = ServerCapabilities::default();
    capabilities.tools = Some(ToolsCapability::default());
    let result = InitializeResult::new(capabilities)
        .with_protocol_version(revision.cloned().unwrap_or(ProtocolVersion::LATEST_WITH_INITIALIZE))
        .with_server_info(Implementation::new("loop", env!("CARGO_PKG_VERSION")).with_title("Loop"))
        .with_instructions(INSTRUCTIONS);
    serde_json::to_string(&result).map_err(|_| ErrorData::internal_error("internal error", None))
}

async fn list(client: &Client) -> String {
    let mut all: Vec<String> = tools::offered(client).map(|tool| tool.definition.clone()).collect();
    all.extend(gateway::offered(client).await);
    format!(r#"{{"tools":[{}]}}"#, all.join(","))
}

async fn call(client: &Client, params: Option<View<'_>>) -> Result<String, ErrorData> {
    let invalid = |message: &'static str| ErrorData::invalid_params(message, None);
    let params = params.ok_or_else(|| invalid("`params` is missing"))?;
    let name = params.get("name").and_then(View::as_str).ok_or_else(|| invalid("`name` must be text"))?;
    let empty = Doc::empty_object();
    let arguments = params.get("arguments").filter(|given| !given.is_null()).unwrap_or_else(|| empty.root());
    if !arguments.is_object() {
        return Err(invalid("`arguments` must be an object"));
    }
    if let Some(tool) = client.app.mcp.tools().iter().find(|tool| tool.name == name) {
        return tools::run(client, tool, arguments).await;
    }
    match gateway::server(client, name) {
        Some(upstream) => gateway::run(client, upstream, name, arguments).await,
        None => {
            let shown: String = name.chars().take(80).collect();
            Err(ErrorData::invalid_params(format!("unknown tool: `{shown}`"), None))
        }
    }
}

/// The result of a call that succeeded: its JSON as text, and as it is.
#[must_use]
pub fn told(json: &str) -> String {
    let mut out = content(json);
    out.push_str(",\"structuredContent\":");
    if json.starts_with('{') {
        out.push_str(json);
    } else {
        out.push_str("{\"result\":");
        out.push_str(json);
        out.push('}');
    }
    out.push_str(",\"isError\":false}");
    out
}

/// The result of a call that was not made or failed.
#[must_use]
pub fn failed(text: &str) -> String {
    let mut out = content(text);
    out.push_str(",\"isError\":true}");
    out
}

fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_mul(2).saturating_add(96));
    out.push_str("{\"content\":[{\"type\":\"text\",\"text\":");
    json::write_string(text, &mut out);
    out.push_str("}]");
    out
}
