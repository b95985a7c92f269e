//! The tools of Loop itself. Each is a row of the REST API under another name: its schema, its scope and its handler are
//! the row's.

use bytes::Bytes;
use http::Uri;
use loop_core::base::{
    Code,
    json::{self, Kind, View},
};
use rmcp::model::ErrorData;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::serve::{self, Client};
use crate::http::{Call, Failure, Router, Row, call::Asked, dialect::Refusal, request};

/// A tool and the row that carries it out.
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// The row.
    pub row: &'static Row,
    /// How `tools/list` shows it, as JSON.
    pub definition: String,
    path: &'static [(&'static str, &'static str)],
}

/// Name, operation, what models are told, and which arguments stand in the row's path under which name.
type Entry = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const TOOLS: [Entry; 8] = [
    (
        "intercept",
        "decision.intercept",
        "Ask whether a tool call may be made, before making it. Go on only when `allowed` is true; when `status` is PENDING \
         a human was asked: repeat the identical call once `approval_id` is approved.",
        &[],
    ),
    ("list_rules", "rule.list", "The rules that decide about calls, newest first.", &[]),
    ("create_rule", "rule.create", "Add a rule in plain English. The answer says how it was understood.", &[]),
    ("list_pending_approvals", "approval.pending", "Calls that wait for a human, newest first.", &[]),
    (
        "decide_approval",
        "approval.decide",
        "Approve or deny a call that waits, for a human who said so.",
        &[("approval_id", "id")],
    ),
    ("block_tool", "tool.block", "Block a tool at once, for every agent.", &[]),
    ("unblock_tool", "tool.unblock", "Let a blocked tool be called again.", &[("tool_name", "tool_name")]),
    ("get_logs", "log.list", "Decisions that were made, newest first.", &[]),
];

/// The tools that this route table can carry out.
#[must_use]
pub fn all(router: &Router) -> Vec<Tool> {
    let entries = TOOLS.iter().filter_map(|(name, operation, about, path)| {
        let row = router.rows().iter().find(|row| row.operation == *operation)?;
        Some(Tool { name, row, definition: definition(name, about, row, path), path })
    });
    entries.collect()
}

/// The tools that the client's key may call.
pub fn offered(client: &Client) -> impl Iterator<Item = &Tool> {
    let tools = client.app.mcp.tools().iter();
    tools.filter(|tool| request::admits(tool.row, &client.caller))
}

fn definition(name: &str, about: &str, row: &Row, path: &[(&str, &str)]) -> String {
    let mut schema = row.input.map_or_else(
        || json!({ "type": "object", "properties": {} }),
        |input| {
            let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
                settings.inline_subschemas = true;
                settings.meta_schema = None;
            });
            input(&mut settings.into_generator()).to_value()
        },
    );
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("title");
        let in_path = path.iter().map(|(argument, _)| (*argument, json!({ "type": "string" })));
        let in_query =
            row.query.iter().map(|param| (param.name, json!({ "type": param.kind, "description": param.about })));
        let more: Vec<(&str, Value)> = in_path.chain(in_query).collect();
        let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        if let Some(properties) = properties.as_object_mut() {
            properties.extend(more.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
            // What holds itself, as a structured condition does, is for REST: many clients follow no references.
            properties.retain(|_, schema| !schema.to_string().contains("\"$ref\""));
        }
        schema.remove("$defs");
        if !path.is_empty() {
            let required = schema.entry("required").or_insert_with(|| json!([]));
            if let Some(required) = required.as_array_mut() {
                required.extend(path.iter().map(|(argument, _)| Value::from(*argument)));
            }
        }
    }
    let annotations = json!({ "readOnlyHint": !row.mutates(), "openWorldHint": false });
    json!({ "name": name, "description": about, "inputSchema": schema, "annotations": annotations }).to_string()
}

/// Carries a call out by the tool's row. A refusal is a result that says so.
///
/// # Errors
/// Arguments that the row cannot be asked with.
pub async fn run(client: &Client, tool: &Tool, arguments: View<'_>) -> Result<String, ErrorData> {
    let call = call(client, tool, arguments)?;
    let outcome = match request::within(call).await {
        Ok(reply) => reply.into_json().ok_or_else(|| Failure::internal("an answer that is no JSON")),
        Err(failure) => Err(failure),
    };
    Ok(match outcome {
        Ok(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => serve::told(text),
            Err(_) => serve::failed("internal error"),
        },
        Err(failure) => serve::failed(&refusal(client, tool.row, &failure)),
    })
}

/// The row's call with these arguments.
fn call(client: &Client, tool: &Tool, arguments: View<'_>) -> Result<Call, ErrorData> {
    let row = tool.row;
    let mut params = Vec::new();
    for (argument, _) in tool.path {
        let given = arguments.get(argument).and_then(View::as_str);
        let given = given.ok_or_else(|| ErrorData::invalid_params(format!("`{argument}` must be text"), None))?;
        params.push(given.to_owned());
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for param in row.query {
        match arguments.get(param.name).map(View::kind) {
            None | Some(Kind::Null) => {}
            Some(Kind::String(text) | Kind::Number(text)) => drop(query.append_pair(param.name, text)),
            Some(Kind::Bool(_) | Kind::Array | Kind::Object) => {
                return Err(ErrorData::invalid_params(format!("`{}` must be text or a number", param.name), None));
            }
        }
    }
    let uri: Uri = format!("{}?{}", row.path.split('{').next().unwrap_or("/"), query.finish())
        .parse()
        .map_err(|_| ErrorData::invalid_params("the arguments are too long", None))?;
    let body = if row.reads_body() {
        let mut text = String::new();
        json::write(arguments, &mut text);
        if text.len() > row.body_limit {
            return Err(ErrorData::invalid_params("the arguments are too long", None));
        }
        Bytes::from(text)
    } else {
        Bytes::new()
    };
    let (caller, id, key) = (client.caller.clone(), client.request_id.clone(), client.key.clone());
    Ok(Call::within(&client.app, caller, id, client.now, Asked { row, uri, params, body, key }))
}

/// A refusal in the words of the row's own surface.
fn refusal(client: &Client, row: &Row, failure: &Failure) -> String {
    let message = if failure.code() == Code::Internal {
        let (operation, request_id) = (row.operation, &client.request_id);
        tracing::error!(target: "loop::failure", operation, %request_id, cause = %failure.message(), "request failed");
        "internal error"
    } else {
        failure.message()
    };
    let id = client.request_id.to_string();
    let refusal = Refusal {
        code: failure.code(),
        status: failure.status().as_u16(),
        message,
        request_id: &id,
        extra: failure.extra(),
    };
    String::from_utf8(row.surface.dialect().wrap(&refusal)).unwrap_or_default()
}
