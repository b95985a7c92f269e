//! `/api/dsar/export` and `/api/data`: what is held of people, and forgetting it.

use std::collections::BTreeMap;

use http::{HeaderValue, Method, header};
use loop_core::{
    access::{Ctx, Scope, key, loops, tenant},
    approval::{self, ApprovalError},
    audit,
    base::{Time, json::Doc},
    engine::DecideError,
    invoke, message,
    outbox::targets::{self, Targets},
    policy::{kill_switch, rulebook, settings},
    proof,
    store::{RecordQuery, Table, Tx, Value as StoreValue},
    task::{self, contract, tasks, transaction},
    tool::redact,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use super::{approvals::ApprovalRow, audit::EntryRow, intercept::no_entropy, logs::LogRow};
use crate::{
    http::{
        Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Param, Reply, Row, schema_of,
        stream::{Gone, Sender},
        table::Outcome,
    },
    surface::Surface,
};

/// How many rows are read at a time.
const CHUNK: u32 = 500;
/// As [`CHUNK`], for kept completions, which may be long.
const KEPT_CHUNK: u32 = 50;
/// Why one person's data goes, in the log.
const PERSON: &str = "subject";
/// Why all data goes, in the log.
const ALL: &str = "tenant";

const SUBJECT: Param = Param {
    name: "subject",
    kind: "string",
    about: "one person, by an e-mail address, phone, card or account number that calls held",
};
const CONFIRM: Param = Param { name: "confirm", kind: "string", about: "the tenant's id, to erase all of its data" };

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::GET,
        path: "/api/dsar/export",
        operation: "data.export",
        surface: Surface::Governance,
        access: Access::Scope(Scope::DataErase),
        summary: "Everything held, as JSON; personal data in calls is masked, as it is at rest, and no secret is told",
        query: &[],
        input: None,
        output: Output::Media("application/json"),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(export(call))),
        example: Some(Example { before: &["decision.intercept"], id: "", path: "/api/dsar/export", body: "" }),
    },
    Row {
        method: Method::DELETE,
        path: "/api/data",
        operation: "data.erase",
        surface: Surface::Governance,
        access: Access::Scope(Scope::DataErase),
        summary: "Erase one person's data, or all that was recorded; rules, blocked tools, loops, deals and keys stay",
        query: &[SUBJECT, CONFIRM],
        input: None,
        output: Output::Json(schema_of::<Erased>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(erase(call))),
        example: Some(Example { before: &[], id: "", path: "/api/data?subject=jane@example.com", body: "" }),
    },
];

/// What was erased.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Erased {
    /// Entries of the log whose content is gone; the chain of hashes still verifies.
    log_entries: u64,
    /// Approvals whose content is gone.
    approvals: u64,
    /// Proofs whose evidence is gone; their levels and the chain of their hashes stay.
    proofs: u64,
    /// Messages between loops whose content is gone.
    messages: u64,
    /// Tasks whose title, plan and names are gone.
    tasks: u64,
    /// Calls of tools that are gone altogether; only when everything is erased, because they name no person.
    invocations: u64,
}

