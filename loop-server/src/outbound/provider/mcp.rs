//! A tool of an MCP server over Streamable HTTP: initialize, then one `tools/call`. Its `structuredContent` is the
//! output.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use loop_core::invoke::{Fault, Job};
use serde_json::{Value, json, value::RawValue};

use super::{endpoint::AGENT, endpoint_of, fault, signing, status};
use crate::outbound::{Answer, Client, Target};

/// The revision of the protocol that is asked for; any that the server names is taken.
const REVISION: &str = "2025-06-18";
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

pub(super) async fn call(client: &Client, job: &Job) -> Result<Vec<u8>, Fault> {
    let target = client.target(endpoint_of(job)?).map_err(|error| fault(&error))?;
    let mut session = Session { client, target: &target, job, headers: HeaderMap::new() };
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": REVISION, "capabilities": {},
        "clientInfo": { "name": "loop", "version": env!("CARGO_PKG_VERSION") },
    }});
    let answer = session.post(hello.to_string()).await?;
    if let Some(id) = answer.headers.get(&SESSION) {
        session.headers.insert(SESSION, id.clone());
    }
    let hello: Hello = result(&answer, 1)?;
    let revision = HeaderValue::from_str(&hello.protocol_version).map_err(|_| broken())?;
    session.headers.insert(VERSION, revision);
    session.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned()).await?;
    // The name is a slug and the input sound JSON, kept digit for digit.
    let name = &job.manifest.content.name;
    let ask = format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"{name}","arguments":{}}}}}"#,
        job.input
    );
    let answer = session.post(ask).await?;
    output(result(&answer, 2)?)
}

struct Session<'a> {
    client: &'a Client,
    target: &'a Target,
    job: &'a Job,
    headers: HeaderMap,
}

impl Session<'_> {
    async fn post(&self, body: String) -> Result<Answer, Fault> {
        let mut headers = signing::headers(self.job, body.as_bytes())?;
        headers.extend(self.headers.clone());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(header::USER_AGENT, AGENT);
        let sent = self.client.send(Method::POST, self.target, headers, Bytes::from(body)).await;
        let answer = sent.map_err(|error| fault(&error))?;
        if !answer.status.is_success() {
            return Err(status(answer.status));
        }
        if answer.cut {
            return Err(Fault::new("too_large", "the answer is larger than is read"));
        }
        Ok(answer)
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hello {
    protocol_version: String,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Called {
    #[serde(default)]
    is_error: bool,
    #[serde(default)]
    structured_content: Option<Box<RawValue>>,
    #[serde(default)]
    content: Vec<Value>,
}

#[derive(serde::Deserialize)]
struct Reply<T> {
    #[serde(default)]
    id: Option<Value>,
    result: Option<T>,
}

fn broken() -> Fault {
    Fault::new("protocol", "the provider does not speak MCP")
}

/// The result of request `id`, out of a plain answer or the events of a stream.
fn result<T: serde::de::DeserializeOwned>(answer: &Answer, id: u64) -> Result<T, Fault> {
    let media = answer.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    let text = std::str::from_utf8(&answer.body).map_err(|_| broken())?;
    let found = if media.starts_with("text/event-stream") {
        let events = text.split("\n\n").flat_map(|part| part.split("\r\n\r\n"));
        let data = events.map(|event| {
            let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
            lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
        });
        data.filter_map(|data| serde_json::from_str::<Reply<T>>(&data).ok())
            .find(|reply| reply.id.as_ref().and_then(Value::as_u64) == Some(id))
    } else {
        serde_json::from_str::<Reply<T>>(text).ok()
    };
    let reply = found.filter(|reply| reply.id.as_ref().and_then(Value::as_u64) == Some(id)).ok_or_else(broken)?;
    reply.result.ok_or_else(|| Fault::new("tool_error", "the MCP server answered with an error"))
}

/// The output of a call: its structured content, or a single text that is JSON.
fn output(called: Called) -> Result<Vec<u8>, Fault> {
    if called.is_error {
        return Err(Fault::new("tool_error", "the MCP server says that the call failed"));
    }
    if let Some(content) = called.structured_content {
        return Ok(content.get().as_bytes().to_vec());
    }
    let mut texts = called.content.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
    match (texts.next(), texts.next()) {
        (Some(text), None) => Ok(text.as_bytes().to_vec()),
        _ => Err(Fault::new("not_json", "the MCP server answered no structured content")),
    }
}
