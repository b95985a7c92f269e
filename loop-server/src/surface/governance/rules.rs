//! `/api/approval-rules`: rules in plain English.

use http::Method;
use loop_core::{
    access::Scope,
    audit,
    base::{Time, id::RuleId},
    engine::DecideError,
    policy::{CompiledRule, Interpretation, Rule, RuleAction, RuleMode, interpret, rulebook},
    store::Stored,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    intercept::no_entropy,
    page::{LIMIT, OFFSET, Page, list},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// How many rules a list answers unless told: all that most tenants have.
const DEFAULT_LIMIT: u64 = 1_000;

const CREATE: &str = r#"{"rule_text":"Any wire transfer over £1,000 needs approval","action":"approve"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/approval-rules",
        operation: "rule.list",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesRead),
        summary: "The rules, newest first",
        query: &[LIMIT, OFFSET],
        input: None,
        output: Output::Json(schema_of::<Vec<RuleRow>>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(all(call))),
        example: Some(Example { before: &[], id: "", path: "/api/approval-rules", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/approval-rules",
        operation: "rule.create",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesWrite),
        summary: "Add a rule; the answer says how it was understood",
        query: &[],
        input: Some(schema_of::<NewRule>),
        output: Output::Json(schema_of::<RuleRow>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example { before: &[], id: "", path: "/api/approval-rules", body: CREATE }),
    },
    Row {
        method: Method::GET,
        path: "/api/approval-rules/{id}",
        operation: "rule.get",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesRead),
        summary: "One rule and how it was understood",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<RuleRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(one(call))),
        example: Some(Example { before: &["rule.create"], id: "/id", path: "/api/approval-rules/{id}", body: "" }),
    },
    Row {
        method: Method::PATCH,
        path: "/api/approval-rules/{id}",
        operation: "rule.update",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesWrite),
        summary: "Change a rule; approvals given to it before no longer count",
        query: &[],
        input: Some(schema_of::<RulePatch>),
        output: Output::Json(schema_of::<RuleRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(update(call))),
        example: Some(Example {
            before: &["rule.create"],
            id: "/id",
            path: "/api/approval-rules/{id}",
            body: r#"{"mode":"shadow"}"#,
        }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/approval-rules/{id}",
        operation: "rule.delete",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesWrite),
        summary: "Delete a rule",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<Deleted>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(delete(call))),
        example: Some(Example { before: &["rule.create"], id: "/id", path: "/api/approval-rules/{id}", body: "" }),
    },
];

/// A new rule.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NewRule {
    /// The sentence, 1 to 2000 characters.
    pub rule_text: String,
    /// `approve` (the default) asks a human, `block` refuses.
    pub action: Option<RuleAction>,
    /// Whom it asks instead of the tenant's default.
    pub approver_email: Option<String>,
    /// `enforce` (the default) or `shadow`, which only records.
    pub mode: Option<RuleMode>,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
}

/// Changes to a rule; what is absent stays, `null` clears.
#[derive(Debug, Deserialize, JsonSchema)]
struct RulePatch {
    /// The sentence.
    rule_text: Option<String>,
    /// What it does.
    action: Option<RuleAction>,
    /// Whom it asks.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    approver_email: Option<Option<String>>,
    /// Whether it decides.
    mode: Option<RuleMode>,
    /// When it stops.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Time>")]
    expires_at: Option<Option<Time>>,
}

/// Tells `null` from absence.
pub(super) fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// A rule.
#[derive(Debug, Serialize, JsonSchema)]
struct RuleRow {
    /// Its id.
    id: RuleId,
    /// The sentence, as written.
    rule_text: String,
    /// What it does.
    action: RuleAction,
    /// Whom it asks instead of the tenant's default.
    approver_email: Option<String>,
    /// Whether it decides.
    mode: RuleMode,
    /// When it stops by itself.
    expires_at: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// Raised by every change.
    revision: u64,
    /// Words that could not be placed; empty when the sentence was fully understood.
    unresolved: Vec<String>,
    /// How it was understood. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    interpretation: Option<Interpretation>,
}

impl RuleRow {
    /// A rule as lists show it.
    fn of(stored: Stored<Rule>) -> Self {
        let compiled = CompiledRule::compile(stored.value);
        let rule = compiled.rule;
        Self {
            id: rule.id,
            rule_text: rule.rule_text,
            action: rule.action,
            approver_email: rule.approver_email,
            mode: rule.mode,
            expires_at: rule.expires_at,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
            revision: rule.revision,
            unresolved: compiled.unresolved,
            interpretation: None,
        }
    }

    /// A rule with its explanation.
    fn explained(stored: Stored<Rule>, known_tools: &[String]) -> Self {
        let known: Vec<&str> = known_tools.iter().map(String::as_str).collect();
        let interpretation = interpret(&CompiledRule::compile(stored.value.clone()), &known);
        Self { interpretation: Some(interpretation), ..Self::of(stored) }
    }
}

/// What a delete answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    /// Always true.
    pub deleted: bool,
    /// What was deleted.
    pub id: String,
}

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn all(call: Call) -> Outcome {
    let page = Page::of(&call, DEFAULT_LIMIT)?;
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "rule.list", move |tx, cx| {
        let rules = rulebook::page(tx, cx.tenant(), page.limit, page.offset)?;
        Ok::<_, DecideError>((rules, rulebook::live_count(tx, cx.tenant())?))
    });
    let (rules, total) = read.await.map_err(failed)?;
    let rows: Vec<RuleRow> = rules.into_iter().map(RuleRow::of).collect();
    list(&rows, total)
}

async fn create(call: Call) -> Outcome {
    let input: NewRule = call.json()?;
    let new = rulebook::NewRule {
        rule_text: input.rule_text,
        action: input.action.unwrap_or(RuleAction::Approve),
        approver_email: input.approver_email,
        mode: input.mode.unwrap_or_default(),
        expires_at: input.expires_at,
    };
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let created = call.app.engine.write(cx, "rule.create", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::create(tx, cx, &new)?, tools))
    });
    let (stored, tools) = created.await.map_err(failed)?;
    Ok(Reply::json(&RuleRow::explained(stored, &tools))?.with_status(http::StatusCode::CREATED))
}

async fn one(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "rule.get", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::get(tx, cx.tenant(), &id)?, tools))
    });
    let (stored, tools) = read.await.map_err(failed)?;
    Reply::json(&RuleRow::explained(stored, &tools))
}

async fn update(call: Call) -> Outcome {
    let input: RulePatch = call.json()?;
    let patch = rulebook::RulePatch {
        rule_text: input.rule_text,
        action: input.action,
        approver_email: input.approver_email,
        mode: input.mode,
        expires_at: input.expires_at,
    };
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let changed = call.app.engine.write(cx, "rule.update", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::update(tx, cx, &id, &patch)?, tools))
    });
    let (stored, tools) = changed.await.map_err(failed)?;
    Reply::json(&RuleRow::explained(stored, &tools))
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let deleted =
        call.app.engine.write(cx, "rule.delete", move |tx, cx| Ok::<_, DecideError>(rulebook::delete(tx, cx, &id)?));
    let rule = deleted.await.map_err(failed)?;
    Reply::json(&Deleted { deleted: true, id: rule.id.to_string() })
}