fn failed(error: DecideError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn erase(call: Call) -> Outcome {
    let caller = call.caller()?;
    let erased = match (call.query("subject"), call.query("confirm")) {
        (Some(subject), None) if !subject.is_empty() => {
            let known = redact::text(&subject).subjects;
            if known.is_empty() {
                return Err(Failure::invalid("`subject` is none of the personal data that is recognised in calls"));
            }
            let tags = audit::subject_tags(call.app.engine.master(), &caller.tenant, &known);
            let mut erased = Erased::default();
            erase_kept(&call, PERSON).await?;
            for tag in tags {
                erase_tag(&call, tag, &mut erased).await?;
            }
            erased
        }
        (None, Some(confirm)) if confirm == caller.tenant.as_str() => erase_all(&call).await?,
        (None, Some(_)) => return Err(Failure::invalid("`confirm` is not this tenant's id")),
        _ => return Err(Failure::invalid("name a `subject`, or `confirm` with the tenant's id to erase everything")),
    };
    Reply::json(&erased)
}

async fn erase_tag(call: &Call, tag: String, erased: &mut Erased) -> Result<(), Failure> {
    let mut after: Option<(Time, String)> = None;
    loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        let tag = tag.clone();
        let from = after.clone();
        let step = call.app.engine.write(cx, "data.erase", move |tx, cx| {
            let after = from.as_ref().map(|(at, id)| (*at, id.as_str()));
            let (found, last) = audit::subject_entries(tx, cx.tenant(), &tag, after)?;
            let step = Erased {
                log_entries: audit::erase_entries(tx, cx, &found.decisions, PERSON)?,
                approvals: approval::erase(tx, cx, &found.others)?,
                proofs: proof::erase(tx, cx, &found.others, PERSON)?,
                messages: message::erase(tx, cx, &found.others, PERSON)?,
                tasks: task::erase::erase(tx, cx, &found.others, PERSON)?,
                invocations: 0,
            };
            Ok::<_, DecideError>((step, last))
        });
        let (step, last) = step.await.map_err(failed)?;
        erased.add(&step);
        match last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

/// Forgets what one room keeps of a person.
type Forget = fn(&mut dyn Tx, &Ctx) -> Result<Erased, DecideError>;

/// One thing after the other that is erased with everything.
const KINDS: [Forget; 5] = [
    |tx, cx| Ok(Erased { approvals: approval::erase_chunk(tx, cx, CHUNK)?, ..Erased::default() }),
    |tx, cx| Ok(Erased { messages: message::erase_chunk(tx, cx, CHUNK, ALL)?, ..Erased::default() }),
    |tx, cx| Ok(Erased { tasks: task::erase::erase_chunk(tx, cx, CHUNK, ALL)?, ..Erased::default() }),
    |tx, cx| Ok(Erased { proofs: proof::erase_chunk(tx, cx, CHUNK, ALL)?, ..Erased::default() }),
    |tx, cx| Ok(Erased { invocations: invoke::erase::erase_chunk(tx, cx, CHUNK, ALL)?, ..Erased::default() }),
];

/// Removes everything that is kept of language models' answers: nobody can tell of whom a sealed one speaks.
async fn erase_kept(call: &Call, why: &'static str) -> Result<(), Failure> {
    while call.app.engine.erase_kept(call.caller()?, KEPT_CHUNK, why).await.map_err(failed)? > 0 {}
    Ok(())
}

async fn erase_all(call: &Call) -> Result<Erased, Failure> {
    let mut erased = Erased::default();
    erase_kept(call, ALL).await?;
    let mut above = 0;
    loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        let step = call.app.engine.write(cx, "data.erase", move |tx, cx| {
            let seqs = audit::decisions_above(tx, cx.tenant(), above, CHUNK)?;
            let entries = audit::erase_entries(tx, cx, &seqs, ALL)?;
            Ok::<_, DecideError>((entries, seqs.last().copied()))
        });
        let (entries, last) = step.await.map_err(failed)?;
        erased.log_entries += entries;
        match last {
            Some(last) => above = last,
            None => break,
        }
    }
    for kind in KINDS {
        loop {
            let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
            let step = call.app.engine.write(cx, "data.erase", move |tx, cx| kind(tx, cx)).await.map_err(failed)?;
            if step.total() == 0 {
                break;
            }
            erased.add(&step);
        }
    }
    Ok(erased)
}

impl Erased {
    const fn add(&mut self, other: &Self) {
        self.log_entries += other.log_entries;
        self.approvals += other.approvals;
        self.proofs += other.proofs;
        self.messages += other.messages;
        self.tasks += other.tasks;
        self.invocations += other.invocations;
    }

    const fn total(&self) -> u64 {
        self.log_entries + self.approvals + self.proofs + self.messages + self.tasks + self.invocations
    }
}

async fn export(call: Call) -> Outcome {
    let head = held(&call).await?;
    let (sender, reply) = Reply::stream("application/json");
    tokio::spawn(async move {
        // A reader that went away needs no more; a store that failed cuts the answer short.
        let _ = write(&call, head, sender).await;
    });
    Ok(reply
        .with_header(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"loop-data.json\"")))
}

/// Everything that is small.
async fn held(call: &Call) -> Result<Value, Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let read = call.app.engine.read(cx, "data.export", |tx, cx| {
        let keys: Vec<Value> = key::list(tx, cx.tenant())?
            .into_iter()
            .map(|key| json!({ "id": key.value.id, "name": key.value.name, "prefix": key.value.prefix, "scopes": key.value.scopes,
                               "created_at": key.created_at, "revoked_at": key.value.revoked_at }))
            .collect();
        let owner = tenant::get(tx, cx.tenant())?.map(|stored| {
            json!({ "email": stored.value.email, "name": stored.value.name, "company": stored.value.company,
                    "created_at": stored.created_at })
        });
        let targets = targets::get(tx, cx.tenant()).map_err(ApprovalError::from)?;
        Ok::<_, DecideError>(json!({
            "tenant_id": cx.tenant(),
            "exported_at": cx.now,
            "tenant": owner,
            "notification_settings": told(&targets),
            "settings": settings::get(tx, cx.tenant())?,
            "retention": audit::retention::get(tx, cx.tenant())?,
            "blocked_tools": kill_switch::list(tx, cx.tenant())?,
            "keys": keys,
        }))
    });
    read.await.map_err(failed)
}

/// Where notices go. Whoever has a webhook's URL can post to it, and this scope is not the one to read them with.
fn told(targets: &Targets) -> Value {
    let secret = |sealed: &Option<String>| sealed.as_ref().map(|_| "[REDACTED]");
    json!({
        "notify_email": targets.notify_email,
        "slack_webhook_url": secret(&targets.slack),
        "teams_webhook_url": secret(&targets.teams),
        "discord_webhook_url": secret(&targets.discord),
    })
}

