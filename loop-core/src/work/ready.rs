//! Which issues can be worked on, in the order in which they are handed out.
//!
//! An issue is ready when it is live, in `todo`, and waits for no other: no live issue that is still open blocks it. One
//! index, [`READY`], holds exactly the ready issues, each under its project and its [`Rank`]; a queue, [`HEADS`], holds
//! the first of each project under its rank with the bonus of the project's goal. So a project's first issue and the
//! first of all are one step in an index, and a goal that is reached or begun moves one row, however many issues its
//! project has. Both are kept by the transaction that changes an issue, a relation or a goal.

use super::{
    Issue, IssueRelation, IssueStatus, Project,
    count::{WORK_COUNTS, of_account},
    score::Rank,
};
use crate::{
    access::Ctx,
    base::{
        TenantId,
        id::{IssueId, ProjectId},
    },
    store::{Cond, Queue, QueueItem, RecordQuery, Repo, StoreError, Terms, Tx, Value},
};

/// The ready issues: id an issue's, term its lane and its rank, 16 hexadecimal digits that sort as it does. Who takes an
/// issue out knows both, so it needs no second index to find it, as a queue has.
pub static READY: Terms = Terms { name: "dispatch" };
/// The first ready issue of each project: item the project, key the rank with the goal's bonus and the issue's id.
pub static HEADS: Queue = Queue { name: "dispatch_heads" };

/// How many relations are read at once.
const EDGES: u32 = 100;
/// What stands for all projects in accounts.
const ALL: &str = "all";

/// A project, or the place of issues without one, as it leads keys: 24 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(String);

impl Lane {
    /// The lane of issues without a project. It sorts before every project and is no project's id.
    const NONE: &'static str = "------------------------";

    /// The lane of a project.
    #[must_use]
    pub fn of(project: Option<&ProjectId>) -> Self {
        Self(project.map_or_else(|| Self::NONE.to_owned(), ToString::to_string))
    }

    /// The project; `None` for issues without one.
    #[must_use]
    pub fn project(&self) -> Option<ProjectId> {
        ProjectId::parse(&self.0)
    }

    /// The lane as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a ready issue stands in its lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its rank without the bonus of a goal.
    pub rank: Rank,
    /// The issue's id.
    pub id: String,
}

/// The first ready issue of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The lane.
    pub lane: Lane,
    /// The issue's rank with the bonus of the lane's goal.
    pub rank: Rank,
    /// The issue's id.
    pub id: String,
}

fn term(lane: &Lane, rank: Rank) -> String {
    format!("{}{:016x}", lane.as_str(), u64::from_be_bytes(rank.to_bytes()))
}

fn place(lane: &Lane, term: &str, id: String) -> Result<Place, StoreError> {
    let rank = term.strip_prefix(lane.as_str()).and_then(|rank| u64::from_str_radix(rank, 16).ok());
    let rank = rank.ok_or_else(|| StoreError::Corrupt(format!("a term in `{}`", READY.name)))?;
    Ok(Place { rank: Rank::from_bytes(rank.to_be_bytes()), id })
}

/// The ready issues of a lane after a place, best first.
///
/// # Errors
/// Storage failures, a term that this room did not write.
pub fn of_lane(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    lane: &Lane,
    after: Option<&Place>,
    limit: u32,
) -> Result<Vec<Place>, StoreError> {
    let from = after.map(|after| (term(lane, after.rank), after.id.as_str()));
    let after = from.as_ref().map(|(term, id)| (term.as_str(), *id));
    let found = tx.holders_under(&READY, tenant, lane.as_str(), after, limit)?;
    found.into_iter().map(|(term, id)| place(lane, &term, id)).collect()
}

/// The first ready issue of a lane.
///
/// # Errors
/// Storage failures.
pub fn first_of(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane) -> Result<Option<Place>, StoreError> {
    Ok(of_lane(tx, tenant, lane, None, 1)?.pop())
}

