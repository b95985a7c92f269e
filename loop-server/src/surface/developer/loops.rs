//! `/api/v1/loops`: the identities that act, and the keys they sign with. What an answer tells of a loop is what
//! holds for it beneath the loops it stands under.

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{Method, StatusCode};
use loop_core::{
    access::{
        AccessError, Ctx, Effective, Loop, LoopKind, LoopStatus, Plan, Scope, Scopes,
        loops::{self, NewLoop, Patch},
    },
    audit::{self, Event},
    base::{Risk, Time, id::LoopId, secret::unhex},
    store::Tx,
    trust::{self, Tier},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::page::{CURSOR, LIMIT, Page, page, page_shape};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

const PARENT: Param = Param {
    name: "parentLoopId",
    kind: "string",
    about: "only loops directly under this one, by id or `@tag`; for a loop's key its own loop when absent",
};

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/loops",
        operation: "loop.create",
        surface: Surface::Developer,
        access: Access::AnyOf(&[Scope::LoopsWrite, Scope::KeysManage]),
        summary: "Make a loop, or a sub-loop that never may do more than the loops above it",
        query: &[],
        input: Some(schema_of::<Create>),
        output: Output::Json(schema_of::<LoopAnswer>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example {
            before: &[],
            id: "",
            path: "/api/v1/loops",
            body: r#"{"kind":"business","skills":["leads"],"plan":"pro"}"#,
        }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/loops",
        operation: "loop.list",
        surface: Surface::Developer,
        access: Access::Scope(Scope::LoopsRead),
        summary: "Loops, newest first; a loop's key sees those under its own",
        query: &[PARENT, LIMIT, CURSOR],
        input: None,
        output: Output::Json(schema_of::<LoopPage>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(list(call))),
        example: Some(Example { before: &[], id: "", path: "/api/v1/loops", body: "" }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/loops/{id}",
        operation: "loop.get",
        surface: Surface::Developer,
        access: Access::Key,
        summary: "Who a loop is, by id or `@tag`; a stranger's limits are not told",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<LoopAnswer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(show(call))),
        example: Some(Example { before: &["loop.create"], id: "/id", path: "/api/v1/loops/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/v1/loops/{id}",
        operation: "loop.update",
        surface: Surface::Developer,
        access: Access::AnyOf(&[Scope::LoopsWrite, Scope::KeysManage]),
        summary: "Change a loop; what is absent stays, and what is done under it follows at once",
        query: &[],
        input: Some(schema_of::<Change>),
        output: Output::Json(schema_of::<LoopAnswer>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &["loop.create"],
            id: "/id",
            path: "/api/v1/loops/{id}",
            body: r#"{"riskCeiling":"medium","spendLimit":50}"#,
        }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/loops/{id}/keys",
        operation: "loop.add_signing_key",
        surface: Surface::Developer,
        access: Access::Scope(Scope::LoopsWrite),
        summary: "Register an Ed25519 public key that the loop signs with",
        query: &[],
        input: Some(schema_of::<AddKey>),
        output: Output::Json(schema_of::<LoopAnswer>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(add_key(call))),
        example: Some(Example {
            before: &["loop.create"],
            id: "/id",
            path: "/api/v1/loops/{id}/keys",
            body: r#"{"publicKey":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}"#,
        }),
    },
];

/// What a new loop shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Create {
    /// Its public name: a letter, then letters, digits, `_` and `-`, 2 to 64 in all. Drawn when absent.
    tag: Option<String>,
    /// What it is.
    kind: LoopKind,
    /// Whose it is; the tenant's own when absent. A sub-loop is its parent's owner's.
    owner_id: Option<String>,
    /// The loop it stands under, by id or `@tag`; for the kind `sub` and only for it.
    parent_loop_id: Option<String>,
    /// What it can do, in words of its own.
    skills: Option<Vec<String>>,
    /// The most that its keys may do; all that the loops above it may when absent.
    permissions: Option<Scopes>,
    /// Its plan; its parent's, or `free`, when absent.
    plan: Option<Plan>,
    /// The highest risk it may take.
    risk_ceiling: Option<Risk>,
    /// The most credits one call may cost.
    spend_limit: Option<u64>,
}

/// Changes to a loop; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Change {
    /// `active`, or `suspended`: neither it nor any loop under it may act.
    status: Option<LoopStatus>,
    /// What it can do.
    skills: Option<Vec<String>>,
    /// The most that its keys may do.
    permissions: Option<Scopes>,
    /// Its plan.
    plan: Option<Plan>,
    /// The highest risk it may take; null for no limit.
    #[serde(default, deserialize_with = "told")]
    #[schemars(with = "Option<Risk>")]
    risk_ceiling: Option<Option<Risk>>,
    /// The most credits one call may cost; null for no limit.
    #[serde(default, deserialize_with = "told")]
    #[schemars(with = "Option<u64>")]
    spend_limit: Option<Option<u64>>,
    /// Whether the operator vouches for it; the tenant's own keys only.
    verified: Option<bool>,
    /// A loop stays where it was made; anything but null is refused.
    #[schemars(with = "()")]
    parent_loop_id: Option<serde::de::IgnoredAny>,
}

