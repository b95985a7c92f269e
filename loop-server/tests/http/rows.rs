//! A table of rows that do what no real row does.

use std::sync::{LazyLock, Mutex};

use http::Method;
use loop_core::{access::Scope, base::Code};
use loop_server::{
    http::{Access, Call, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::{self, Surface},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

/// What `echo` reads.
#[derive(Deserialize, JsonSchema)]
pub struct Input {
    action: Action,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    nested: Vec<Nested>,
}

#[derive(Deserialize, JsonSchema, Debug, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Action {
    Approve,
    Block,
}

#[derive(Deserialize, JsonSchema)]
struct Nested {
    n: u8,
}

/// Tokens that were used.
pub static USED: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Rung when `wait` has begun.
pub static BEGUN: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));
/// Lets one `wait` end.
pub static GO: LazyLock<Notify> = LazyLock::new(Notify::new);
/// Rung when a stream's writer has learnt that its reader went away.
pub static ABANDONED: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(0));

fn row(method: Method, path: &'static str, operation: &'static str, access: Access, handler: Handler) -> Row {
    Row {
        method,
        path,
        operation,
        surface: Surface::Governance,
        access,
        summary: "A row for tests",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<Value>),
        success: &[200],
        body_limit: 64 << 10,
        handler,
        example: None,
    }
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let scope = Access::Scope(Scope::RulesWrite);
    vec![
        row(Method::POST, "/t/echo", "test.echo", scope, Handler::Now(echo)),
        row(Method::GET, "/t/key", "test.key", Access::Scope(Scope::PolicyEvaluate), Handler::Now(key)),
        row(Method::POST, "/t/length", "test.length", scope, Handler::Now(length)),
        row(Method::GET, "/t/params/{id}/{*rest}", "test.params", Access::Public, Handler::Now(params)),
        row(Method::DELETE, "/t/params/{id}", "test.delete", Access::Public, Handler::Now(params)),
        row(Method::GET, "/t/panic", "test.panic", Access::Public, Handler::Later(|call| Box::pin(panics(call)))),
        row(Method::GET, "/t/failure", "test.failure", Access::Public, Handler::Now(failure)),
        row(Method::GET, "/t/token/{token}", "test.token", Access::Token, Handler::Now(token)),
        row(Method::POST, "/t/token/{token}", "test.token_post", Access::Token, Handler::Now(token)),
        row(Method::GET, "/t/wait", "test.wait", Access::Public, Handler::Later(|call| Box::pin(wait(call)))),
        row(Method::GET, "/t/csv", "test.csv", Access::Public, Handler::Now(csv)),
        row(Method::GET, "/t/torn", "test.torn", Access::Public, Handler::Now(torn)),
        row(Method::GET, "/t/endless", "test.endless", Access::Public, Handler::Now(endless)),
        row(Method::GET, "/t/trickle", "test.trickle", Access::Public, Handler::Now(trickle)),
        row(Method::POST, "/v1/t", "test.openai", Access::Scope(Scope::PolicyEvaluate), Handler::Now(echo)),
    ]
});

/// The rows above beside the real table.
pub fn all() -> Vec<&'static Row> {
    ROWS.iter().chain(surface::rows()).collect()
}

fn echo(call: &Call) -> Outcome {
    let input: Input = call.json()?;
    let sum: u32 = input.nested.iter().map(|nested| u32::from(nested.n)).sum();
    Reply::json(&json!({ "action": format!("{:?}", input.action), "count": input.count, "sum": sum }))
}

fn key(call: &Call) -> Outcome {
    let caller = call.caller()?;
    Reply::json(&json!({ "tenant": caller.tenant, "name": &*caller.name, "scopes": caller.scopes }))
}

fn length(call: &Call) -> Outcome {
    Reply::json(&json!({ "length": call.body.len() }))
}

fn params(call: &Call) -> Outcome {
    Reply::json(&json!({
        "id": call.param("id"),
        "rest": call.param("rest"),
        "nothing": call.param("nothing"),
        "limit": call.query_number("limit", 50, 1, 1000)?,
        "body": call.body.len(),
    }))
}

async fn panics(call: Call) -> Outcome {
    tokio::task::yield_now().await;
    panic!("a secret: {}", call.uri);
}

fn failure(call: &Call) -> Outcome {
    Err(match call.query("code").as_deref() {
        Some("internal") => Failure::internal("the inner workings"),
        Some("unavailable") => Failure::new(Code::Unavailable, "the store is busy").retry_after(7),
        Some("limited") => Failure::new(Code::RateLimited, "too many"),
        Some("conflict") => Failure::new(Code::Conflict, "already decided").with("outcome", "approved"),
        _ => Failure::not_found("no such thing"),
    })
}

fn token(call: &Call) -> Outcome {
    USED.lock().expect("no panic").push(call.param("token").to_owned());
    Reply::json(&json!({}))
}

async fn wait(_: Call) -> Outcome {
    BEGUN.add_permits(1);
    GO.notified().await;
    Reply::json(&json!({ "waited": true }))
}

fn csv(_: &Call) -> Outcome {
    let (sender, reply) = Reply::stream("text/csv");
    tokio::spawn(async move {
        for line in 0..10_000 {
            sender.send(format!("{line},x\r\n")).await?;
        }
        sender.finish().await
    });
    Ok(reply)
}

fn torn(_: &Call) -> Outcome {
    let (sender, reply) = Reply::stream("text/csv");
    tokio::spawn(async move {
        let _ = sender.send("half of it").await;
    });
    Ok(reply)
}

fn endless(_: &Call) -> Outcome {
    let (sender, reply) = Reply::stream("text/csv");
    tokio::spawn(async move {
        while sender.send("x".repeat(64 << 10)).await.is_ok() {}
        ABANDONED.add_permits(1);
    });
    Ok(reply)
}

fn trickle(_: &Call) -> Outcome {
    let (sender, reply) = Reply::stream("application/json");
    tokio::spawn(async move {
        sender.send(" ").await?;
        GO.notified().await;
        sender.send("{\"done\":true}").await?;
        sender.finish().await
    });
    Ok(reply)
}
