//! Relations between issues.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    WorkError,
    history::{self, Changes},
    issue, ready,
    status::words,
};
use crate::{
    access::Ctx,
    base::{
        TenantId, Time,
        id::{IssueId, RelationId},
        time::millis,
    },
    store::{Column, Cond, Entity, Kind, RecordQuery, Repo, StoreError, Stored, Table, Tx, Value},
};

words! {
    /// What an issue is to another.
    RelationKind {
        /// The other waits for it.
        Blocks = "blocks",
        /// It waits for the other.
        BlockedBy = "blocked_by",
        /// They have to do with each other.
        Related = "related",
        /// They are the same.
        Duplicate = "duplicate",
    }
}

/// A relation from one issue to another. No inverse is stored.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueRelation {
    /// Its id.
    pub id: RelationId,
    /// What the first is to the other.
    #[serde(rename = "type")]
    pub kind: RelationKind,
    /// The first.
    pub issue_id: IssueId,
    /// The other.
    pub related_issue_id: IssueId,
    /// When it was made.
    #[serde(with = "millis")]
    #[schemars(with = "Time")]
    pub created_at: Time,
}

/// Where relations are kept.
pub static RELATIONS: Table = Table {
    name: "issue_relations",
    columns: &[
        Column::indexed("issue_id", Kind::Text),
        Column::indexed("related_id", Kind::Text),
        // `issue/type/related`: said once.
        Column::unique("edge", Kind::Text),
        // Who waits for whom, however it was said.
        Column::indexed("blocker", Kind::Text),
        Column::indexed("blocked", Kind::Text),
    ],
};

impl IssueRelation {
    /// What it says, as one text.
    fn edge(&self) -> String {
        format!("{}/{}/{}", self.issue_id, self.kind, self.related_issue_id)
    }

    /// Who keeps whom waiting: the blocker, then the blocked; `None` for relations that keep nobody waiting.
    #[must_use]
    pub const fn blocking(&self) -> Option<(IssueId, IssueId)> {
        match self.kind {
            RelationKind::Blocks => Some((self.issue_id, self.related_issue_id)),
            RelationKind::BlockedBy => Some((self.related_issue_id, self.issue_id)),
            RelationKind::Related | RelationKind::Duplicate => None,
        }
    }
}

impl Entity for IssueRelation {
    const TABLE: &'static Table = &RELATIONS;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let text = |id: IssueId| Value::from(id.as_str());
        let blocking = self.blocking();
        vec![
            text(self.issue_id),
            text(self.related_issue_id),
            self.edge().into(),
            blocking.map(|(blocker, _)| text(blocker)).into(),
            blocking.map(|(_, blocked)| text(blocked)).into(),
        ]
    }
}

/// The most relations from one issue, and to one issue.
pub const MAX_RELATIONS: u64 = 200;
/// The most issues that are looked at to find that a relation makes no circle.
const MAX_WALK: usize = 10_000;

const NO_RELATED: WorkError = WorkError::Unprocessable("Related issue not found");
const SAME: WorkError = WorkError::Unprocessable("Cannot create a relation to the same issue");
const CYCLE: WorkError = WorkError::Unprocessable("Relation would create a cycle");
const TOO_FAR: WorkError =
    WorkError::Unprocessable("too many issues wait for each other to tell that none waits for itself");
const TOO_MANY: WorkError = WorkError::Unprocessable("the issue has too many relations");
const TAKEN: WorkError = WorkError::Conflict("Relation already exists");

/// Relates an issue to another.
///
/// # Errors
/// [`WorkError::NoIssue`]; another issue that is not there or the same one; a relation that is there already, or would
/// let an issue wait for itself; storage failures.
pub fn create(
    tx: &mut dyn Tx,
    cx: &Ctx,
    id: &str,
    kind: RelationKind,
    related: &str,
) -> Result<IssueRelation, WorkError> {
    let from = issue::get(tx, cx.tenant(), id)?.value.id;
    if related == from.as_str() {
        return Err(SAME);
    }
    let to = match issue::get(tx, cx.tenant(), related) {
        Ok(to) => to.value.id,
        Err(WorkError::NoIssue) => return Err(NO_RELATED),
        Err(error) => return Err(error),
    };
    let relation = IssueRelation {
        id: RelationId::draw(cx.now, &mut cx.seed()),
        kind,
        issue_id: from,
        related_issue_id: to,
        created_at: cx.now.to_millis(),
    };
    let edge = Value::from(relation.edge());
    if Repo::<IssueRelation>::new(tx, cx.tenant()).find("edge", &edge)?.is_some() {
        return Err(TAKEN);
    }
    for (side, id) in [("issue_id", from), ("related_id", to)] {
        if Repo::<IssueRelation>::new(tx, cx.tenant()).count(&[Cond::Eq(side, id.as_str().into())])? >= MAX_RELATIONS {
            return Err(TOO_MANY);
        }
    }
    if let Some((blocker, blocked)) = relation.blocking() {
        refuse_cycle(tx, cx.tenant(), blocker, blocked)?;
    }
    Repo::new(tx, cx.tenant()).insert(&relation, cx.now)?;
    settle(tx, cx, &relation)?;
    write_down(tx, cx, "relation.create", &relation, false)?;
    Ok(relation)
}

