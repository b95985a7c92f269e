//! An MCP server by rmcp over standard input and output: this test program, started again as a process of its own.

use std::sync::atomic::{AtomicBool, Ordering};

use loop_server::mcp::upstream::{Place, Spec};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolsCapability,
    },
    service::RequestContext,
};

/// Set for the process that serves.
const SERVES: &str = "LOOPS_TEST_MCP_CHILD";

/// How the process is configured under a name.
pub fn spec(name: &str) -> Spec {
    let program = std::env::current_exe().expect("this program").to_str().expect("plain").to_owned();
    let test = ["--exact", "mcp::child::serves", "--ignored", "--nocapture"].map(str::to_owned);
    let arguments = [format!("{SERVES}=1"), program].into_iter().chain(test).collect();
    Spec { name: name.to_owned(), place: Place::Command("env".to_owned(), arguments), token: None }
}

#[derive(Default)]
struct Server {
    changed: AtomicBool,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::default();
        let mut tools = ToolsCapability::default();
        tools.list_changed = Some(true);
        capabilities.tools = Some(tools);
        ServerConfig::new(capabilities)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let of = |name: &'static str, about: &'static str| Tool::new(name, about, JsonObject::default());
        let echo = if self.changed.load(Ordering::SeqCst) { "does something else" } else { "says it again" };
        Ok(ListToolsResult::with_all_items(vec![
            of("echo", echo),
            of("environment", "names the variables it was started with"),
            of("change", "changes what it says of itself"),
            of("die", "ends the process"),
            of("number", "tells the number of the process"),
            of("start", "starts another process and tells its number"),
        ]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = match request.name.as_ref() {
            "echo" => serde_json::to_string(&request.arguments).expect("JSON"),
            "environment" => std::env::vars().map(|(name, _)| name).collect::<Vec<_>>().join(" "),
            "number" => std::process::id().to_string(),
            "start" => {
                let mut command = tokio::process::Command::new("sleep");
                let started = command.arg("600").stdin(std::process::Stdio::null()).spawn().expect("started");
                started.id().expect("a number").to_string()
            }
            "change" => {
                self.changed.store(true, Ordering::SeqCst);
                context.peer.notify_tool_list_changed().await.expect("told");
                "changed".to_owned()
            }
            "die" => std::process::exit(3),
            _ => return Err(ErrorData::invalid_params("no such tool", None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

#[test]
#[ignore = "runs in a process that another test starts"]
fn serves() {
    if std::env::var_os(SERVES).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let service = Server::default().serve((tokio::io::stdin(), tokio::io::stdout())).await.expect("a client");
        let _ = service.waiting().await;
    });
    std::process::exit(0);
}
