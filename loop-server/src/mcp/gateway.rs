//! Tools of other servers. Every call is decided first; what an upstream receives is exactly what was decided.

use std::{sync::Arc, time::Duration};

use loop_core::{
    access::{AccessError, Scope},
    approval::{
        ApprovalError,
        definition::{self, Definition, Standing},
    },
    audit::Status,
    base::{
        TenantId, Time,
        id::ApprovalId,
        json::{self, Doc, View},
    },
    engine::{self, Decision, Failed},
    policy::Action,
};
use rmcp::model::ErrorData;
use tokio::time::timeout;

use super::{
    serve::{self, Client},
    upstream::{CallError, Tool, Upstream},
};
use crate::http::Failure;

/// What stands between an upstream's name and its tool's.
const BETWEEN: &str = "__";
/// The door that these calls come through.
const DOOR: &str = "mcp.gateway";
/// How old the list of a server's tools may be: when it is listed, and when one of them is called.
const AGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long a list of all servers' tools waits for one of them. The server is asked on meanwhile.
const OFFER: Duration = Duration::from_secs(5);

/// The servers that the client may use. They are the operator's, and act with the operator's rights: other tenants than
/// `default`, which anyone may make where sign-up is allowed, have them only where the operator says so.
fn upstreams(client: &Client) -> &[Arc<Upstream>] {
    let own = client.caller.tenant == TenantId::default_tenant();
    if own || client.app.config.mcp_for_all_tenants { client.app.mcp.upstreams() } else { &[] }
}

/// What may be called here: the tools of every server that is there, those apart whose definition changed and was not
/// approved.
pub async fn offered(client: &Client) -> Vec<String> {
    if !client.caller.scopes.has(Scope::PolicyEvaluate) {
        return Vec::new();
    }
    let lists = upstreams(client).iter().map(|upstream| {
        let upstream = Arc::clone(upstream);
        timeout(OFFER, tokio::spawn(async move { upstream.tools(AGE.0).await }))
    });
    let mut tools: Vec<Arc<Tool>> = Vec::new();
    for list in lists.collect::<Vec<_>>() {
        // A server that is away, or that keeps all others waiting, offers nothing.
        if let Ok(Ok(Ok(list))) = list.await {
            tools.extend(list.iter().cloned());
        }
    }
    if tools.is_empty() {
        return Vec::new();
    }
    let definitions: Vec<Definition> = tools.iter().map(|tool| tool.definition.clone()).collect();
    match standing(client, definitions).await {
        Ok(fit) => tools.iter().zip(fit).filter(|(_, fit)| *fit).map(|(tool, _)| tool.shown.clone()).collect(),
        Err(failure) => {
            tracing::warn!(target: "loop::mcp", cause = %failure.message(), "tools of MCP servers cannot be offered");
            Vec::new()
        }
    }
}

/// Which of these definitions may be offered.
async fn standing(client: &Client, offered: Vec<Definition>) -> Result<Vec<bool>, Failure> {
    let engine = &client.app.engine;
    let cx = engine.context(client.caller.clone()).map_err(AccessError::from).map_err(refused)?;
    let asked = offered.clone();
    let known = engine.read(cx, "tool.pinned", move |tx, cx| {
        let pinned = asked.iter().map(|offered| definition::pinned(tx, cx.tenant(), offered));
        pinned.collect::<Result<Vec<bool>, ApprovalError>>()
    });
    let known = known.await.map_err(failed)?;
    if known.iter().all(|known| *known) {
        return Ok(known);
    }
    let cx = engine.context(client.caller.clone()).map_err(AccessError::from).map_err(refused)?;
    let master = engine.master().clone();
    let looked = engine.write(cx, "tool.pin", move |tx, cx| definition::look(tx, cx, &master, &offered));
    looked.await.map_err(failed)
}

fn failed(error: ApprovalError) -> Failure {
    Failure::of(error.code(), &error)
}

fn refused(error: AccessError) -> Failure {
    Failure::of(error.code(), &error)
}

/// The server whose tools' names begin as this one does.
pub fn server<'c>(client: &'c Client, name: &str) -> Option<&'c Arc<Upstream>> {
    let (server, _) = name.split_once(BETWEEN)?;
    upstreams(client).iter().find(|upstream| upstream.name() == server)
}

/// Decides a call and, when it is allowed, has it carried out. Whatever else happens is a result that says so.
///
/// # Errors
/// A tool that the server does not offer.
pub async fn run(client: &Client, upstream: &Upstream, name: &str, arguments: View<'_>) -> Result<String, ErrorData> {
    if !client.caller.scopes.has(Scope::PolicyEvaluate) {
        return Ok(serve::failed("this key lacks the scope `policy:evaluate`"));
    }
    if client.key.as_ref().is_some_and(|key| holds(arguments, key.expose())) {
        return Ok(serve::failed("the arguments hold a Loop key, which is for nobody else"));
    }
    let tools = match upstream.tools(AGE.1).await {
        Ok(tools) => tools,
        Err(error) => return Ok(serve::failed(&error.to_string())),
    };
    let Some(tool) = tools.iter().find(|tool| tool.definition.tool_name == name) else {
        let shown: String = name.chars().take(80).collect();
        return Err(ErrorData::invalid_params(format!("unknown tool: `{shown}`"), None));
    };
    Ok(match carry_out(client, upstream, tool, arguments).await {
        Ok(result) => result,
        Err(failure) => {
            let internal = failure.code() == loop_core::base::Code::Internal;
            if internal {
                tracing::error!(target: "loop::failure", operation = DOOR, request_id = %client.request_id,
                                cause = %failure.message(), "request failed");
            }
            serve::failed(if internal { "internal error" } else { failure.message() })
        }
    })
}

