//! `POST /api/approval-rules/preview`: a rule explained and tried on the past, without saving it.

use std::sync::Arc;

use http::Method;
use loop_core::{
    access, audit,
    base::Time,
    engine::{
        DecideError,
        backtest::{BackTest, DEFAULT_CALLS, MAX_CALLS, Progress, Run, Scope},
    },
    policy::{CompiledRule, PolicyError, RuleAction, condition::Condition, rulebook},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    intercept::no_entropy,
    rules::{Explained, Others, no_others, policy, written},
};
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

pub(super) static ROWS: &[Row] = &[Row {
    method: Method::POST,
    path: "/api/approval-rules/preview",
    operation: "rule.preview",
    surface: Surface::Governance,
    access: Access::Scope(access::Scope::RulesRead),
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
    rule_text: Option<String>,
    /// The condition, instead of the sentence.
    condition: Option<Box<Condition>>,
    /// `approve` (the default) or `block`.
    action: Option<RuleAction>,
    /// Whom it would ask instead of the tenant's default.
    approver_email: Option<String>,
    /// Only calls at or after this time.
    since: Option<Time>,
    /// At most so many calls, the newest; 1,000,000 when absent.
    calls: Option<u64>,
    /// `true` answers lines of JSON as the work goes on: `{"progress":{"scanned":…,"left":…}}` after every 10,000
    /// calls, and at last the answer itself.
    progress: Option<bool>,
    #[serde(flatten)]
    #[schemars(skip)]
    others: Others,
}

/// What the rule means and would have done.
#[derive(Debug, Serialize, JsonSchema)]
struct Preview {
    /// How the sentence was understood.
    interpretation: Explained,
    /// Words that could not be placed; empty when the sentence was fully understood.
    unresolved: Vec<String>,
    /// What it would have done.
    #[serde(flatten)]
    result: BackTest,
}

/// A line that says how far a back-test came.
#[derive(Serialize)]
struct Line {
    progress: Progress,
}

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn preview(call: Call) -> Outcome {
    let input: Input = call.json()?;
    no_others(&input.others)?;
    let action = input.action.unwrap_or(RuleAction::Approve);
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let refused = |error: PolicyError| Failure::of(error.code(), &error);
    let (text, form) = written(input.rule_text, input.condition, action)?;
    let draft = rulebook::draft(&cx, &text, action, input.approver_email, form).map_err(refused)?;
    let rule = Arc::new(CompiledRule::compile(draft));
    let read =
        call.app.engine.read(cx, "rule.preview", |tx, cx| Ok::<_, DecideError>(audit::known_tools(tx, cx.tenant())?));
    let tools = read.await.map_err(failed)?;
    let policy = policy(&call).await?;
    let interpretation = Explained::of(&rule, &tools, &policy, call.app.engine.now());
    let scope = Scope { since: input.since, calls: input.calls.unwrap_or(DEFAULT_CALLS).min(MAX_CALLS) };
    let mut run = Some(Run::new(vec![rule], scope).map_err(refused)?);
    let told = move |run: Run| {
        let mut result = run.result();
        result.rules = Vec::new();
        let mut explained = interpretation;
        warn(&result, &mut explained.interpretation.warnings);
        Preview { unresolved: explained.interpretation.unresolved.clone(), interpretation: explained, result }
    };
    if !input.progress.unwrap_or(false) {
        while step(&call, &mut run).await? {}
        return Reply::json(&told(run.take().ok_or_else(lost)?));
    }
    // The first step is made before the head is sent, so that a refusal still has its status.
    let mut more = step(&call, &mut run).await?;
    let (sender, reply) = Reply::stream("application/x-ndjson");
    tokio::spawn(async move {
        while more {
            let Some(progress) = run.as_ref().map(Run::progress) else { return };
            let line = line(&Line { progress });
            // A reader that went away needs no answer, and a store that failed cuts it short.
            if sender.send(line).await.is_err() {
                return;
            }
            match step(&call, &mut run).await {
                Ok(next) => more = next,
                Err(_) => return,
            }
        }
        if let Some(run) = run.take()
            && sender.send(line(&told(run))).await.is_ok()
        {
            let _ = sender.finish().await;
        }
    });
    Ok(reply)
}

/// From how many calls on the log tells whether a rule stops everything or nothing.
const TELLING: u64 = 20;

/// Says so when a rule would have stopped nearly every call of the log, or none.
fn warn(result: &BackTest, warnings: &mut Vec<String>) {
    let stopped = result.would_block.saturating_add(result.would_ask);
    let scanned = result.scanned;
    if scanned < TELLING {
        return;
    }
    if stopped.saturating_mul(20) >= scanned.saturating_mul(19) {
        warnings.push(format!("it would have stopped {stopped} of the {scanned} calls in the log"));
    } else if stopped == 0 && result.undecidable == 0 {
        warnings.push(format!("it would have stopped none of the {scanned} calls in the log"));
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Judges the next calls, in a transaction of its own: a long back-test pins no snapshot and keeps nobody waiting.
pub(super) async fn step(call: &Call, run: &mut Option<Run>) -> Result<bool, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let mut state = run.take();
    let step = call.app.engine.read(cx, "rule.backtest", move |tx, cx| {
        let mut run = state.take().ok_or(DecideError::Moved)?;
        let more = run.step(tx, cx.tenant())?;
        Ok::<_, DecideError>((more, run))
    });
    let (more, after) = step.await.map_err(failed)?;
    *run = Some(after);
    Ok(more)
}

fn lost() -> Failure {
    failed(DecideError::Moved)
}
