//! Wallets: what they hold, and putting credits into them.

use http::Method;
use loop_core::{
    access::{AccessError, Scope, loops},
    base::id::LoopId,
    credit::{self, CreditError, Wallet},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context;
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const MADE: &str = r#"POST /api/v1/loops {"kind":"developer"}"#;
const NAMED: &str = r#"POST /api/v1/loops {"tag":"granted","kind":"developer"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/v1/credits",
        operation: "credit.get",
        surface: Surface::Developer,
        access: Access::Key,
        summary: "What a wallet holds: the caller's own, or with `credits:read` any loop's",
        query: &[LOOP],
        input: None,
        output: Output::Json(schema_of::<WalletRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(get(call))),
        example: Some(Example { before: &[MADE], id: "/id", path: "/api/v1/credits?loopId={id}", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/credits/grant",
        operation: "credit.grant",
        surface: Surface::Developer,
        access: Access::Scope(Scope::CreditsGrant),
        summary: "Put credits into the wallet that a loop spends from",
        query: &[],
        input: Some(schema_of::<Grant>),
        output: Output::Json(schema_of::<WalletRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(grant(call))),
        example: Some(Example {
            before: &[NAMED],
            id: "",
            path: "/api/v1/credits/grant",
            body: r#"{"loopId":"@granted","amount":100}"#,
        }),
    },
];

/// Whose wallet or usage.
pub(super) const LOOP: Param =
    Param { name: "loopId", kind: "string", about: "a loop's id or `@tag`; the key's own loop when absent" };

/// Credits to grant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Grant {
    /// A loop's id or `@tag`; the wallet is that of its root.
    loop_id: String,
    /// A whole number from 1 to 1000000000000.
    amount: u64,
}

/// What a wallet holds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WalletRow {
    /// The root loop that the wallet belongs to.
    loop_id: LoopId,
    /// Everything in it.
    balance: i64,
    /// What can be spent.
    available: i64,
    /// What is held back for calls under way.
    reserved: i64,
}

impl WalletRow {
    const fn of(loop_id: LoopId, wallet: Wallet) -> Self {
        Self { loop_id, balance: wallet.balance, available: wallet.available(), reserved: wallet.reserved }
    }
}

fn refusal(error: &CreditError) -> Failure {
    Failure::of(error.code(), error)
}

async fn get(call: Call) -> Outcome {
    let named = call.query("loopId").map(std::borrow::Cow::into_owned);
    let read = call.app.engine.read(context(&call)?, "credit.get", move |tx, cx| {
        let of = match &named {
            Some(name) => loops::resolve(tx, cx.tenant(), name)?.id,
            None => cx.caller.acting_loop()?,
        };
        let line = loops::lineage(tx, cx.tenant(), of)?;
        // Its own wallet every loop may see; another's takes a scope, and to stand above it.
        if cx.caller.loop_id != Some(of) {
            cx.caller.require(Scope::CreditsRead)?;
            cx.caller.commands(&line)?;
        }
        let root = line.last().map(|root| root.id).ok_or(AccessError::NoLoop)?;
        Ok::<_, CreditError>((root, credit::balance(tx, cx.tenant(), root)?.unwrap_or_default()))
    });
    let (root, wallet) = read.await.map_err(|error| refusal(&error))?;
    Reply::json(&WalletRow::of(root, wallet))
}

async fn grant(call: Call) -> Outcome {
    let Grant { loop_id, amount } = call.json()?;
    let written = call.app.engine.write(context(&call)?, "credit.grant", move |tx, cx| {
        // Whoever spends does not print.
        if cx.caller.loop_id.is_some() || cx.caller.sandboxed {
            return Err(AccessError::Foreign.into());
        }
        let of = loops::resolve(tx, cx.tenant(), &loop_id)?;
        let root = loops::root(tx, cx.tenant(), of.id)?;
        Ok::<_, CreditError>((root.id, credit::grant(tx, cx, root.id, amount)?))
    });
    let (root, wallet) = written.await.map_err(|error| refusal(&error))?;
    Reply::json(&WalletRow::of(root, wallet))
}
