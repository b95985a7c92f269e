//! The status of each problem of a window, and the signals that they make: one for each problem, and one more whenever it
//! comes back after its issue was done.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::{
    DiagnosisError, Findings,
    cluster::{Cluster, word},
    packet::plain,
    state::{self, State, Status},
};
use crate::{
    access::Ctx,
    base::{Time, id::IssueId, secret::hex},
    signal::{NewSignal, record},
    store::{Repo, Stored, Tx},
    telemetry::{prepare::KEPT, record::record_id},
    work::{IssueStatus, WorkError, issue},
};

/// Where signals of a diagnosis say that they come from.
pub const SOURCE: &str = "telemetry";
/// The most records and traces that a signal cites.
const CITED_MAX: usize = 20;
/// How many old states are looked at for forgetting.
const FORGET: u32 = 20;

/// What a diagnosis may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Nothing.
    Look,
    /// What is remembered of problems.
    Remember,
    /// That, and signals are made.
    Signal,
}

/// A problem and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub status: Status,
    /// Its issue.
    pub issue_id: Option<IssueId>,
}

/// A problem that is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// What is remembered of it.
    pub state: State,
    /// When it was found mended.
    pub at: Time,
}

/// Where the problems stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Those of the window, in the order of [`Findings::told`].
    pub standings: Vec<Standing>,
    /// Those that do not occur in it and are mended.
    pub verified: Vec<Mended>,
    /// How many signals were made.
    pub signals: u64,
}

/// How the issue of a problem stands.
enum Work {
    /// There is none, or it was deleted.
    None,
    /// It is to be done, or was given up.
    Going,
    /// Done, at this time.
    Done(Time),
}

/// Finds out where the problems of a window stand. With [`Means::Signal`] new ones and those that came back make a signal in
/// the caller's tenant.
///
/// # Errors
/// Storage failures.
pub fn settle(
    tx: &mut dyn Tx,
    cx: &Ctx,
    project: &str,
    findings: &Findings,
    means: Means,
) -> Result<Settled, DiagnosisError> {
    let mut settled = Settled::default();
    if means != Means::Look {
        state::forget(tx, cx.tenant(), project, cx.now.plus_seconds(-KEPT), FORGET)?;
    }
    for cluster in findings.told() {
        let old = state::get(tx, cx.tenant(), project, &cluster.cause.id())?;
        let (standing, signalled) = one(tx, cx, project, cluster, old, means)?;
        settled.standings.push(standing);
        settled.signals += u64::from(signalled);
    }
    if !findings.truncated {
        let occurring: BTreeSet<String> = findings.clusters.iter().map(|cluster| cluster.cause.id()).collect();
        for old in state::watched(tx, cx.tenant(), project)? {
            if !occurring.contains(&old.value.cluster_id) {
                settled.verified.extend(absent(tx, cx, findings, old, means)?);
            }
        }
    }
    Ok(settled)
}

/// A problem that occurs.
fn one(
    tx: &mut dyn Tx,
    cx: &Ctx,
    project: &str,
    cluster: &Cluster,
    old: Option<Stored<State>>,
    means: Means,
) -> Result<(Standing, bool), DiagnosisError> {
    let fresh = || State::of(project, &cluster.cause, cluster.first, cluster.last);
    let mut state = old.as_ref().map_or_else(fresh, |old| old.value.clone());
    let was = state.status;
    let work = work_on(tx, cx, state.issue_id)?;
    state.status = match work {
        Work::None => Status::New,
        Work::Going if was == Status::Regression => Status::Regression,
        Work::Going => Status::InProgress,
        // To the millisecond: what failed in the one in which the issue was done is no proof.
        Work::Done(at) if cluster.last.to_millis() > at => Status::Regression,
        Work::Done(_) if was == Status::Verified => Status::Verified,
        Work::Done(_) => Status::InProgress,
    };
    if matches!(work, Work::None) {
        state.issue_id = None;
    }
    state.first_seen = state.first_seen.min(cluster.first.to_millis());
    state.last_seen = state.last_seen.max(cluster.last.to_millis());
    let room = means != Means::Look && (old.is_some() || state::has_room(tx, cx.tenant(), project)?);
    let came_back = state.status == Status::Regression && matches!(work, Work::Done(_));
    let signals = means == Means::Signal && room && (state.status == Status::New || came_back);
    if signals {
        let (_, issue) = record::take_in(tx, cx, &signal(cx, project, cluster, &state))?;
        state.issue_id = Some(issue.id);
        state.regressions = state.regressions.saturating_add(u32::from(came_back));
    }
    let standing = Standing { status: state.status, issue_id: state.issue_id };
    state.watched = state.issue_id.is_some();
    if room {
        write(tx, cx, old.as_ref(), &state)?;
    }
    Ok((standing, signals))
}

