//! `/api/approval-rules`: rules in plain English.

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use loop_core::{
    access::Scope,
    audit,
    base::{Time, id::RuleId},
    engine::{
        DecideError,
        backtest::{self, BackTest, Run},
    },
    policy::{
        CompiledRule, Form, Interpretation, Overlap, PolicyError, PolicySnapshot, Rule, RuleAction, RuleMode,
        condition::Condition, document, interpret, overlaps, rulebook,
    },
    store::Stored,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    intercept::no_entropy,
    page::{LIMIT, OFFSET, Page, list},
    preview::step,
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
        method: Method::POST,
        path: "/api/approval-rules/{id}/promote",
        operation: "rule.promote",
        surface: Surface::Governance,
        access: Access::Scope(Scope::RulesWrite),
        summary: "Turn a rule in shadow mode on; the answer says what it would have done while it was in shadow mode",
        query: &[],
        input: Some(schema_of::<Promote>),
        output: Output::Json(schema_of::<Promoted>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(promote(call))),
        example: Some(Example {
            before: &[r#"POST /api/approval-rules {"rule_text":"Refunds need approval","mode":"shadow"}"#],
            id: "/id",
            path: "/api/approval-rules/{id}/promote",
            body: "{}",
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

/// A new rule: a sentence, a condition, or both.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct NewRule {
    /// The sentence, 1 to 2000 characters. Beside a condition it only tells people of it.
    pub rule_text: Option<String>,
    /// The condition, instead of the sentence.
    pub condition: Option<Box<Condition>>,
    /// `approve` (the default) asks a human, `block` refuses.
    pub action: Option<RuleAction>,
    /// Whom it asks instead of the tenant's default.
    pub approver_email: Option<String>,
    /// `enforce` (the default) or `shadow`, which only records.
    pub mode: Option<RuleMode>,
    /// When it stops by itself.
    pub expires_at: Option<Time>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: Others,
}

/// Members that a body should not have.
pub(super) type Others = BTreeMap<String, serde::de::IgnoredAny>;

/// What only answers have. Who changes what was read and sends it back sends these too.
const ANSWERED: &[&str] = &["id", "created_at", "updated_at", "revision", "unresolved", "file", "interpretation"];

/// Refuses members that nothing reads: who misspells one means something by it, and the rule would be another.
pub(super) fn no_others(others: &Others) -> Result<(), Failure> {
    match others.keys().find(|name| !ANSWERED.contains(&name.as_str())) {
        Some(name) => {
            let name: String = name.chars().take(64).collect();
            Err(Failure::invalid(format!("invalid body: a rule has no member `{name}`")))
        }
        None => Ok(()),
    }
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
    /// Its condition; `null` lets the sentence be read again.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Condition>")]
    condition: Option<Option<Box<Condition>>>,
    /// Only when the rule is at this revision; 409 when it is not.
    revision: Option<u64>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: Others,
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
    /// The policy file that it is kept in: it is changed there only.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// How it was understood. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    interpretation: Option<Explained>,
}

/// How a rule was understood.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Explained {
    /// In words and examples.
    #[serde(flatten)]
    pub interpretation: Interpretation,
    /// Known tools that it can never match.
    pub not_covered: Vec<String>,
    /// The rules that it stands in a telling relation to.
    pub overlaps: Vec<Overlap>,
    /// The condition that decides.
    pub condition: Condition,
}

/// How many tools are listed.
const TOOLS_MAX: usize = 200;
/// From how many known tools on it is worth a warning that a rule can match all of them.
const TOOLS_TELLING: usize = 3;

impl Explained {
    /// Explains a rule beside the others of its tenant.
    pub fn of(rule: &CompiledRule, known_tools: &[String], policy: &PolicySnapshot, now: Time) -> Self {
        let known: Vec<&str> = known_tools.iter().map(String::as_str).collect();
        let mut interpretation = interpret(rule, &known);
        let not_covered: Vec<String> =
            known.iter().filter(|tool| !rule.covers(tool)).take(TOOLS_MAX).map(|tool| (*tool).to_owned()).collect();
        let overlaps = overlaps(rule, &interpretation, policy, now);
        let told = interpretation.warnings.iter().any(|warning| warning.starts_with("it stops"));
        if !told && known.len() >= TOOLS_TELLING {
            if not_covered.is_empty() {
                interpretation.warnings.push(format!("it can match calls of all {} known tools", known.len()));
            } else if interpretation.covers.is_empty() {
                interpretation.warnings.push(format!("it matches none of the {} known tools by name", known.len()));
            }
        }
        interpretation.warnings.extend(told_only(rule, now));
        Self { interpretation, not_covered, overlaps, condition: rule.condition.clone() }
    }
}

/// What its sentence alone does not tell of a rule: that it is over, or that something else decides.
fn told_only(rule: &CompiledRule, now: Time) -> impl Iterator<Item = String> {
    let over = rule.rule.expires_at.filter(|end| *end <= now).map(|end| format!("it stops nothing: it ended at {end}"));
    let sentence = || CompiledRule::compile(Rule { form: Form::default(), ..rule.rule.clone() });
    let given = rule.rule.form.condition.as_deref();
    let other = given
        .filter(|given| document::told(given, rule.rule.action) != rule.rule.rule_text)
        .filter(|given| sentence().condition != **given)
        .map(|_| "its condition decides, and its sentence says something else".to_owned());
    over.into_iter().chain(other)
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
            file: rule.form.file,
            interpretation: None,
        }
    }

    /// A rule with its explanation.
    async fn explained(call: &Call, stored: Stored<Rule>, known_tools: &[String]) -> Result<Self, Failure> {
        let policy = policy(call).await?;
        let compiled = CompiledRule::compile(stored.value.clone());
        let explained = Explained::of(&compiled, known_tools, &policy, call.app.engine.now());
        Ok(Self { interpretation: Some(explained), ..Self::of(stored) })
    }
}

