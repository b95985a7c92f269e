//! rmcp's own client against `/mcp`.

use std::sync::Arc;

use rmcp::{
    RoleClient, ServiceExt,
    model::{CallToolRequestParams, ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::Fixture;

/// Posts every message on a connection of its own.
struct Posts {
    fixture: Arc<Fixture>,
    answers: mpsc::UnboundedReceiver<ServerJsonRpcMessage>,
    answer: mpsc::UnboundedSender<ServerJsonRpcMessage>,
}

impl Transport<RoleClient> for Posts {
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let (fixture, answer) = (Arc::clone(&self.fixture), self.answer.clone());
        async move {
            let body = serde_json::to_vec(&message)?;
            let key = fixture.key.clone();
            let got = fixture.send("POST", &format!("/mcp?api_key={key}"), &[], &body).await;
            if got.status == 200 {
                // The other end lives as long as the client.
                let _ = answer.send(serde_json::from_slice(&got.body)?);
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        self.answers.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[tokio::test]
async fn rmcps_client_says_hello_lists_and_calls() {
    let fixture = Arc::new(Fixture::start().await);
    let (answer, answers) = mpsc::unbounded_channel();
    let client = ().serve(Posts { fixture: Arc::clone(&fixture), answers, answer }).await.expect("hello");
    assert_eq!(client.peer_info().expect("told").server_info.as_ref().expect("told").name, "loop");
    let tools = client.list_all_tools().await.expect("a list");
    assert!(tools.iter().any(|tool| tool.name == "intercept") && tools.len() == 8, "{tools:?}");
    let arguments = json!({ "tool_name": "read_file", "arguments": { "path": "a" } });
    let params =
        CallToolRequestParams::new("intercept").with_arguments(arguments.as_object().expect("an object").clone());
    let result = client.call_tool(params).await.expect("an answer");
    assert_eq!(result.structured_content.expect("JSON")["allowed"], true);
    assert_eq!(result.is_error, Some(false));
    client.cancel().await.expect("ended");
}
