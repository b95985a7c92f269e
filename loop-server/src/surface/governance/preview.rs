//! `POST /api/approval-rules/preview`: a rule explained and tried on the past, without saving it.

use http::Method;
use loop_core::{
    access::Scope,
    audit,
    base::Time,
    engine::{
        DecideError,
        backtest::{self, BackTest},
    },
    policy::{CompiledRule, Interpretation, RuleAction, interpret, rulebook},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intercept::no_entropy;
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The most calls of the past that one preview judges.
const MAX_SCANNED: u64 = 1_000_000;

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/approval-rules/preview",
    operation: "rule.preview",
    surface: Surface::Governance,
    access: Access::Scope(Scope::RulesRead),
    summary: "Explain a rule and say what it would have done to the calls in the log, without saving it",
    query: &[],
    input: Some(schema_of::<Input>),
    output: Output::Json(schema_of::<Preview>),
    success: &[200],
    body_limit: BODY_LIMIT,
    handler: Handler::Later(|call| Box::pin(preview(call))),
    example: Some(Example {
        before: &["decision.intercept"],
        id: "",
        path: "/api/approval-rules/preview",
        body: r#"{"rule_text":"Block all file deletions","action":"block"}"#,
    }),
}];

/// A rule to try.
#[derive(Debug, Deserialize, JsonSchema)]
struct Input {
    /// The sentence, 1 to 2000 characters.
    rule_text: String,
    /// `approve` (the default) or `block`.
    action: Option<RuleAction>,
    /// Only calls at or after this time.
    since: Option<Time>,
}

/// What the rule means and would have done.
#[derive(Debug, Serialize, JsonSchema)]
struct Preview {
    /// How the sentence was understood.
    interpretation: Interpretation,
    /// Words that could not be placed; empty when the sentence was fully understood.
    unresolved: Vec<String>,
    /// What it would have done.
    #[serde(flatten)]
    result: BackTest,
    /// Whether older calls were left out because there are more than a preview judges.
    truncated: bool,
}

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn preview(call: Call) -> Outcome {
    let input: Input = call.json()?;
    let action = input.action.unwrap_or(RuleAction::Approve);
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let draft = rulebook::draft(&cx, &input.rule_text, action).map_err(|error| Failure::of(error.code(), &error))?;
    let mut rule = CompiledRule::compile(draft);
    let read =
        call.app.engine.read(cx, "rule.preview", |tx, cx| Ok::<_, DecideError>(audit::known_tools(tx, cx.tenant())?));
    let tools = read.await.map_err(failed)?;
    let known: Vec<&str> = tools.iter().map(String::as_str).collect();
    let interpretation = interpret(&rule, &known);
    let mut result = BackTest::default();
    let mut below = None;
    let truncated = loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        // A chunk per transaction: a long back-test pins no snapshot and keeps nobody waiting.
        let mut state = Some((rule, result));
        let step = call.app.engine.read(cx, "rule.backtest", move |tx, cx| {
            let Some((rule, mut result)) = state.take() else { return Err(DecideError::Moved) };
            let next = backtest::step(tx, cx.tenant(), &rule, input.since, below, &mut result)?;
            Ok::<_, DecideError>((next, rule, result))
        });
        let next;
        (next, rule, result) = step.await.map_err(failed)?;
        match next {
            None => break false,
            Some(_) if result.scanned >= MAX_SCANNED => break true,
            next => below = next,
        }
    };
    Reply::json(&Preview { unresolved: interpretation.unresolved.clone(), interpretation, result, truncated })
}