/// The policy of the caller's tenant as it is now.
pub(super) async fn policy(call: &Call) -> Result<Arc<PolicySnapshot>, Failure> {
    let policy = call.app.engine.policy(&call.caller()?.tenant).await;
    policy.map_err(|error| Failure::of(error.code(), &error))
}

/// The sentence and form of a rule that is given as a sentence, a condition, or both.
pub(super) fn written(
    rule_text: Option<String>,
    condition: Option<Box<Condition>>,
    action: RuleAction,
) -> Result<(String, Form), Failure> {
    let text = match (rule_text, &condition) {
        (Some(text), _) => text,
        (None, Some(condition)) => document::told(condition, action),
        (None, None) => {
            let error = PolicyError::Length { field: "rule_text", max: rulebook::MAX_TEXT };
            return Err(Failure::of(error.code(), &error));
        }
    };
    Ok((text, Form { condition, ..Form::default() }))
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
    no_others(&input.others)?;
    let action = input.action.unwrap_or(RuleAction::Approve);
    let (rule_text, form) = written(input.rule_text, input.condition, action)?;
    let new = rulebook::NewRule {
        rule_text,
        action,
        form,
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
    Ok(Reply::json(&RuleRow::explained(&call, stored, &tools).await?)?.with_status(http::StatusCode::CREATED))
}

async fn one(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "rule.get", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::get(tx, cx.tenant(), &id)?, tools))
    });
    let (stored, tools) = read.await.map_err(failed)?;
    Reply::json(&RuleRow::explained(&call, stored, &tools).await?)
}

async fn update(call: Call) -> Outcome {
    let input: RulePatch = call.json()?;
    no_others(&input.others)?;
    let patch = rulebook::RulePatch {
        rule_text: input.rule_text,
        action: input.action,
        approver_email: input.approver_email,
        mode: input.mode,
        expires_at: input.expires_at,
        condition: input.condition,
        revision: input.revision,
    };
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let changed = call.app.engine.write(cx, "rule.update", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::update(tx, cx, &id, &patch)?, tools))
    });
    let (stored, tools) = changed.await.map_err(failed)?;
    Reply::json(&RuleRow::explained(&call, stored, &tools).await?)
}

/// Which revision of a rule is turned on.
#[derive(Debug, Deserialize, JsonSchema)]
struct Promote {
    /// The revision that was looked at; 409 when the rule was changed since. The present one when absent.
    revision: Option<u64>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: Others,
}

/// A rule that was turned on.
#[derive(Debug, Serialize, JsonSchema)]
struct Promoted {
    /// The rule as it decides now.
    #[serde(flatten)]
    rule: RuleRow,
    /// What it would have done to the calls decided since it was put in shadow mode, or last changed, by what was
    /// recorded of it then.
    would_have: BackTest,
}

async fn promote(call: Call) -> Outcome {
    let input: Promote = call.json()?;
    no_others(&input.others)?;
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let looked = id.clone();
    let read = call.app.engine.read(cx, "rule.get", move |tx, cx| {
        let stored = rulebook::get(tx, cx.tenant(), &looked)?;
        rulebook::promotable(&stored.value, input.revision, cx.now)?;
        Ok::<_, DecideError>(stored)
    });
    let stored = read.await.map_err(failed)?;
    let revision = stored.value.revision;
    let scope = backtest::Scope { since: Some(stored.updated_at), ..backtest::Scope::default() };
    let mut run = Some(Run::recorded(Arc::new(CompiledRule::compile(stored.value)), scope));
    while step(&call, &mut run).await? {}
    let would_have = run.map(|run| run.result()).unwrap_or_default();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    // Only the revision that the report is about is turned on: a change or deletion meanwhile wins.
    let promoted = call.app.engine.write(cx, "rule.promote", move |tx, cx| {
        let tools = audit::known_tools(tx, cx.tenant())?;
        Ok::<_, DecideError>((rulebook::promote(tx, cx, &id, revision)?, tools))
    });
    let (stored, tools) = promoted.await.map_err(failed)?;
    let rule = RuleRow::explained(&call, stored, &tools).await?;
    Reply::json(&Promoted { rule, would_have })
}

async fn delete(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let deleted =
        call.app.engine.write(cx, "rule.delete", move |tx, cx| Ok::<_, DecideError>(rulebook::delete(tx, cx, &id)?));
    let rule = deleted.await.map_err(failed)?;
    Reply::json(&Deleted { deleted: true, id: rule.id.to_string() })
}
