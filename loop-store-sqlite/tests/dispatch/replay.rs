//! What the log says happened, played through a model that knows the contract and nothing of queues: who was handed
//! what, and whether that was the best there was.

use std::collections::{BTreeSet, HashMap, HashSet};

use loop_core::{
    audit::{AUDIT, CHANGES},
    base::TenantId,
    store::{JournalQuery, Repo, StoreError, StoreExt, Stored, Tx},
    work::{Issue, IssueStatus},
};
use loop_store_sqlite::SqliteStore;
use serde_json::Value as Json;

/// What tells of a project's goal in these tests.
pub const BOOST: &str = "test.boost";

const DAY: i64 = 86_400_000_000;

struct Known {
    created: i64,
    kind: String,
    status: String,
    priority: u64,
    project: Option<String>,
    holder: Option<String>,
}

/// What the log amounts to.
#[derive(Default)]
pub struct Model {
    issues: HashMap<String, Known>,
    /// For each issue the relations that let it wait, and for whom.
    waits: HashMap<String, HashMap<String, String>>,
    boosted: HashSet<String>,
    /// Those in `todo`, waiting or not, by what they are worth.
    todo: BTreeSet<(i64, String)>,
    pub claims: u64,
    pub expired: u64,
    pub completed: HashSet<String>,
}

fn text(of: &Json) -> String {
    of.as_str().unwrap_or_else(|| panic!("{of} is no text")).to_owned()
}

impl Model {
    fn open(&self, id: &str) -> bool {
        !matches!(self.issues[id].status.as_str(), "done" | "canceled")
    }

    fn waits(&self, id: &str) -> bool {
        self.waits.get(id).is_some_and(|edges| edges.values().any(|blocker| self.open(blocker)))
    }

    /// The score without what time adds to all alike, negated, in microseconds.
    fn rank(&self, issue: &Known) -> i64 {
        let priority = [10, 100, 75, 50, 25][usize::try_from(issue.priority).unwrap()];
        let kind = match issue.kind.as_str() {
            "signal" => 50,
            "hypothesis" => 40,
            "plan" => 30,
            "task" => 20,
            _ => 10,
        };
        let goal = if issue.project.as_ref().is_some_and(|id| self.boosted.contains(id)) { 20 } else { 0 };
        issue.created - (priority + kind + goal) * DAY
    }

    fn best(&self) -> Option<&String> {
        self.todo.iter().map(|(_, id)| id).find(|id| !self.waits(id))
    }

    /// Takes an issue out of the order before it changes.
    fn leave(&mut self, id: &str) {
        let Some(known) = self.issues.get(id) else { return };
        self.todo.remove(&(self.rank(known), id.to_owned()));
    }

    /// Puts it back afterwards.
    fn join(&mut self, id: &str) {
        let known = &self.issues[id];
        if known.status == "todo" {
            self.todo.insert((self.rank(known), id.to_owned()));
        }
    }

