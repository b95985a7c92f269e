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