/// The first ready issues of all lanes after a head, best first.
///
/// # Errors
/// Storage failures, a key that this room did not write.
pub fn heads(tx: &mut dyn Tx, tenant: &TenantId, after: Option<&Head>, limit: u32) -> Result<Vec<Head>, StoreError> {
    let from = after.map(|head| (head_key(head.rank, &head.id), head.lane.as_str()));
    let items = tx.ready(&HEADS, tenant, from.as_ref().map(|(key, lane)| (key.as_slice(), *lane)), limit)?;
    items.into_iter().map(head).collect()
}

fn head_key(rank: Rank, id: &str) -> Vec<u8> {
    [&rank.to_bytes(), id.as_bytes()].concat()
}

fn head(item: QueueItem) -> Result<Head, StoreError> {
    let broken = || StoreError::Corrupt(format!("a key in `{}`", HEADS.name));
    let (rank, id) = item.key.split_first_chunk().ok_or_else(broken)?;
    let id = std::str::from_utf8(id).map_err(|_| broken())?;
    Ok(Head { lane: Lane(item.id), rank: Rank::from_bytes(*rank), id: id.to_owned() })
}

/// How many issues are ready: of one lane, or of all.
///
/// # Errors
/// Storage failures.
pub fn count(tx: &mut dyn Tx, tenant: &TenantId, lane: Option<&Lane>) -> Result<u64, StoreError> {
    of_account(tx, tenant, &account(lane.map_or(ALL, Lane::as_str)))
}

/// Whether the issues of a lane have the bonus of an active goal.
///
/// # Errors
/// Storage failures.
pub fn is_boosted(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane) -> Result<bool, StoreError> {
    let Some(project) = lane.project() else { return Ok(false) };
    let found = Repo::<Project>::new(tx, tenant).get(project.as_str())?;
    Ok(found.is_some_and(|stored| stored.value.boosted))
}

/// Whether an issue is ready, whatever it waits for.
fn is_candidate(issue: &Issue) -> bool {
    issue.status == IssueStatus::Todo && issue.is_live()
}

/// Where an issue stands when it is ready.
fn stand(issue: &Issue) -> (Lane, Rank) {
    (Lane::of(issue.project_id.as_ref()), Rank::of(issue))
}

/// Keeps readiness after a write of an issue: `before` is what it was, `None` when it is new; `after` what it is by now,
/// `None` when it is gone. Both are already as the store has them.
///
/// # Errors
/// Storage failures.
pub fn refresh(tx: &mut dyn Tx, cx: &Ctx, before: Option<&Issue>, after: Option<&Issue>) -> Result<(), StoreError> {
    let tenant = cx.tenant();
    let old = before.filter(|issue| is_candidate(issue)).map(|issue| (issue, stand(issue)));
    let new = after.filter(|issue| is_candidate(issue)).map(|issue| (issue, stand(issue)));
    match (old, new) {
        (None, None) => {}
        (Some((issue, (lane, rank))), None) => {
            take_out(tx, tenant, &lane, rank, &issue.id)?;
        }
        (None, Some((issue, (lane, rank)))) => {
            // Nothing is related to an issue that is new.
            if before.is_none() || !is_blocked(tx, tenant, &issue.id)? {
                put_in(tx, tenant, &lane, rank, &issue.id)?;
            }
        }
        (Some((_, from)), Some((_, to))) if from == to => {}
        (Some((issue, (from, was))), Some((_, (to, is)))) => {
            // What it waits for is told by the relations alone: it is in its new place if it was in its old one.
            if take_out(tx, tenant, &from, was, &issue.id)? {
                put_in(tx, tenant, &to, is, &issue.id)?;
            }
        }
    }
    let Some(before) = before else { return Ok(()) };
    if before.is_open() == after.is_some_and(Issue::is_open) {
        return Ok(());
    }
    each_edge(tx, tenant, "blocker", &before.id, |tx, edge| {
        if let Some((_, waiting)) = edge.blocking() {
            settle(tx, tenant, &waiting)?;
        }
        Ok(false)
    })?;
    Ok(())
}

/// Keeps readiness after relations of these issues were added or removed.
///
/// # Errors
/// Storage failures.
pub fn edges_changed(tx: &mut dyn Tx, cx: &Ctx, issues: &[IssueId]) -> Result<(), StoreError> {
    for id in issues {
        settle(tx, cx.tenant(), id)?;
    }
    Ok(())
}