    fn step(&mut self, seq: u64, op: &str, body: &Json, created: &HashMap<String, i64>) {
        if op == BOOST {
            let project = text(&body["project"]);
            if body["boosted"] == true {
                self.boosted.insert(project)
            } else {
                self.boosted.remove(&project)
            };
            let all = self.issues.iter().filter(|(_, known)| known.status == "todo");
            self.todo = all.map(|(id, known)| (self.rank(known), id.clone())).collect();
            return;
        }
        let Some(id) = body["issue_id"].as_str().map(str::to_owned) else { return };
        let changes = &body["changes"];
        let to = |name: &str| changes.get(name).map(|change| change["to"].clone());
        match op {
            "issue.create" => {
                let known = Known {
                    created: created[&id],
                    kind: text(&to("type").unwrap()),
                    status: text(&to("status").unwrap()),
                    priority: to("priority").and_then(|to| to.as_u64()).unwrap_or(0),
                    project: to("projectId").and_then(|to| to.as_str().map(str::to_owned)),
                    holder: None,
                };
                assert!(self.issues.insert(id.clone(), known).is_none(), "{seq}: made twice");
                self.join(&id);
                return;
            }
            "relation.create" | "relation.delete" => {
                let change = &changes["relations"];
                let edge = if op == "relation.create" { &change["to"] } else { &change["from"] };
                let (name, other) = (text(&edge["id"]), text(&edge["relatedIssueId"]));
                let (blocked, blocker) = match text(&edge["type"]).as_str() {
                    "blocks" => (other, id),
                    "blocked_by" => (id, other),
                    _ => return,
                };
                let edges = self.waits.entry(blocked).or_default();
                if op == "relation.create" {
                    edges.insert(name, blocker)
                } else {
                    edges.remove(&name)
                };
                return;
            }
            "dispatch.claim" => {
                assert_eq!(self.best(), Some(&id), "{seq}: another one was the best");
                assert_eq!(self.issues[&id].holder, None, "{seq}: claimed while it was held");
                self.claims += 1;
            }
            "dispatch.complete" | "dispatch.release" => {
                let by = body["by"].as_str().map(str::to_owned);
                assert_eq!(self.issues[&id].holder, by, "{seq}: {op} by somebody who does not hold it");
                if op == "dispatch.complete" {
                    assert!(self.completed.insert(id.clone()), "{seq}: completed twice");
                }
            }
            "dispatch.expire" => {
                assert!(self.issues[&id].holder.is_some(), "{seq}: a lease ended that nobody held");
                self.expired += 1;
            }
            _ => {}
        }
        self.leave(&id);
        let holder = (op == "dispatch.claim").then(|| text(&body["by"]));
        let known = self.issues.get_mut(&id).unwrap_or_else(|| panic!("{seq}: {op} of nothing"));
        if let Some(change) = changes.get("status") {
            assert_eq!(text(&change["from"]), known.status, "{seq}: a change was lost before {op}");
            known.status = text(&change["to"]);
            known.holder = holder;
        }
        if let Some(kind) = to("type") {
            known.kind = text(&kind);
        }
        if let Some(priority) = to("priority") {
            known.priority = priority.as_u64().unwrap();
        }
        if let Some(project) = to("projectId") {
            known.project = project.as_str().map(str::to_owned);
        }
        self.join(&id);
    }

    /// Plays the whole log through a fresh model and holds it against the rows.
    pub fn of(store: &SqliteStore) -> Self {
        let read: Result<Self, StoreError> = store.read("replay", |tx| Self::read(tx)).wait();
        read.unwrap()
    }

    fn read(tx: &mut dyn Tx) -> Result<Self, StoreError> {
        let tenant = TenantId::default_tenant();
        let all = JournalQuery { limit: u32::MAX, ..JournalQuery::default() };
        let log = tx.scan(&AUDIT, &tenant, CHANGES, &all)?;
        let everything = loop_core::store::RecordQuery { limit: u32::MAX, ..Default::default() };
        let rows: Vec<Stored<Issue>> = Repo::new(tx, &tenant).list(&everything)?;
        let created = rows.iter().map(|row| (row.value.id.to_string(), row.value.created_at.as_micros())).collect();
        let mut model = Self::default();
        for entry in log {
            let op = entry.columns[0].as_text().unwrap().to_owned();
            let body = serde_json::from_str(entry.body.as_deref().unwrap()).unwrap();
            model.step(entry.seq, &op, &body, &created);
        }
        assert_eq!(model.issues.len(), rows.len());
        for row in rows {
            let known = &model.issues[row.value.id.as_str()];
            assert_eq!(known.status, row.value.status.as_str(), "{} stands elsewhere than the log says", row.value.id);
            assert_eq!(row.value.completed_at.is_some(), row.value.status == IssueStatus::Done, "{}", row.value.id);
        }
        Ok(model)
    }

    /// How many issues are not closed.
    pub fn left(&self) -> usize {
        self.issues.keys().filter(|id| self.open(id)).count()
    }
}
