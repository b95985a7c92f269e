//! The way to one server: rmcp keeps the conversation, this carries its messages.
//!
//! Arguments travel beside rmcp's own types, as the text that was decided, and results come back as the text that was
//! received: neither passes through a form that would round a number or drop a member.

use std::borrow::Cow;

use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, ClientRequest, CustomResult, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
        ServerResult,
    },
    transport::Transport,
};
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc;

/// Messages that may wait on either side.
pub const QUEUE: usize = 64;
/// The largest message, in bytes.
pub const MAX_MESSAGE: usize = 8 << 20;

/// The arguments of a call exactly as they were decided: a JSON object.
#[derive(Debug, Clone)]
pub struct Exact(pub String);

/// A message on its way out.
#[derive(Debug)]
pub struct Outgoing {
    /// The request's id; `None` for what wants no answer.
    pub id: Option<RequestId>,
    /// The message.
    pub text: String,
}

/// Why a message is not sent.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The server is gone.
    #[error("the server is gone")]
    Gone,
    /// The message cannot be written.
    #[error("the message cannot be written")]
    Unwritable,
    /// A call without the arguments that were decided.
    #[error("a call that was not decided")]
    Undecided,
}

/// The way to a server. Whoever moves the bytes holds the other ends.
pub struct Link {
    out: Option<mpsc::Sender<Outgoing>>,
    inbox: mpsc::Receiver<String>,
    hello: Option<RequestId>,
}

impl Link {
    /// A link, what goes out of it, and where what comes in is put.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Outgoing>, mpsc::Sender<String>) {
        let (out, outgoing) = mpsc::channel(QUEUE);
        let (incoming, inbox) = mpsc::channel(QUEUE);
        (Self { out: Some(out), inbox, hello: None }, outgoing, incoming)
    }

    fn write(&mut self, message: &ClientJsonRpcMessage) -> Result<Outgoing, LinkError> {
        let plain = || serde_json::to_string(message).map_err(|_| LinkError::Unwritable);
        let JsonRpcMessage::Request(request) = message else { return Ok(Outgoing { id: None, text: plain()? }) };
        let id = request.id.clone();
        let text = match &request.request {
            ClientRequest::CallToolRequest(call) => {
                let Some(Exact(arguments)) = call.extensions.get::<Exact>() else { return Err(LinkError::Undecided) };
                let quoted = |value: &Value| serde_json::to_string(value).map_err(|_| LinkError::Unwritable);
                let (id, name) =
                    (quoted(&id.clone().into_json_value())?, quoted(&Value::from(call.params.name.as_ref()))?);
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":{name},"arguments":{arguments}}}}}"#
                )
            }
            ClientRequest::InitializeRequest(_) => {
                self.hello = Some(id.clone());
                plain()?
            }
            _ => plain()?,
        };
        Ok(Outgoing { id: Some(id), text })
    }

    fn read(&self, text: &str) -> Option<ServerJsonRpcMessage> {
        #[derive(serde::Deserialize)]
        struct Shape<'t> {
            id: Option<RequestId>,
            #[serde(borrow)]
            method: Option<Cow<'t, str>>,
            #[serde(borrow)]
            result: Option<&'t RawValue>,
        }
        if let Ok(Shape { id: Some(id), method: None, result: Some(result) }) = serde_json::from_str(text)
            && self.hello.as_ref() != Some(&id)
        {
            let result = ServerResult::CustomResult(CustomResult(Value::String(result.get().to_owned())));
            return Some(JsonRpcMessage::response(result, id));
        }
        serde_json::from_str(text).ok()
    }
}

impl Transport<RoleClient> for Link {
    type Error = LinkError;

    fn send(&mut self, message: ClientJsonRpcMessage) -> impl Future<Output = Result<(), LinkError>> + Send + 'static {
        let written = self.write(&message);
        let out = self.out.clone();
        async move {
            let out = out.ok_or(LinkError::Gone)?;
            out.send(written?).await.map_err(|_| LinkError::Gone)
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let text = self.inbox.recv().await?;
            match self.read(&text) {
                Some(message) => return Some(message),
                None => tracing::debug!(target: "loop::mcp", bytes = text.len(), "a message that is none was left out"),
            }
        }
    }

    async fn close(&mut self) -> Result<(), LinkError> {
        self.out = None;
        self.inbox.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{
        CallToolRequest, CallToolRequestParams, ClientRequest, CustomResult, JsonRpcMessage, NumberOrString,
        ServerResult,
    };

    use super::{Exact, Link, LinkError};

    fn call(arguments: Option<&str>) -> Result<String, LinkError> {
        let mut request = CallToolRequest::new(CallToolRequestParams::new("e\"cho"));
        if let Some(arguments) = arguments {
            request.extensions.insert(Exact(arguments.to_owned()));
        }
        let request = ClientRequest::CallToolRequest(request);
        let (mut link, _outgoing, _incoming) = Link::new();
        link.write(&JsonRpcMessage::request(request, NumberOrString::Number(3))).map(|outgoing| outgoing.text)
    }

    #[test]
    fn a_call_is_sent_with_exactly_the_arguments_that_were_decided_or_not_at_all() {
        let sent = call(Some(r#"{"n":12345678901234567890.10}"#)).expect("decided");
        assert_eq!(
            sent,
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"e\"cho","arguments":{"n":12345678901234567890.10}}}"#
        );
        assert!(matches!(call(None), Err(LinkError::Undecided)));
    }

    #[test]
    fn a_result_comes_back_as_the_text_that_it_was() {
        let (link, _outgoing, _incoming) = Link::new();
        let read = link.read(r#"{"jsonrpc":"2.0","id":3,"result": {"n":1.10, "x":[ ]}}"#);
        let Some(JsonRpcMessage::Response(response)) = read else { panic!("{read:?}") };
        let ServerResult::CustomResult(CustomResult(text)) = response.result else { panic!("{response:?}") };
        assert_eq!(text, r#"{"n":1.10, "x":[ ]}"#);
        assert!(matches!(
            link.read(r#"{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}"#),
            Some(JsonRpcMessage::Error(_))
        ));
        for nonsense in ["", "{", "7", r#"{"jsonrpc":"2.0","id":3,"result":1,"result":2}"#] {
            assert!(link.read(nonsense).is_none(), "{nonsense}");
        }
    }
}