async fn carry_out(client: &Client, upstream: &Upstream, tool: &Tool, arguments: View<'_>) -> Result<String, Failure> {
    let engine = &client.app.engine;
    let name = &tool.definition.tool_name;
    let standing = judged(client, tool).await?;
    if standing != Standing::Pinned {
        if matches!(standing, Standing::Pending { .. }) {
            client.app.wake.ring();
        }
        return Ok(serve::failed(&unpinned(name, &standing)));
    }
    let action = Action { tool: name, agent: None, arguments, forward: None, claimed_risk: None, stage: None };
    let proposed = engine::Call { action, reason: None, session: None, door: DOOR };
    let decision =
        engine.intercept(&client.caller, &proposed).await.map_err(|error| Failure::of(error.code(), &error))?;
    match decision.status {
        Status::Allowed => {}
        Status::Pending => {
            client.app.wake.ring();
            return Ok(serve::failed(&waiting(name, decision.approval, decision.expires_at, &decision.message)));
        }
        Status::Blocked | Status::Error => {
            return Ok(serve::failed(&format!("`{name}` was not called. {}", decision.message)));
        }
    }
    if !upstream.offers(tool) {
        let error = CallError::Away(upstream.name().to_owned());
        note(client, name, &decision, "the tool's definition changed while it was decided").await?;
        return Ok(serve::failed(&format!("`{name}` was not called: its definition changed meanwhile, or {error}")));
    }
    let mut exact = String::new();
    json::write(arguments, &mut exact);
    let result = upstream.call(tool, exact).await.and_then(|result| sound(upstream, &result));
    match result {
        Ok(result) => Ok(result),
        Err(error) => {
            let why = match &error {
                // Its own words may repeat what it was sent.
                CallError::Refused(..) => "the MCP server refused".to_owned(),
                other => other.to_string(),
            };
            note(client, name, &decision, &why).await?;
            Ok(serve::failed(&error.to_string()))
        }
    }
}

/// Whether a text or a member's name holds the key, however it was written.
fn holds(arguments: View<'_>, key: &str) -> bool {
    let in_text = |view: View<'_>| view.as_str().is_some_and(|text| text.contains(key)) || view.key().contains(key);
    !key.is_empty() && arguments.walk().any(in_text)
}

/// How the tool's definition stands; a changed one is asked about.
async fn judged(client: &Client, tool: &Tool) -> Result<Standing, Failure> {
    let engine = &client.app.engine;
    let cx = engine.context(client.caller.clone()).map_err(AccessError::from).map_err(refused)?;
    let offered = tool.definition.clone();
    let pinned = engine.read(cx, "tool.pinned", move |tx, cx| definition::pinned(tx, cx.tenant(), &offered));
    if pinned.await.map_err(failed)? {
        return Ok(Standing::Pinned);
    }
    let cx = engine.context(client.caller.clone()).map_err(AccessError::from).map_err(refused)?;
    let (master, offered) = (engine.master().clone(), tool.definition.clone());
    let judged = engine.write(cx, "tool.pin", move |tx, cx| definition::judge(tx, cx, &master, &offered));
    judged.await.map_err(failed)
}

/// What an agent is told of a tool whose definition may not be called: never the definition itself, which is what it
/// should not read yet.
fn unpinned(name: &str, standing: &Standing) -> String {
    let changed =
        |members: &[String]| format!("The definition of `{name}` changed since it was pinned ({})", members.join(", "));
    let text = match standing {
        Standing::Pending { id, expires_at, members } => format!(
            "{}, so it requires human approval before it can be called. approval_id: {id}, until {expires_at}. Repeat \
             the call once it is approved.",
            changed(members)
        ),
        Standing::Denied { id, members } => {
            format!("{}, and a human refused the change. approval_id: {id}", changed(members))
        }
        Standing::Unshowable { members } => format!(
            "{}, by more than can be shown to a human, so the change is refused until an operator unpins the server",
            changed(members)
        ),
        Standing::TooMany => {
            format!("`{name}` was never seen, and its server has as many pinned definitions as it may have")
        }
        Standing::Pinned | Standing::Changed => format!("The definition of `{name}` changed since it was pinned"),
    };
    format!("{text} ({})", standing.code())
}

fn waiting(name: &str, approval: Option<ApprovalId>, until: Option<Time>, message: &str) -> String {
    let id = approval.map(|id| id.to_string()).unwrap_or_default();
    let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
    format!(
        "`{name}` was not called: it requires human approval. {message}. approval_id: {id}{until}. Repeat the identical \
         call once it is approved."
    )
}

/// The result as one line, once it is known to be an object that every reader reads alike.
fn sound(upstream: &Upstream, result: &str) -> Result<String, CallError> {
    let unreadable = || CallError::Unreadable(upstream.name().to_owned());
    let doc = Doc::parse(result.as_bytes()).map_err(|_| unreadable())?;
    if !doc.root().is_object() {
        return Err(unreadable());
    }
    let mut text = String::with_capacity(result.len());
    json::write(doc.root(), &mut text);
    Ok(text)
}

/// A call that was allowed and could not be carried out stands in the log as an error of its own.
async fn note(client: &Client, tool: &str, decision: &Decision, why: &str) -> Result<(), Failure> {
    let body =
        serde_json::json!({ "arguments": {}, "message": why, "decision": decision.audit_id, "door": DOOR }).to_string();
    let (tool_name, risk) = (Some(tool.to_owned()), decision.verdict.risk);
    let failed = Failed { op: "forward", tool_name, agent_name: None, risk, body };
    let noted = client.app.engine.note_failed(&client.caller, "mcp.failed", failed);
    noted.await.map_err(|error| Failure::of(error.code(), &error))
}