/// Which long list is read next.
#[derive(Debug, Clone, Copy)]
enum List {
    Rules,
    Approvals,
    Decisions,
    Changes,
    /// Records, as `told` shows them.
    Records(&'static Table, fn(String) -> String),
}

const LISTS: [(&str, List); 11] = [
    ("rules", List::Rules),
    ("approvals", List::Approvals),
    ("decisions", List::Decisions),
    ("changes", List::Changes),
    ("loops", List::Records(&loops::LOOPS, |body| body)),
    ("tasks", List::Records(&tasks::TASKS, |body| shown(&body, &[], &["title", "plan", "jobs"]))),
    ("messages", List::Records(&message::MESSAGES, |body| shown(&body, &["digest", "salt"], &["content"]))),
    ("contracts", List::Records(&contract::CONTRACTS, |body| body)),
    ("transactions", List::Records(&transaction::TRANSACTIONS, |body| body)),
    ("invocations", List::Records(&invoke::INVOCATIONS, |body| body)),
    ("proofs", List::Records(&proof::PROOFS, |body| shown(&body, &["salt"], &[]))),
];

/// Where the page before ended.
#[derive(Debug, Clone, Default)]
enum Last {
    #[default]
    None,
    Count(u32),
    Seq(u64),
    Id(String),
}

async fn write(call: &Call, head: Value, sender: Sender) -> Result<(), Gone> {
    let head = head.to_string();
    sender.send(head.strip_suffix('}').unwrap_or(&head).to_owned()).await?;
    for (name, which) in LISTS {
        sender.send(format!(",\"{name}\":[")).await?;
        let mut last = Last::default();
        let mut first = true;
        loop {
            let (rows, end) = rows(call, which, last).await.map_err(|_| Gone)?;
            let mut text = String::new();
            for row in &rows {
                if !std::mem::take(&mut first) {
                    text.push(',');
                }
                text.push_str(row);
            }
            sender.send(text).await?;
            last = end;
            if rows.len() < CHUNK as usize {
                break;
            }
        }
        sender.send("]").await?;
    }
    sender.send("}").await?;
    sender.finish().await
}

async fn rows(call: &Call, which: List, last: Last) -> Result<(Vec<String>, Last), Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let now = cx.now;
    let read = call.app.engine.read(cx, "data.export", move |tx, cx| {
        let tenant = cx.tenant();
        let offset = if let Last::Count(count) = last { count } else { 0 };
        let counted = |rows: &[String]| Last::Count(offset.saturating_add(u32::try_from(rows.len()).unwrap_or(CHUNK)));
        let below = if let Last::Seq(seq) = last { Some(seq) } else { None };
        let filter = audit::Filter { below, ..audit::Filter::default() };
        Ok::<_, DecideError>(match which {
            List::Rules => {
                let rules = rulebook::page(tx, tenant, CHUNK, offset)?;
                let rows: Vec<String> = rules.iter().map(|rule| json!(rule.value).to_string()).collect();
                let last = counted(&rows);
                (rows, last)
            }
            List::Approvals => {
                let approvals = approval::all(tx, tenant, CHUNK, offset)?;
                let rows = approvals.into_iter().map(|approval| text(&ApprovalRow::of(approval, now)));
                let rows: Vec<String> = rows.collect();
                let last = counted(&rows);
                (rows, last)
            }
            List::Decisions => {
                let entries = audit::page(tx, tenant, audit::DECISIONS, &filter, CHUNK, 0)?;
                let last = entries.last().map_or(Last::None, |entry| Last::Seq(entry.seq));
                (entries.into_iter().map(|entry| text(&LogRow::from(entry))).collect(), last)
            }
            List::Changes => {
                let entries = audit::page(tx, tenant, audit::CHANGES, &filter, CHUNK, 0)?;
                let last = entries.last().map_or(Last::None, |entry| Last::Seq(entry.seq));
                (entries.into_iter().map(|entry| text(&EntryRow::from(entry))).collect(), last)
            }
            List::Records(table, told) => {
                let after = if let Last::Id(id) = &last { Some((StoreValue::Null, id.clone())) } else { None };
                let page = tx.list(table, tenant, &RecordQuery { after, limit: CHUNK, ..RecordQuery::default() })?;
                let last = page.last().map_or(Last::None, |record| Last::Id(record.id.clone()));
                (page.into_iter().map(|record| told(record.body)).collect(), last)
            }
        })
    });
    read.await.map_err(failed)
}

/// A document with what is personal or secret in it masked.
fn masked(body: &str) -> String {
    Doc::parse(body.as_bytes()).map_or_else(|_| "null".to_owned(), |doc| redact::json(doc.root()).masked)
}

/// A record as it is exported: some members are nobody's business, what was said in others is masked.
fn shown(body: &str, hidden: &[&str], said: &[&str]) -> String {
    let Ok(mut all) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(body) else { return "null".to_owned() };
    hidden.iter().for_each(|name| drop(all.remove(*name)));
    for name in said {
        if let Some(value) = all.get_mut(*name) {
            *value = RawValue::from_string(masked(value.get())).unwrap_or_default();
        }
    }
    text(&all)
}

fn text(row: &impl Serialize) -> String {
    serde_json::to_string(row).unwrap_or_else(|_| "null".to_owned())
}