/// Takes a relation away.
///
/// # Errors
/// [`WorkError::NoRelation`], storage failures.
pub fn delete(tx: &mut dyn Tx, cx: &Ctx, id: &str) -> Result<(), WorkError> {
    let id = RelationId::parse(id).ok_or(WorkError::NoRelation)?;
    let found: Option<Stored<IssueRelation>> = Repo::new(tx, cx.tenant()).get(id.as_str())?;
    let relation = found.ok_or(WorkError::NoRelation)?.value;
    remove(tx, cx, &relation)
}

fn remove(tx: &mut dyn Tx, cx: &Ctx, relation: &IssueRelation) -> Result<(), WorkError> {
    Repo::<IssueRelation>::new(tx, cx.tenant()).delete(relation.id.as_str())?;
    settle(tx, cx, relation)?;
    write_down(tx, cx, "relation.delete", relation, true)
}

/// Takes every relation of a deleted issue away.
pub(super) fn forget(tx: &mut dyn Tx, cx: &Ctx, id: &IssueId) -> Result<(), WorkError> {
    for side in ["issue_id", "related_id"] {
        for relation in all(tx, cx.tenant(), side, id)? {
            remove(tx, cx, &relation)?;
        }
    }
    Ok(())
}

/// The relations from an issue to others, in the order of their making.
///
/// # Errors
/// Storage failures.
pub fn outgoing(tx: &mut dyn Tx, tenant: &TenantId, id: &IssueId) -> Result<Vec<IssueRelation>, StoreError> {
    all(tx, tenant, "issue_id", id)
}

/// The relations from each of these issues to others, issues without any left out. The issues of a page lie near each
/// other, so theirs are read in one piece as long as there are few.
///
/// # Errors
/// Storage failures.
pub fn of_page(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    ids: &[IssueId],
) -> Result<BTreeMap<IssueId, Vec<IssueRelation>>, StoreError> {
    const NEAR: u32 = 400;
    let mut out: BTreeMap<IssueId, Vec<IssueRelation>> = BTreeMap::new();
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(out) };
    let query = RecordQuery {
        conds: vec![
            Cond::AtLeast("issue_id", first.as_str().into()),
            // The first text behind the last id.
            Cond::Below("issue_id", format!("{last}\0").into()),
        ],
        by: Some("issue_id"),
        limit: NEAR,
        ..RecordQuery::default()
    };
    let near: Vec<Stored<IssueRelation>> = Repo::new(tx, tenant).list(&query)?;
    if near.len() < NEAR as usize {
        for relation in near.into_iter().map(|stored| stored.value) {
            out.entry(relation.issue_id).or_default().push(relation);
        }
        return Ok(out);
    }
    for id in ids {
        out.insert(*id, outgoing(tx, tenant, id)?);
    }
    Ok(out)
}

/// The relations of others to an issue, in the order of their making.
///
/// # Errors
/// Storage failures.
pub fn incoming(tx: &mut dyn Tx, tenant: &TenantId, id: &IssueId) -> Result<Vec<IssueRelation>, StoreError> {
    all(tx, tenant, "related_id", id)
}

fn all(tx: &mut dyn Tx, tenant: &TenantId, side: &'static str, id: &IssueId) -> Result<Vec<IssueRelation>, StoreError> {
    // Twice the bound: who waits for whom can be said from both sides.
    let limit = u32::try_from(MAX_RELATIONS * 2).unwrap_or(u32::MAX);
    let conds = vec![Cond::Eq(side, id.as_str().into())];
    let rows = Repo::new(tx, tenant).list(&RecordQuery { conds, limit, ..RecordQuery::default() })?;
    Ok(rows.into_iter().map(|stored| stored.value).collect())
}

/// Refuses to let `blocked` wait for `blocker` when that waits for `blocked` already, however many stand between them.
fn refuse_cycle(tx: &mut dyn Tx, tenant: &TenantId, blocker: IssueId, blocked: IssueId) -> Result<(), WorkError> {
    let mut seen = BTreeSet::from([blocked]);
    let mut next = vec![blocked];
    while let Some(id) = next.pop() {
        for relation in all(tx, tenant, "blocker", &id)? {
            let Some((_, waiting)) = relation.blocking() else { continue };
            if waiting == blocker {
                return Err(CYCLE);
            }
            if seen.insert(waiting) {
                next.push(waiting);
            }
        }
        if seen.len() > MAX_WALK {
            return Err(TOO_FAR);
        }
    }
    Ok(())
}

/// Keeps the readiness of whoever the relation lets wait.
fn settle(tx: &mut dyn Tx, cx: &Ctx, relation: &IssueRelation) -> Result<(), WorkError> {
    let Some((_, waiting)) = relation.blocking() else { return Ok(()) };
    Ok(ready::edges_changed(tx, cx, &[waiting])?)
}

fn write_down(
    tx: &mut dyn Tx,
    cx: &Ctx,
    op: &'static str,
    relation: &IssueRelation,
    gone: bool,
) -> Result<(), WorkError> {
    let told = json!({ "id": relation.id, "type": relation.kind, "relatedIssueId": relation.related_issue_id });
    let (from, to) = if gone { (Some(told), None) } else { (None, Some(told)) };
    let mut changes = Changes::new();
    changes.plain("relations", &from, &to);
    history::record(tx, cx, op, &relation.issue_id, &changes)?;
    Ok(())
}
