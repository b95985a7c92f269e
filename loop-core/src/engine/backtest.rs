//! What a rule would have done to the calls of the past.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    audit::{self, AuditEntry, Filter, Status},
    base::{TenantId, Time, json::Doc},
    policy::{CompiledRule, Outcome, StoredCall, Would, facts::Facts, settings, stored_class, zone},
    store::Tx,
    tool::Risk,
};

use super::DecideError;

/// How many calls are judged per transaction.
pub const CHUNK: u32 = 1_000;
/// How many changed decisions are shown.
const SAMPLES: usize = 10;

/// What a rule would have done.
#[derive(Debug, Clone, Default, serde::Serialize, schemars::JsonSchema)]
pub struct BackTest {
    /// Calls judged.
    pub scanned: u64,
    /// Calls it would have refused.
    pub would_block: u64,
    /// Calls it would have asked about.
    pub would_ask: u64,
    /// Decisions that it would have made stricter.
    pub changed: u64,
    /// Calls that cannot be judged, because what the rule reads was not stored or was erased.
    pub undecidable: u64,
    /// The latest decisions that it would have changed.
    pub samples: Vec<Sample>,
}

/// A decision that a rule would have changed.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Sample {
    /// The entry in the log.
    pub id: String,
    /// When it was decided.
    pub created_at: Time,
    /// The tool.
    pub tool_name: String,
    /// What was decided.
    pub was: String,
    /// What the rule would have made of it.
    pub would: &'static str,
}

/// What is read of an entry's body.
#[derive(Deserialize)]
struct Body {
    arguments: Box<RawValue>,
    facts: Facts,
}

/// Judges the next chunk of decisions, newest first, below entry number `below`. Answers where to go on; `None`
/// when nothing is left.
///
/// # Errors
/// Storage failures.
pub fn step(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    rule: &CompiledRule,
    since: Option<Time>,
    below: Option<u64>,
    result: &mut BackTest,
) -> Result<Option<u64>, DecideError> {
    let filter = Filter { since, below, ..Filter::default() };
    let entries = audit::page(tx, tenant, audit::DECISIONS, &filter, CHUNK, 0)?;
    let zone = zone(&settings::get(tx, tenant)?.timezone);
    let next = entries.last().filter(|_| entries.len() == CHUNK as usize).map(|entry| entry.seq);
    for entry in entries {
        judge(rule, zone.as_ref(), entry, result);
    }
    Ok(next)
}

fn judge(rule: &CompiledRule, zone: Option<&jiff::tz::TimeZone>, entry: AuditEntry, result: &mut BackTest) {
    result.scanned += 1;
    let read = || {
        let body: Body = serde_json::from_str(entry.body.as_deref()?).ok()?;
        let tool = entry.tool_name.as_deref()?;
        let risk = risk(entry.risk.as_deref()?)?;
        let arguments = Doc::parse(body.arguments.get().as_bytes()).ok()?;
        let class = stored_class(tool, &body.facts);
        let call = StoredCall {
            tool,
            class: &class,
            agent: entry.agent_name.as_deref(),
            risk,
            at: entry.at,
            facts: &body.facts,
            arguments: arguments.root(),
        };
        Some(rule.would(&call, zone))
    };
    let (would, strictest) = match read() {
        Some(Would::NoMatch) => return,
        None | Some(Would::Undecidable) => {
            result.undecidable += 1;
            return;
        }
        Some(Would::Match) if rule.outcome() == Outcome::Deny => {
            result.would_block += 1;
            ("BLOCKED", Status::Blocked)
        }
        Some(Would::Match) => {
            result.would_ask += 1;
            ("PENDING", Status::Pending)
        }
    };
    let was = entry.status.as_deref().unwrap_or_default();
    let already = was == Status::Blocked.as_str() || was == strictest.as_str();
    if !already {
        result.changed += 1;
        if result.samples.len() < SAMPLES {
            let sample = Sample {
                id: entry.id(),
                created_at: entry.at,
                tool_name: entry.tool_name.clone().unwrap_or_default(),
                was: was.to_owned(),
                would,
            };
            result.samples.push(sample);
        }
    }
}

fn risk(label: &str) -> Option<Risk> {
    Some(match label {
        "LOW" => Risk::Low,
        "MEDIUM" => Risk::Medium,
        "HIGH" => Risk::High,
        "CRITICAL" => Risk::Critical,
        _ => return None,
    })
}
