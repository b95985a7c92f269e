//! `rules check`, `rules explain`, `rules backtest`, `rules export`, `rules import`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use loop_core::{
    audit,
    base::{
        Host as _, Seed, TenantId, Time,
        host::SystemHost,
        id::RuleId,
        json::{Doc, View},
    },
    engine::{
        DecideError, Engine,
        backtest::{BackTest, DEFAULT_CALLS, Run, Scope},
    },
    policy::{
        Action, CompiledRule, Form, Ground, Rule, RuleAction, RuleMode,
        document::Document,
        explain_alone,
        filed::{self, Keep, Wanted},
        interpret,
    },
    store::{StoreExt, Tx, wait},
};

use super::{
    args::RuleAct,
    keys::context,
    run::{CliError, Out},
};
use crate::policies::{self, Sources};

/// Checks files or folders and tells of every rule how it was understood.
pub(super) fn check(paths: &[PathBuf], strict: bool, out: &mut Out<'_>) -> Result<(), CliError> {
    let mut unclear = 0;
    for path in paths {
        for Wanted { file, entry } in Sources::read(path)?.wanted()? {
            let rule = compiled(draft(entry.text, entry.action.into(), None, entry.condition));
            let name = entry.name.unwrap_or_default();
            if rule.unresolved.is_empty() {
                writeln!(out, "{file}  {name}  ok  {}", shown(&interpret(&rule, &[]).summary))?;
            } else {
                unclear += 1;
                let words = rule.unresolved.join(", ");
                writeln!(out, "{file}  {name}  not understood: {}  {}", shown(&words), shown(&rule.rule.rule_text))?;
            }
        }
    }
    if strict && unclear > 0 { Err(CliError::Unclear(unclear)) } else { Ok(()) }
}

/// Explains a sentence, beside the tools that the log knows where there is one.
pub(super) fn explain(
    text: String,
    action: RuleAct,
    call: Option<&str>,
    log: Option<(&Engine, &TenantId)>,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let call = call.map(|text| Doc::parse(text.as_bytes()).map_err(|error| CliError::NoCall(error.to_string())));
    let call = call.transpose()?;
    let tools =
        match log {
            Some((engine, tenant)) => {
                let tenant = tenant.clone();
                wait(engine.store().read("rule.explain", move |tx: &mut dyn Tx| {
                    Ok::<_, DecideError>(audit::known_tools(tx, &tenant)?)
                }))?
            }
            None => Vec::new(),
        };
    let known: Vec<&str> = tools.iter().map(String::as_str).collect();
    let rule = compiled(draft(text, action, None, None));
    let told = interpret(&rule, &known);
    writeln!(out, "{}", shown(&told.summary))?;
    let list = |items: &[String]| if items.is_empty() { "-".to_owned() } else { shown(&items.join(", ")) };
    writeln!(out, "reads:          {}", list(&told.reads))?;
    writeln!(out, "covers:         {}", list(&told.covers))?;
    writeln!(out, "not understood: {}", list(&told.unresolved))?;
    for (name, call) in [("would match:   ", &told.example_match), ("would not:     ", &told.example_miss)] {
        if let Some(call) = call {
            writeln!(out, "{name} {}", shown(&call.to_string()))?;
            because(&why(&rule, Doc::from_value(call).root())?, out)?;
        }
    }
    if let Some(call) = call {
        let grounds = why(&rule, call.root())?;
        let does = if grounds.is_empty() { "would not match" } else { "would match" };
        writeln!(out, "this call:      {does}")?;
        because(&grounds, out)?;
    }
    for warning in &told.warnings {
        writeln!(out, "warning:        {}", shown(warning))?;
    }
    let condition = serde_json::to_string(&rule.condition).map_err(io::Error::from)?;
    writeln!(out, "condition:      {condition}")?;
    Ok(())
}

/// Why a rule matches a call; nothing when it does not.
fn why(rule: &CompiledRule, call: View<'_>) -> Result<Vec<Ground>, CliError> {
    let text = |name: &str| call.get(name).filter(|member| !member.is_null());
    let nothing = Doc::empty_object();
    let tool = text("tool_name").and_then(View::as_str).filter(|name| !name.is_empty());
    let tool = tool.ok_or_else(|| CliError::NoCall("`tool_name` is missing".to_owned()))?;
    let arguments = text("arguments").unwrap_or_else(|| nothing.root());
    if !arguments.is_object() {
        return Err(CliError::NoCall("`arguments` must be an object".to_owned()));
    }
    let agent = text("agent_name").and_then(View::as_str);
    let action = Action { tool, agent, arguments, forward: None, claimed_risk: None, stage: None };
    Ok(explain_alone(rule, &action, SystemHost.now()))
}

fn because(grounds: &[Ground], out: &mut Out<'_>) -> Result<(), CliError> {
    for ground in grounds {
        writeln!(out, "  because       {}", shown(&ground.to_string()))?;
    }
    Ok(())
}

/// Which rules a back-test tries, and on which calls.
pub(super) struct Asked {
    pub text: Option<String>,
    pub files: Vec<PathBuf>,
    pub action: RuleAct,
    pub since: Option<Time>,
    pub calls: Option<u64>,
    pub json: bool,
}

