//! The way to one server: rmcp keeps the conversation, this carries its messages.
//!
//! Arguments travel beside rmcp's own types, as the text that was decided, and results come back as the text that was
//! received: neither passes through a form that would round a number or drop a member.
//!
//! Every message carries the time by which it must be on its way. What is later than that is never sent: whoever wanted
//! it was told that it did not happen, or does not wait any more.

use std::{borrow::Cow, time::Duration};

use rmcp::{
    RoleClient,
    model::{
        ClientJsonRpcMessage, ClientRequest, CustomResult, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
        ServerResult,
    },
    transport::Transport,
};
use serde_json::{Value, value::RawValue};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Messages that may wait on either side.
pub const QUEUE: usize = 64;
/// The largest message, in bytes.
pub const MAX_MESSAGE: usize = 8 << 20;

/// How long a message may wait to be sent that nobody gave a time: the first one, and what wants no answer.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// When a request must be on its way at the latest.
#[derive(Debug, Clone, Copy)]
pub struct Until(pub Instant);

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
    /// When it must be on its way at the latest; later it is not sent.
    pub until: Instant,
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
    /// Its time was over before it could be sent.
    #[error("the message is too late to be sent")]
    Late,
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
        let within = |patience| Instant::now() + patience;
        let JsonRpcMessage::Request(request) = message else {
            return Ok(Outgoing { id: None, text: plain()?, until: within(PATIENCE.1) });
        };
        let id = request.id.clone();
        let (text, until) = match &request.request {
            ClientRequest::CallToolRequest(call) => {
                let (Some(Exact(arguments)), Some(Until(until))) =
                    (call.extensions.get::<Exact>(), call.extensions.get::<Until>())
                else {
                    return Err(LinkError::Undecided);
                };
                let quoted = |value: &Value| serde_json::to_string(value).map_err(|_| LinkError::Unwritable);
                let (id, name) =
                    (quoted(&id.clone().into_json_value())?, quoted(&Value::from(call.params.name.as_ref()))?);
                let text = format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":{name},"arguments":{arguments}}}}}"#
                );
                (text, *until)
            }
            ClientRequest::ListToolsRequest(list) => {
                let until = list.extensions.get::<Until>().map(|Until(until)| *until);
                (plain()?, until.unwrap_or_else(|| within(PATIENCE.0)))
            }
            ClientRequest::InitializeRequest(_) => {
                self.hello = Some(id.clone());
                (plain()?, within(PATIENCE.0))
            }
            _ => (plain()?, within(PATIENCE.0)),
        };
        Ok(Outgoing { id: Some(id), text, until })
    }

    /// Whether a message may be worked on. A server's own requests are answered, so one that asks and does not read would
    /// have answers pile up here.
    fn admits(&self, message: &ServerJsonRpcMessage) -> bool {
        let free = self.out.as_ref().map_or(0, mpsc::Sender::capacity);
        !matches!(message, JsonRpcMessage::Request(_)) || free > QUEUE / 2
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
            let (out, message) = (out.ok_or(LinkError::Gone)?, written?);
            let sent = timeout_at(message.until, out.send(message)).await;
            sent.map_err(|_| LinkError::Late)?.map_err(|_| LinkError::Gone)
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            let text = self.inbox.recv().await?;
            match self.read(&text) {
                Some(message) if self.admits(&message) => return Some(message),
                Some(_) => tracing::debug!(target: "loop::mcp", "a request of an MCP server that does not read"),
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
    use rmcp::{
        model::{
            CallToolRequest, CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, CustomResult, JsonRpcMessage,
            NumberOrString, ServerResult,
        },
        transport::Transport,
    };
    use tokio::time::{Duration, Instant};

    use super::{Exact, Link, LinkError, QUEUE, Until};

    fn request(arguments: Option<&str>, until: Option<Instant>) -> ClientJsonRpcMessage {
        let mut request = CallToolRequest::new(CallToolRequestParams::new("e\"cho"));
        arguments.map(|arguments| request.extensions.insert(Exact(arguments.to_owned())));
        until.map(|until| request.extensions.insert(Until(until)));
        JsonRpcMessage::request(ClientRequest::CallToolRequest(request), NumberOrString::Number(3))
    }

    fn call(arguments: Option<&str>, until: Option<Instant>) -> Result<String, LinkError> {
        let (mut link, _outgoing, _incoming) = Link::new();
        link.write(&request(arguments, until)).map(|outgoing| outgoing.text)
    }

    #[test]
    fn a_call_is_sent_with_exactly_the_arguments_that_were_decided_or_not_at_all() {
        let until = Some(Instant::now());
        let sent = call(Some(r#"{"n":12345678901234567890.10}"#), until).expect("decided");
        assert_eq!(
            sent,
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"e\"cho","arguments":{"n":12345678901234567890.10}}}"#
        );
        assert!(matches!(call(None, until), Err(LinkError::Undecided)));
        assert!(matches!(call(Some("{}"), None), Err(LinkError::Undecided)), "a call that would wait for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_time_is_over_before_there_is_room_for_it_never_leaves() {
        let (mut link, mut outgoing, _incoming) = Link::new();
        let soon = Instant::now() + Duration::from_secs(5);
        for _ in 0..QUEUE {
            link.send(request(Some("{}"), Some(soon))).await.expect("room");
        }
        assert!(matches!(link.send(request(Some("{}"), Some(soon))).await, Err(LinkError::Late)));
        let mut waiting = 0;
        while outgoing.try_recv().is_ok() {
            waiting += 1;
        }
        assert_eq!(waiting, QUEUE);
    }

    #[tokio::test]
    async fn a_server_that_asks_and_does_not_read_is_not_answered_without_end() {
        let (mut link, _outgoing, incoming) = Link::new();
        let far = Instant::now() + Duration::from_secs(600);
        let ping = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;
        incoming.send(ping.to_owned()).await.expect("open");
        assert!(matches!(link.receive().await, Some(JsonRpcMessage::Request(_))));
        for _ in 0..QUEUE / 2 {
            link.send(request(Some("{}"), Some(far))).await.expect("room");
        }
        for text in [ping, r#"{"jsonrpc":"2.0","id":3,"result":{}}"#] {
            incoming.send(text.to_owned()).await.expect("open");
        }
        assert!(matches!(link.receive().await, Some(JsonRpcMessage::Response(_))), "its own request came through");
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
