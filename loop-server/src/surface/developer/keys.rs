//! `/api/v1/keys`: keys made, listed, rotated and revoked. A key is shown once, in the answer that made it.

use http::{Method, StatusCode};
use loop_core::{
    access::{
        AccessError, Ctx, Scope, Scopes,
        issue::{self, Wanted},
        key::{Key, Minted},
        loops,
    },
    audit::{self, Event},
    base::{
        Time,
        id::{KeyId, LoopId},
    },
    store::Tx,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::page::{CURSOR, LIMIT, Page, page, page_shape};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/keys",
        operation: "key.create",
        surface: Surface::Developer,
        access: Access::Scope(Scope::KeysManage),
        summary: "Make a key; its scopes are among the maker's, and it is shown this once",
        query: &[],
        input: Some(schema_of::<NewKey>),
        output: Output::Json(schema_of::<KeyAnswer>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/v1/keys",
            body: r#"{"name":"crm agent","scopes":["policy:evaluate","trust:read"]}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/keys",
        operation: "key.list",
        surface: Surface::Developer,
        access: Access::Scope(Scope::KeysManage),
        summary: "The keys that the caller may manage, newest first, never the keys themselves",
        query: &[LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<KeyPage>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/keys", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/keys/{id}/rotate",
        operation: "key.rotate",
        surface: Surface::Developer,
        access: Access::Scope(Scope::KeysManage),
        summary: "Put a new key in the place of an old one, which stops at once or after `graceSeconds`",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<KeyAnswer>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(rotate(call))),
        example: Some(Example { before: &["key.create"], id: "/id", path: "/api/v1/keys/{id}/rotate", body: "" }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/v1/keys/{id}",
        operation: "key.revoke",
        surface: Surface::Developer,
        access: Access::Scope(Scope::KeysManage),
        summary: "Revoke a key; no request with it is served any more",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<KeyAnswer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(revoke(call))),
        example: Some(Example { before: &["key.create"], id: "/id", path: "/api/v1/keys/{id}", body: "" }),
    },
];

/// What a new key shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NewKey {
    /// Its name, 1 to 100 characters.
    name: String,
    /// What it may do: scopes that the maker holds.
    scopes: Scopes,
    /// The loop it belongs to, by id or `@tag`; the maker's own when absent.
    loop_id: Option<String>,
    /// When it stops by itself, RFC 3339.
    expires_at: Option<Time>,
    /// `live` (the default), or `test`: everything it does is simulated.
    mode: Option<KeyMode>,
}

/// Whether what a key does is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum KeyMode {
    Live,
    #[serde(alias = "sandbox")]
    Test,
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rotate {
    /// For how many seconds the old key goes on working, 0 to 86400.
    grace_seconds: Option<u32>,
}

/// A key.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct KeyAnswer {
    /// Its id.
    id: KeyId,
    /// The key itself, in the one answer that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Its name.
    name: String,
    /// How it begins.
    prefix: String,
    /// What it may do, as far as its loop allows it.
    scopes: Scopes,
    /// The loop it belongs to.
    loop_id: Option<LoopId>,
    /// `live`, or `test` when everything it does is simulated.
    mode: KeyMode,
    /// When it stops by itself.
    expires_at: Option<Time>,
    /// When it was revoked.
    revoked_at: Option<Time>,
    /// The key that took its place.
    replaced_by: Option<KeyId>,
    /// When it was made.
    created_at: Time,
}

page_shape!(KeyPage, keys: KeyAnswer);

impl KeyAnswer {
    fn of(key: Key, created_at: Time) -> Self {
        Self {
            id: key.id,
            key: None,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            loop_id: key.loop_id,
            mode: if key.sandboxed { KeyMode::Test } else { KeyMode::Live },
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            replaced_by: key.replaced_by,
            created_at,
        }
    }
}

fn failed(error: AccessError) -> Failure {
    Failure::of(error.code(), &error)
}

fn shown_once(minted: Minted, now: Time) -> Outcome {
    let token = minted.token.expose().to_owned();
    let answer = KeyAnswer { key: Some(token), ..KeyAnswer::of(minted.key, now) };
    Ok(Reply::json(&answer)?.with_status(StatusCode::CREATED).showing_once(&["key"]))
}

fn note(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, key: &Key) -> Result<(), AccessError> {
    let body = serde_json::json!({
        "id": key.id, "name": key.name, "scopes": key.scopes, "loop_id": key.loop_id, "sandboxed": key.sandboxed,
        "by": cx.caller.name,
    });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}

async fn create(call: Call) -> Outcome {
    let input: NewKey = call.json()?;
    let cx = super::context(&call)?;
    let now = cx.now;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let loop_id = match &input.loop_id {
            Some(name) => Some(loops::resolve(tx, cx.tenant(), name)?.id),
            None => None,
        };
        let wanted = Wanted {
            name: input.name.clone(),
            scopes: input.scopes,
            loop_id,
            expires_at: input.expires_at,
            sandboxed: input.mode == Some(KeyMode::Test),
        };
        let minted = issue::create(tx, cx, &wanted)?;
        note(tx, cx, "key.create", &minted.key)?;
        Ok::<_, AccessError>(minted)
    };
    shown_once(call.app.engine.write(cx, "key.create", work).await.map_err(failed)?, now)
}

async fn list(call: Call) -> Outcome {
    let asked = Page::of(&call, KeyId::parse)?;
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "key.list", move |tx, cx| issue::page(tx, cx, asked.after, asked.limit));
    let found = read.await.map_err(failed)?;
    let rows: Vec<KeyAnswer> =
        found.keys.into_iter().map(|stored| KeyAnswer::of(stored.value, stored.created_at)).collect();
    page("keys", &rows, found.next.map(|id| id.to_string()))
}

async fn rotate(call: Call) -> Outcome {
    let input: Rotate = if call.body.is_empty() { Rotate::default() } else { call.json()? };
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let now = cx.now;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let minted = issue::rotate(tx, cx, &id, input.grace_seconds.unwrap_or(0))?;
        note(tx, cx, "key.rotate", &minted.key)?;
        Ok::<_, AccessError>(minted)
    };
    shown_once(call.app.engine.write(cx, "key.rotate", work).await.map_err(failed)?, now)
}

async fn revoke(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let (key, created_at) = issue::revoke(tx, cx, &id)?;
        note(tx, cx, "key.revoke", &key)?;
        Ok::<_, AccessError>(KeyAnswer::of(key, created_at))
    };
    Reply::json(&call.app.engine.write(cx, "key.revoke", work).await.map_err(failed)?)
}