/// Tells `null` from absent.
fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A public key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct AddKey {
    /// Ed25519: 32 bytes in hexadecimal or base64, or its X.509 form (SPKI) in base64 or PEM.
    public_key: String,
}

/// A loop, with what holds for it beneath the loops it stands under.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LoopAnswer {
    /// Its id.
    id: LoopId,
    /// Its public name.
    tag: String,
    /// What it is.
    kind: LoopKind,
    /// Whether it may act.
    status: LoopStatus,
    /// Whose it is.
    owner_id: String,
    /// The loop it stands under.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_loop_id: Option<LoopId>,
    /// Whether the operator vouches for it.
    verified: bool,
    /// What it can do.
    skills: Vec<String>,
    /// Its plan.
    plan: Plan,
    /// What is told to its own side only.
    #[serde(flatten)]
    limits: Option<Limits>,
    /// The public keys it signs with, Ed25519 in hexadecimal.
    signing_keys: Vec<String>,
    /// Its trust, 0 to 100.
    trust_score: u8,
    /// The name of the tier that the score stands in.
    trust_tier: Tier,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
}

/// What a loop may do at most.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    /// The most that its keys may do.
    permissions: Scopes,
    /// The highest risk it may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_ceiling: Option<Risk>,
    /// The most credits one call may cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    spend_limit: Option<u64>,
}

page_shape!(LoopPage, loops: LoopAnswer);

impl LoopAnswer {
    /// What the caller is told of a loop.
    fn read(tx: &mut dyn Tx, cx: &Ctx, own: Loop) -> Result<Self, AccessError> {
        let line = loops::lineage(tx, cx.tenant(), own.id)?;
        let held = Effective::of(&line);
        let limits = cx.caller.stands_above(&line).then_some(Limits {
            permissions: held.permissions,
            risk_ceiling: held.risk_ceiling,
            spend_limit: held.spend_limit,
        });
        let trust_score = trust::score(tx, cx.tenant(), own.id)?;
        Ok(Self {
            id: own.id,
            tag: own.tag,
            kind: own.kind,
            status: if held.suspended { LoopStatus::Suspended } else { LoopStatus::Active },
            owner_id: own.owner_id,
            parent_loop_id: own.parent,
            verified: own.verified,
            skills: held.skills.unwrap_or_default(),
            plan: held.plan,
            limits,
            signing_keys: own.signing_keys.into_iter().map(|key| key.public_key).collect(),
            trust_score,
            trust_tier: Tier::of(trust_score),
            created_at: own.created_at,
            updated_at: own.updated_at,
        })
    }
}

fn failed(error: AccessError) -> Failure {
    Failure::of(error.code(), &error)
}

fn note(tx: &mut dyn Tx, cx: &Ctx, op: &'static str, now: &Loop) -> Result<(), AccessError> {
    let body = serde_json::json!({ "loop": now, "by": cx.caller.name });
    audit::append(tx, cx, &Event::change(op, &body.to_string()))?;
    Ok(())
}

async fn create(call: Call) -> Outcome {
    let input: Create = call.json()?;
    let cx = super::context(&call)?;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let parent = match &input.parent_loop_id {
            Some(name) => Some(loops::resolve(tx, cx.tenant(), name)?.id),
            None => None,
        };
        let new = NewLoop {
            tag: input.tag.clone(),
            kind: input.kind,
            owner_id: input.owner_id.clone(),
            parent,
            skills: input.skills.clone().unwrap_or_default(),
            permissions: input.permissions,
            plan: input.plan,
            risk_ceiling: input.risk_ceiling,
            spend_limit: input.spend_limit,
        };
        let made = loops::create(tx, cx, &new)?;
        note(tx, cx, "loop.create", &made)?;
        LoopAnswer::read(tx, cx, made)
    };
    let made = call.app.engine.write(cx, "loop.create", work).await.map_err(failed)?;
    Ok(Reply::json(&made)?.with_status(StatusCode::CREATED))
}

