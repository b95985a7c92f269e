//! JSON-RPC as MCP uses it: reading messages without losing a digit, writing answers.

use loop_core::base::json::{self, Kind, View};
use rmcp::model::{ErrorCode, ErrorData};

/// The most messages of one batch, which the revision of 2025-03-26 knows.
pub const MAX_BATCH: usize = 32;

/// A message of a client.
#[derive(Debug)]
pub enum Message<'d> {
    /// It wants an answer.
    Request {
        /// Its id, as JSON.
        id: String,
        /// What it asks for.
        method: &'d str,
        /// With what.
        params: Option<View<'d>>,
    },
    /// It wants none: a notification, or the answer to a request that we never send.
    Silent,
}

/// Why a message is none, with its id as JSON when it tells one.
#[derive(Debug)]
pub struct Broken {
    /// The id.
    pub id: Option<String>,
    /// Why.
    pub error: ErrorData,
}

/// Reads one message.
///
/// # Errors
/// What is no JSON-RPC 2.0.
pub fn read(view: View<'_>) -> Result<Message<'_>, Box<Broken>> {
    let id = view.get("id").and_then(id_of);
    let broken =
        |message: &'static str| Box::new(Broken { id: id.clone(), error: ErrorData::invalid_request(message, None) });
    if view.get("jsonrpc").and_then(View::as_str) != Some("2.0") {
        return Err(broken("a JSON-RPC 2.0 message is expected"));
    }
    let Some(method) = view.get("method") else {
        let answer = view.get("result").is_some() || view.get("error").is_some();
        return if answer { Ok(Message::Silent) } else { Err(broken("`method` is missing")) };
    };
    let method = method.as_str().ok_or_else(|| broken("`method` must be text"))?;
    let params = view.get("params").filter(|params| !params.is_null());
    if params.is_some_and(|params| !params.is_object()) {
        return Err(broken("`params` must be an object"));
    }
    match (view.get("id"), id.clone()) {
        (None, _) => Ok(Message::Silent),
        (Some(_), Some(id)) => Ok(Message::Request { id, method, params }),
        (Some(_), None) => Err(broken("`id` must be text or a number")),
    }
}

/// The longest id that is repeated, in bytes.
const MAX_ID: usize = 256;

fn id_of(view: View<'_>) -> Option<String> {
    let mut text = String::new();
    match view.kind() {
        Kind::Number(number) => text.push_str(number),
        Kind::String(_) => json::write(view, &mut text),
        _ => return None,
    }
    (text.len() <= MAX_ID).then_some(text)
}

/// An answer with this result, which is JSON already.
#[must_use]
pub fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// An answer that refuses.
#[must_use]
pub fn refusal(id: Option<&str>, error: &ErrorData) -> String {
    let id = id.unwrap_or("null");
    let error =
        serde_json::to_string(error).unwrap_or_else(|_| r#"{"code":-32603,"message":"internal error"}"#.to_owned());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

/// A refusal by one of the protocol's own codes.
#[must_use]
pub fn error(code: ErrorCode, message: impl Into<std::borrow::Cow<'static, str>>) -> ErrorData {
    ErrorData::new(code, message, None)
}

#[cfg(test)]
mod tests {
    use loop_core::base::json::Doc;

    use super::{Message, read};

    fn kind(text: &str) -> String {
        let doc = Doc::parse(text.as_bytes()).expect("JSON");
        match read(doc.root()) {
            Ok(Message::Request { id, method, params }) => format!("{method} {id} {params:?}"),
            Ok(Message::Silent) => "silent".to_owned(),
            Err(broken) => format!("broken {:?}", broken.id),
        }
    }

    #[test]
    fn ids_are_kept_as_they_are_written() {
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#), "ping 1.0 None");
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"a\"b","method":"ping"}"#), r#"ping "a\"b" None"#);
        assert_eq!(
            kind(r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"x","params":{"a":0.10}}"#),
            r#"x 9007199254740993 Some({"a":0.10})"#
        );
    }

    #[test]
    fn what_wants_no_answer_gets_none() {
        assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), "silent");
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":4,"result":{}}"#), "silent");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
        ] {
            assert_eq!(kind(text), r#"broken Some("1")"#, "{text}");
        }
        for text in
            [r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, "[]", "7"]
        {
            assert_eq!(kind(text), "broken None", "{text}");
        }
    }
}