/// A problem that does not occur in the window: it is mended if its issue is done and what failed has run well since.
fn absent(
    tx: &mut dyn Tx,
    cx: &Ctx,
    findings: &Findings,
    old: Stored<State>,
    means: Means,
) -> Result<Option<Mended>, DiagnosisError> {
    let mut state = old.value.clone();
    let cause = state.cause();
    let good = findings.went_well(cause.class, &cause.name);
    match work_on(tx, cx, state.issue_id)? {
        Work::Done(done) if state.status != Status::Verified => {
            if good.is_some_and(|good| good > done.max(state.last_seen)) {
                (state.status, state.verified_at) = (Status::Verified, Some(cx.now.to_millis()));
            }
        }
        Work::Done(_) => {}
        Work::Going if state.status == Status::Verified => state.status = Status::InProgress,
        Work::Going => {}
        Work::None => (state.issue_id, state.status) = (None, Status::New),
    }
    let long_ago = state.verified_at.is_some_and(|at| at < cx.now.plus_seconds(-KEPT));
    state.watched = state.issue_id.is_some() && !(state.status == Status::Verified && long_ago);
    if means != Means::Look && state != old.value {
        write(tx, cx, Some(&old), &state)?;
    }
    let at = state.verified_at.filter(|at| state.status == Status::Verified && *at >= findings.window.from);
    Ok(at.map(|at| Mended { state, at }))
}

fn work_on(tx: &mut dyn Tx, cx: &Ctx, id: Option<IssueId>) -> Result<Work, DiagnosisError> {
    let Some(id) = id else { return Ok(Work::None) };
    match issue::get(tx, cx.tenant(), &id.to_string()) {
        Ok(found) => Ok(match (found.value.status, found.value.completed_at) {
            (IssueStatus::Done, Some(at)) => Work::Done(at),
            _ => Work::Going,
        }),
        Err(WorkError::NoIssue) => Ok(Work::None),
        Err(error) => Err(error.into()),
    }
}

fn write(tx: &mut dyn Tx, cx: &Ctx, old: Option<&Stored<State>>, state: &State) -> Result<(), DiagnosisError> {
    let mut states = Repo::new(tx, cx.tenant());
    match old {
        Some(old) if old.value == *state => {}
        Some(old) => states.update(old, state, cx.now)?,
        None => states.insert(state, cx.now)?,
    }
    Ok(())
}

/// What a problem tells those who shall work on it.
fn signal(cx: &Ctx, project: &str, cluster: &Cluster, state: &State) -> NewSignal {
    let evidence: Vec<String> =
        cluster.evidence.iter().take(CITED_MAX).map(|key| record_id(cx.tenant(), project, *key)).collect();
    let first = evidence.first().map_or("", String::as_str);
    let title = cluster.cause.title(&plain);
    let came_back = state.status == Status::Regression;
    let title = if came_back { format!("regression: {title}") } else { title };
    let mut payload = Map::new();
    let mut put = |name: &str, value: Json| payload.insert(name.to_owned(), value);
    put("message", title.as_str().into());
    put("cluster_id", state.cluster_id.as_str().into());
    put("telemetry_project_id", project.into());
    put("status", state.status.as_str().into());
    put("count", cluster.count.into());
    put("sessions", cluster.sessions.into());
    put("severity", word(cluster.severity).into());
    put("first_seen", state.first_seen.to_string().into());
    put("last_seen", state.last_seen.to_string().into());
    put("next_action", cluster.next_action(first, &plain).into());
    put("evidence_ids", json!(evidence));
    put("traces", json!(cluster.traces.iter().take(CITED_MAX).map(|trace| hex(trace)).collect::<Vec<_>>()));
    if let Some(issue) = state.issue_id.filter(|_| came_back) {
        put("earlier_issue_id", issue.to_string().into());
    }
    NewSignal {
        source: SOURCE.to_owned(),
        source_id: Some(state.cluster_id.clone()),
        kind: cluster.cause.signal_type().to_owned(),
        severity: cluster.severity,
        payload,
        project_id: None,
        title: Some(title),
    }
}
