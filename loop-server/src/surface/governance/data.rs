//! `/api/dsar/export` and `/api/data`: what is held of people, and forgetting it.

use http::{HeaderValue, Method, header};
use loop_core::{
    access::{Scope, key, tenant},
    approval::{self, ApprovalError},
    audit,
    base::Time,
    engine::{self, DecideError},
    outbox::targets::{self, Targets},
    policy::{kill_switch, rulebook, settings},
    tool::redact,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

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
        summary: "Erase one person's data, or all that was recorded; rules, blocked tools and keys stay",
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
#[derive(Debug, Serialize, JsonSchema)]
struct Erased {
    /// Entries of the log whose content is gone; the chain of hashes still verifies.
    log_entries: u64,
    /// Approvals whose content is gone.
    approvals: u64,
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
            let tags = engine::subject_tags(call.app.engine.master(), &caller.tenant, &known);
            let mut erased = Erased { log_entries: 0, approvals: 0 };
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
            let entries = audit::erase_entries(tx, cx, &found.decisions, "subject")?;
            let approvals = approval::erase(tx, cx, &found.others)?;
            Ok::<_, DecideError>((entries, approvals, last))
        });
        let (entries, approvals, last) = step.await.map_err(failed)?;
        erased.log_entries += entries;
        erased.approvals += approvals;
        match last {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}

async fn erase_all(call: &Call) -> Result<Erased, Failure> {
    let mut erased = Erased { log_entries: 0, approvals: 0 };
    let mut above = 0;
    loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        let step = call.app.engine.write(cx, "data.erase", move |tx, cx| {
            let seqs = audit::decisions_above(tx, cx.tenant(), above, CHUNK)?;
            let entries = audit::erase_entries(tx, cx, &seqs, "tenant")?;
            Ok::<_, DecideError>((entries, seqs.last().copied()))
        });
        let (entries, last) = step.await.map_err(failed)?;
        erased.log_entries += entries;
        match last {
            Some(last) => above = last,
            None => break,
        }
    }
    loop {
        let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
        let step = call
            .app
            .engine
            .write(cx, "data.erase", |tx, cx| Ok::<_, DecideError>(approval::erase_chunk(tx, cx, CHUNK)?));
        let gone = step.await.map_err(failed)?;
        erased.approvals += gone;
        if gone == 0 {
            return Ok(erased);
        }
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
}

async fn write(call: &Call, head: Value, sender: Sender) -> Result<(), Gone> {
    let head = head.to_string();
    sender.send(head.strip_suffix('}').unwrap_or(&head).to_owned()).await?;
    for (name, which) in [
        ("rules", List::Rules),
        ("approvals", List::Approvals),
        ("decisions", List::Decisions),
        ("changes", List::Changes),
    ] {
        sender.send(format!(",\"{name}\":[")).await?;
        let mut offset = 0;
        let mut below = None;
        loop {
            let (rows, last) = rows(call, which, offset, below).await.map_err(|_| Gone)?;
            let mut text = String::new();
            for row in &rows {
                if offset > 0 {
                    text.push(',');
                }
                text.push_str(row);
                offset += 1;
            }
            sender.send(text).await?;
            below = last;
            if rows.len() < CHUNK as usize {
                break;
            }
        }
        sender.send("]").await?;
    }
    sender.send("}").await?;
    sender.finish().await
}

async fn rows(
    call: &Call,
    which: List,
    offset: u32,
    below: Option<u64>,
) -> Result<(Vec<String>, Option<u64>), Failure> {
    let cx = call.app.engine.context(call.caller()?.clone()).map_err(no_entropy)?;
    let now = cx.now;
    let read = call.app.engine.read(cx, "data.export", move |tx, cx| {
        let tenant = cx.tenant();
        let filter = audit::Filter { below, ..audit::Filter::default() };
        Ok::<_, DecideError>(match which {
            List::Rules => {
                let rules = rulebook::page(tx, tenant, CHUNK, offset)?;
                (rules.iter().map(|rule| json!(rule.value).to_string()).collect::<Vec<_>>(), None)
            }
            List::Approvals => {
                let approvals = approval::all(tx, tenant, CHUNK, offset)?;
                (approvals.into_iter().map(|approval| text(&ApprovalRow::of(approval, now))).collect(), None)
            }
            List::Decisions => {
                let entries = audit::page(tx, tenant, audit::DECISIONS, &filter, CHUNK, 0)?;
                let last = entries.last().map(|entry| entry.seq);
                (entries.into_iter().map(|entry| text(&LogRow::from(entry))).collect(), last)
            }
            List::Changes => {
                let entries = audit::page(tx, tenant, audit::CHANGES, &filter, CHUNK, 0)?;
                let last = entries.last().map(|entry| entry.seq);
                (entries.into_iter().map(|entry| text(&EntryRow::from(entry))).collect(), last)
            }
        })
    });
    read.await.map_err(failed)
}

fn text(row: &impl Serialize) -> String {
    serde_json::to_string(row).unwrap_or_else(|_| "null".to_owned())
}