/// Keeps the order after a project was given the bonus of a goal or lost it.
///
/// # Errors
/// Storage failures.
pub fn project_changed(tx: &mut dyn Tx, cx: &Ctx, project: &ProjectId) -> Result<(), StoreError> {
    let lane = Lane::of(Some(project));
    match first_of(tx, cx.tenant(), &lane)? {
        Some(first) => set_head(tx, cx.tenant(), &lane, &first),
        None => Ok(()),
    }
}

/// Puts an issue in or takes it out, as its row and its relations say.
fn settle(tx: &mut dyn Tx, tenant: &TenantId, id: &IssueId) -> Result<(), StoreError> {
    let Some(stored) = Repo::<Issue>::new(tx, tenant).get(id.as_str())? else { return Ok(()) };
    if !is_candidate(&stored.value) {
        return Ok(());
    }
    let (lane, rank) = stand(&stored.value);
    take_out(tx, tenant, &lane, rank, id)?;
    if !is_blocked(tx, tenant, id)? {
        put_in(tx, tenant, &lane, rank, id)?;
    }
    Ok(())
}

/// Whether an open, live issue blocks this one.
fn is_blocked(tx: &mut dyn Tx, tenant: &TenantId, id: &IssueId) -> Result<bool, StoreError> {
    each_edge(tx, tenant, "blocked", id, |tx, edge| {
        let Some((blocker, _)) = edge.blocking() else { return Ok(false) };
        let found = Repo::<Issue>::new(tx, tenant).get(blocker.as_str())?;
        Ok(found.is_some_and(|stored| stored.value.is_open()))
    })
}

/// Looks at the relations that have an issue on this side, until one is what was looked for; answers whether one was.
fn each_edge(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    side: &'static str,
    id: &IssueId,
    mut look: impl FnMut(&mut dyn Tx, &IssueRelation) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let conds = vec![Cond::Eq(side, id.as_str().into())];
    let mut query = RecordQuery { conds, limit: EDGES, ..RecordQuery::default() };
    loop {
        let edges = Repo::<IssueRelation>::new(tx, tenant).list(&query)?;
        for edge in &edges {
            if look(tx, &edge.value)? {
                return Ok(true);
            }
        }
        let Some(last) = edges.last().filter(|_| edges.len() == EDGES as usize) else { return Ok(false) };
        query.after = Some((Value::Null, last.value.id.to_string()));
    }
}

fn put_in(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane, rank: Rank, id: &IssueId) -> Result<(), StoreError> {
    let place = Place { rank, id: id.to_string() };
    let first = first_of(tx, tenant, lane)?;
    tx.put_terms(&READY, tenant, &place.id, &[&term(lane, rank)])?;
    add(tx, tenant, lane, 1)?;
    if first.is_none_or(|first| place < first) { set_head(tx, tenant, lane, &place) } else { Ok(()) }
}

/// Takes an issue out; `false` when it was not in.
fn take_out(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane, rank: Rank, id: &IssueId) -> Result<bool, StoreError> {
    let place = Place { rank, id: id.to_string() };
    if tx.drop_terms(&READY, tenant, &place.id, &[&term(lane, rank)])? == 0 {
        return Ok(false);
    }
    add(tx, tenant, lane, -1)?;
    match first_of(tx, tenant, lane)? {
        Some(first) if place < first => set_head(tx, tenant, lane, &first)?,
        Some(_) => {}
        None => {
            tx.remove(&HEADS, tenant, lane.as_str())?;
        }
    }
    Ok(true)
}

fn set_head(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane, first: &Place) -> Result<(), StoreError> {
    let rank = first.rank.with_goal(is_boosted(tx, tenant, lane)?);
    tx.push(&HEADS, tenant, &head_key(rank, &first.id), lane.as_str())
}

fn add(tx: &mut dyn Tx, tenant: &TenantId, lane: &Lane, amount: i64) -> Result<(), StoreError> {
    tx.add(&WORK_COUNTS, tenant, &account(ALL), amount, None)?;
    tx.add(&WORK_COUNTS, tenant, &account(lane.as_str()), amount, None)?;
    Ok(())
}

fn account(place: &str) -> String {
    format!("ready/{place}")
}