/// Tries a sentence, or the rules of files together, on the calls of the log.
pub(super) fn backtest(engine: &Engine, tenant: &TenantId, asked: Asked, out: &mut Out<'_>) -> Result<(), CliError> {
    let mut rules = Vec::new();
    if let Some(text) = asked.text {
        rules.push(Arc::new(compiled(draft(text, asked.action, None, None))));
    }
    for path in &asked.files {
        for Wanted { entry, .. } in Sources::read(path)?.wanted()? {
            let rule = draft(entry.text, entry.action.into(), entry.approver_email, entry.condition);
            rules.push(Arc::new(compiled(rule)));
        }
    }
    let scope = Scope { since: asked.since, calls: asked.calls.unwrap_or(DEFAULT_CALLS) };
    let mut run = Run::new(rules, scope).map_err(DecideError::from)?;
    let mut more = true;
    let mut told = 0;
    while more {
        let tenant = tenant.clone();
        let mut state = Some(run);
        (more, run) = wait(engine.store().read("rule.backtest", move |tx: &mut dyn Tx| {
            let mut run = state.take().ok_or(DecideError::Moved)?;
            Ok::<_, DecideError>((run.step(tx, &tenant)?, run))
        }))?;
        let progress = run.progress();
        if more && progress.scanned >= told + PROGRESS {
            told = progress.scanned;
            // Without standard error nobody waits for it.
            let _ = writeln!(io::stderr(), "{} calls judged, {} left", progress.scanned, progress.left);
        }
    }
    let found = run.result();
    if asked.json {
        serde_json::to_writer_pretty(&mut *out, &found).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    report(&found, out)
}

/// After how many calls progress is told.
const PROGRESS: u64 = 250_000;

fn report(found: &BackTest, out: &mut Out<'_>) -> Result<(), CliError> {
    let span = found.from.zip(found.to).map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
    let older = if found.truncated { "; older calls were left out" } else { "" };
    writeln!(out, "{} calls judged{span}{older}", found.scanned)?;
    writeln!(out, "would block     {} ({} that were not)", found.would_block, found.newly_blocked)?;
    writeln!(out, "would ask       {} ({} that nobody was asked about)", found.would_ask, found.newly_asked)?;
    writeln!(out, "not decidable   {}", found.undecidable)?;
    for one in &found.approvals {
        let who = one.approver_email.as_deref().unwrap_or("the default approver");
        let most = one.busiest.as_ref().map_or_else(String::new, |day| format!(", {} on {}", day.calls, day.day));
        writeln!(out, "asks {}   {} calls, {} a day{most}", shown(who), one.calls, one.per_day)?;
    }
    for rule in &found.rules {
        writeln!(out, "  {} matched, {} not decidable: {}", rule.matched, rule.undecidable, shown(&rule.rule_text))?;
    }
    for sample in &found.samples {
        let tool = shown(&sample.tool_name);
        writeln!(out, "  {}  {}  {tool}  {} -> {}", sample.id, sample.created_at, sample.was, sample.would)?;
    }
    Ok(())
}

/// Writes a tenant's rules as a document.
pub(super) fn export(
    engine: &Engine,
    tenant: &TenantId,
    form: policies::Form,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let tenant = tenant.clone();
    let rules = wait(
        engine.store().read("rule.export", move |tx: &mut dyn Tx| Ok::<_, DecideError>(filed::all(tx, &tenant)?)),
    )?;
    out.write_all(policies::write(&Document::of(rules), form)?.as_bytes())?;
    Ok(())
}

/// Why an import ended without a change.
enum Ended {
    /// It was only to be tried.
    Tried(filed::Applied),
    Refused(DecideError),
}

impl From<loop_core::store::StoreError> for Ended {
    fn from(error: loop_core::store::StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Brings the rules of a file or folder in: all of them or none.
pub(super) fn import(
    engine: &Engine,
    tenant: &TenantId,
    path: &Path,
    replace: bool,
    dry_run: bool,
    out: &mut Out<'_>,
) -> Result<(), CliError> {
    let wanted = Sources::read(path)?.wanted()?;
    let keep = if replace { Keep::Nothing } else { Keep::Others };
    let cx = context(engine, tenant)?;
    let imported = engine.write_as_system(tenant, "rule.import", loop_core::store::Lane::Normal, move |tx| {
        let applied = filed::apply(tx, &cx, &wanted, keep).map_err(|error| Ended::Refused(error.into()))?;
        if dry_run { Err(Ended::Tried(applied)) } else { Ok(applied) }
    });
    let (applied, would) = match wait(imported) {
        Ok(applied) => (applied, ""),
        Err(Ended::Tried(applied)) => (applied, "would be "),
        Err(Ended::Refused(error)) => return Err(error.into()),
    };
    let filed::Applied { created, changed, deleted, same } = applied;
    writeln!(out, "{would}created {created}, changed {changed}, deleted {deleted}; {same} were so already")?;
    Ok(())
}

fn compiled(rule: Rule) -> CompiledRule {
    CompiledRule::compile(rule)
}

/// A rule that is only judged, never stored.
fn draft(
    rule_text: String,
    action: RuleAct,
    approver_email: Option<String>,
    condition: Option<Box<loop_core::policy::condition::Condition>>,
) -> Rule {
    Rule {
        id: RuleId::draw(Time::EPOCH, &mut Seed::new([0; 32])),
        rule_text,
        action: action.into(),
        approver_email,
        mode: RuleMode::Enforce,
        expires_at: None,
        revision: 0,
        epoch: 0,
        form: Form { condition, ..Form::default() },
        deleted_at: None,
    }
}

impl From<RuleAct> for RuleAction {
    fn from(act: RuleAct) -> Self {
        match act {
            RuleAct::Approve => Self::Approve,
            RuleAct::Block => Self::Block,
        }
    }
}

impl From<RuleAction> for RuleAct {
    fn from(action: RuleAction) -> Self {
        match action {
            RuleAction::Approve => Self::Approve,
            RuleAction::Block => Self::Block,
        }
    }
}

/// Text without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}