async fn list(call: Call) -> Outcome {
    let asked = Page::of(&call, LoopId::parse)?;
    let under = call.query("parentLoopId").map(std::borrow::Cow::into_owned).filter(|name| !name.is_empty());
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "loop.list", move |tx, cx| {
        let parent = match &under {
            Some(name) => Some(loops::resolve(tx, cx.tenant(), name)?.id),
            None => cx.caller.loop_id,
        };
        if let Some(parent) = parent {
            cx.caller.commands(&loops::lineage(tx, cx.tenant(), parent)?)?;
        }
        let rows = loops::list(tx, cx.tenant(), parent, asked.after, asked.limit)?;
        rows.into_iter().map(|own| LoopAnswer::read(tx, cx, own)).collect::<Result<Vec<_>, AccessError>>()
    });
    let rows = read.await.map_err(failed)?;
    let next = rows.last().filter(|_| asked.full(rows.len())).map(|last| last.id.to_string());
    page("loops", &rows, next)
}

async fn show(call: Call) -> Outcome {
    let name = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let read = call.app.engine.read(cx, "loop.get", move |tx, cx| {
        let own = loops::resolve(tx, cx.tenant(), &name)?;
        LoopAnswer::read(tx, cx, own)
    });
    Reply::json(&read.await.map_err(failed)?)
}

async fn update(call: Call) -> Outcome {
    let input: Change = call.json()?;
    if input.parent_loop_id.is_some() {
        return Err(Failure::invalid("`parentLoopId` cannot change: a loop stays where it was made"));
    }
    let patch = Patch {
        status: input.status,
        skills: input.skills,
        permissions: input.permissions,
        plan: input.plan,
        risk_ceiling: input.risk_ceiling,
        spend_limit: input.spend_limit,
        verified: input.verified,
    };
    let name = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let id = loops::resolve(tx, cx.tenant(), &name)?.id;
        let changed = loops::patch(tx, cx, id, &patch)?;
        note(tx, cx, "loop.update", &changed)?;
        LoopAnswer::read(tx, cx, changed)
    };
    Reply::json(&call.app.engine.write(cx, "loop.update", work).await.map_err(failed)?)
}

async fn add_key(call: Call) -> Outcome {
    let input: AddKey = call.json()?;
    let key = public_key(&input.public_key)
        .ok_or_else(|| Failure::invalid("`publicKey` is no Ed25519 key in hexadecimal, base64 or PEM"))?;
    let name = call.param("id").to_owned();
    let cx = super::context(&call)?;
    let work = move |tx: &mut dyn Tx, cx: &Ctx| {
        let id = loops::resolve(tx, cx.tenant(), &name)?.id;
        let changed = loops::add_signing_key(tx, cx, id, &key)?;
        note(tx, cx, "loop.add_signing_key", &changed)?;
        LoopAnswer::read(tx, cx, changed)
    };
    let changed = call.app.engine.write(cx, "loop.add_signing_key", work).await.map_err(failed)?;
    Ok(Reply::json(&changed)?.with_status(StatusCode::CREATED))
}

/// The 32 bytes of a public key in any form that is in use.
fn public_key(text: &str) -> Option<[u8; 32]> {
    /// What precedes the key in its X.509 form (RFC 8410).
    const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    /// No form is longer.
    const MAX: usize = 256;
    if text.len() > MAX {
        return None;
    }
    let text = text.trim();
    let text = match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
        Some(rest) => rest.strip_suffix("-----END PUBLIC KEY-----")?.trim(),
        None => text,
    };
    if let Some(key) = unhex(text) {
        return Some(key);
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let plain: String = text
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient).decode(plain).ok()?;
    <[u8; 32]>::try_from(bytes.strip_prefix(&SPKI).unwrap_or(&bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::public_key;

    #[test]
    fn a_public_key_is_read_in_every_form_in_use() {
        let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let raw = public_key(hex).expect("hexadecimal");
        for text in [
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(public_key(text), Some(raw), "{text}");
        }
        for bad in [
            "",
            "d75a",
            &"0".repeat(66),
            "MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            &"A".repeat(300),
        ] {
            assert_eq!(public_key(bad), None, "{bad}");
        }
    }
}
