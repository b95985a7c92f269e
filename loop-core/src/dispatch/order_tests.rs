//! The stored order beside one that is worked out anew from all rows: whatever is done to issues, relations and goals.

use proptest::prelude::*;

use super::queue::{Among, best, page};
use crate::{
    access::{Caller, Ctx},
    base::{
        Seed, TenantId, Time,
        id::{IssueId, ProjectId, RelationId},
    },
    engine::CATALOG,
    store::{Lane, Repo, StoreError, StoreExt, Stored, Tx, memory::MemoryStore},
    work::{
        Issue, IssueRelation, IssueStatus, IssueType, Project, ProjectHealth, ProjectStatus, RelationKind,
        ready::{self, edges_changed, project_changed, refresh},
        score::Rank,
    },
};

const DAY: i64 = 86_400_000_000;
const PROJECTS: usize = 3;

/// Something that is done. Numbers name issues, relations and projects by their order of making, as far as they go.
#[derive(Debug, Clone)]
enum Step {
    Make { days_ago: i64, project: usize, kind: usize, priority: u8, status: usize },
    Status(usize, usize),
    Weigh(usize, u8, usize),
    Move(usize, usize),
    Delete(usize),
    Relate(usize, usize, usize),
    Unrelate(usize),
    Boost(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let make = (0..40_i64, 0..=PROJECTS, 0..5_usize, 0..5_u8, 0..9_usize).prop_map(
        |(days_ago, project, kind, priority, status)| Step::Make { days_ago, project, kind, priority, status },
    );
    let one = 0..30_usize;
    prop_oneof![
        4 => make,
        3 => (one.clone(), 0..6_usize).prop_map(|(at, status)| Step::Status(at, status)),
        2 => (one.clone(), 0..5_u8, 0..5_usize).prop_map(|(at, priority, kind)| Step::Weigh(at, priority, kind)),
        1 => (one.clone(), 0..=PROJECTS).prop_map(|(at, project)| Step::Move(at, project)),
        1 => one.clone().prop_map(Step::Delete),
        3 => (one.clone(), one.clone(), 0..4_usize).prop_map(|(a, b, kind)| Step::Relate(a, b, kind)),
        1 => one.prop_map(Step::Unrelate),
        2 => (0..PROJECTS, any::<bool>()).prop_map(|(project, boosted)| Step::Boost(project, boosted)),
    ]
}

/// The rows as the test knows them.
#[derive(Default)]
struct World {
    issues: Vec<Issue>,
    relations: Vec<IssueRelation>,
    projects: Vec<Project>,
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

fn now() -> Time {
    Time::from_micros(1_800_000_000_000_000)
}

fn cx(drawn: &mut Seed) -> Ctx {
    Ctx::new(Caller::system(tenant(), "test"), now(), drawn.fork())
}

fn status(at: usize) -> IssueStatus {
    // Beyond the list: ready ones are what is looked for.
    IssueStatus::ALL.get(at).copied().unwrap_or(IssueStatus::Todo)
}

impl World {
    fn project(&self, at: usize) -> Option<ProjectId> {
        self.projects.get(at).map(|project| project.id)
    }

    fn boosted(&self, project: Option<ProjectId>) -> bool {
        self.projects.iter().any(|known| Some(known.id) == project && known.boosted)
    }

    fn open(&self, id: IssueId) -> bool {
        let closed = |issue: &Issue| matches!(issue.status, IssueStatus::Done | IssueStatus::Canceled);
        self.issues.iter().any(|issue| issue.id == id && issue.deleted_at.is_none() && !closed(issue))
    }

    fn blocked(&self, id: IssueId) -> bool {
        self.relations.iter().any(|edge| match edge.kind {
            RelationKind::BlockedBy => edge.issue_id == id && self.open(edge.related_issue_id),
            RelationKind::Blocks => edge.related_issue_id == id && self.open(edge.issue_id),
            _ => false,
        })
    }

    /// What the contract says: by the exact score, greatest first, then by id. The shown score goes with each.
    fn order(&self, among: Among) -> Vec<(String, i64)> {
        let weight = |issue: &Issue| {
            let priority = [10, 100, 75, 50, 25][usize::from(issue.priority)];
            let kind = match issue.kind {
                IssueType::Signal => 50,
                IssueType::Hypothesis => 40,
                IssueType::Plan => 30,
                IssueType::Task => 20,
                IssueType::Monitor => 10,
            };
            priority + kind + if self.boosted(issue.project_id) { 20 } else { 0 }
        };
        let wanted = |issue: &&Issue| match among {
            Among::All => true,
            Among::Project(id) => issue.project_id == Some(id),
            Among::Nothing => false,
        };
        let ready =
            |issue: &&Issue| issue.status == IssueStatus::Todo && issue.deleted_at.is_none() && !self.blocked(issue.id);
        let mut found: Vec<_> = self
            .issues
            .iter()
            .filter(wanted)
            .filter(ready)
            .map(|issue| {
                let age = now().micros_since(issue.created_at);
                let exact = i128::from(weight(issue)) * i128::from(DAY) + i128::from(age);
                (-exact, issue.id.to_string(), weight(issue) + age / DAY)
            })
            .collect();
        found.sort();
        // A shown score never contradicts the order.
        assert!(found.is_sorted_by(|a, b| a.2 >= b.2), "{found:?}");
        found.into_iter().map(|(_, id, shown)| (id, shown)).collect()
    }

    fn run(&mut self, tx: &mut dyn Tx, cx: &Ctx, step: &Step) -> Result<(), StoreError> {
        let of = |at: usize, len: usize| at.checked_rem(len);
        match *step {
            Step::Make { days_ago, project, kind, priority, status: at } => {
                let created_at = Time::from_micros(now().as_micros() - days_ago * DAY / 2).to_millis();
                let issue = Issue {
                    kind: IssueType::ALL[kind],
                    status: status(at),
                    priority,
                    project_id: self.project(project),
                    ..blank(IssueId::draw(created_at, &mut cx.seed()), created_at)
                };
                Repo::new(tx, &tenant()).insert(&issue, now())?;
                refresh(tx, cx, None, Some(&issue))?;
                self.issues.push(issue);
            }
            Step::Status(at, to) => self.change(tx, cx, at, |issue| issue.status = status(to))?,
            Step::Weigh(at, priority, kind) => self.change(tx, cx, at, |issue| {
                issue.priority = priority;
                issue.kind = IssueType::ALL[kind];
            })?,
            Step::Move(at, project) => {
                let project = self.project(project);
                self.change(tx, cx, at, |issue| issue.project_id = project)?;
            }
            Step::Delete(at) => self.change(tx, cx, at, |issue| issue.deleted_at = Some(now()))?,
            Step::Relate(a, b, kind) => {
                let (Some(a), Some(b)) = (of(a, self.issues.len()), of(b, self.issues.len())) else { return Ok(()) };
                let (issue_id, related_issue_id) = (self.issues[a].id, self.issues[b].id);
                let kind = RelationKind::ALL[kind];
                let known = |edge: &IssueRelation| {
                    (edge.kind, edge.issue_id, edge.related_issue_id) == (kind, issue_id, related_issue_id)
                };
                if a == b || self.relations.iter().any(known) {
                    return Ok(());
                }
                let id = RelationId::draw(now(), &mut cx.seed());
                let edge = IssueRelation { id, kind, issue_id, related_issue_id, created_at: now() };
                Repo::new(tx, &tenant()).insert(&edge, now())?;
                self.relations.push(edge);
                edges_changed(tx, cx, &[issue_id, related_issue_id])?;
            }
            Step::Unrelate(at) => {
                let Some(at) = of(at, self.relations.len()) else { return Ok(()) };
                let edge = self.relations.remove(at);
                Repo::<IssueRelation>::new(tx, &tenant()).delete(edge.id.as_str())?;
                edges_changed(tx, cx, &[edge.issue_id, edge.related_issue_id])?;
            }
            Step::Boost(at, boosted) => {
                let project = &mut self.projects[at];
                project.boosted = boosted;
                put(tx, project)?;
                project_changed(tx, cx, &project.id)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        tx: &mut dyn Tx,
        cx: &Ctx,
        at: usize,
        change: impl FnOnce(&mut Issue),
    ) -> Result<(), StoreError> {
        let Some(at) = at.checked_rem(self.issues.len()) else { return Ok(()) };
        let before = self.issues[at].clone();
        // What is deleted stays so.
        if before.deleted_at.is_some() {
            return Ok(());
        }
        change(&mut self.issues[at]);
        put(tx, &self.issues[at])?;
        refresh(tx, cx, Some(&before), Some(&self.issues[at]))
    }

    fn check(&self, tx: &mut dyn Tx, among: Among) -> Result<(), StoreError> {
        let expected = self.order(among);
        let all = page(tx, &tenant(), among, 0, 200, now()).unwrap();
        let shown = |rows: Vec<super::queue::Queued>| -> Vec<(String, i64)> {
            rows.into_iter().map(|row| (row.issue.id.to_string(), row.score)).collect()
        };
        assert_eq!((shown(all.0), all.1), (expected.clone(), expected.len() as u64), "{among:?}");
        assert_eq!(best(tx, &tenant(), among)?, expected.first().map(|(id, _)| id.clone()), "{among:?}");
        for offset in 0..expected.len() {
            let part = page(tx, &tenant(), among, u32::try_from(offset).unwrap(), 2, now()).unwrap().0;
            let wanted: Vec<_> = expected.iter().skip(offset).take(2).cloned().collect();
            assert_eq!(shown(part), wanted, "{among:?} from {offset}");
        }
        Ok(())
    }
}

fn put<E: crate::store::Entity>(tx: &mut dyn Tx, value: &E) -> Result<(), StoreError> {
    let tenant = tenant();
    let mut repo = Repo::<E>::new(tx, &tenant);
    let old: Stored<E> = repo.get(&value.id())?.unwrap();
    repo.update(&old, value, now())
}

fn blank(id: IssueId, created_at: Time) -> Issue {
    Issue {
        id,
        number: 1,
        title: "t".to_owned(),
        description: None,
        kind: IssueType::Task,
        status: IssueStatus::Todo,
        priority: 0,
        parent_id: None,
        project_id: None,
        signal_source: None,
        signal_payload: None,
        hypothesis: None,
        agent_session_id: None,
        agent_summary: None,
        commits: None,
        pull_requests: None,
        label_ids: Vec::new(),
        completed_at: None,
        created_at,
        updated_at: created_at,
        deleted_at: None,
        active_at: None,
        made_in: None,
    }
}

fn replay(steps: &[Step]) {
    let store = MemoryStore::new(CATALOG);
    let steps = steps.to_vec();
    let outcome: Result<(), StoreError> = store
        .transact("test", Lane::Normal, move |tx| {
            let mut seed = Seed::new([7; 32]);
            let mut world = World::default();
            for name in ["a", "b", "c"] {
                let project = Project {
                    id: ProjectId::draw(now(), &mut seed),
                    name: name.to_owned(),
                    description: None,
                    status: ProjectStatus::Backlog,
                    health: ProjectHealth::OnTrack,
                    goal_id: None,
                    created_at: now(),
                    updated_at: now(),
                    deleted_at: None,
                    boosted: false,
                };
                Repo::new(tx, &tenant()).insert(&project, now())?;
                world.projects.push(project);
            }
            for step in &steps {
                let cx = cx(&mut seed);
                world.run(tx, &cx, step)?;
                world.check(tx, Among::All)?;
                for project in &world.projects {
                    world.check(tx, Among::Project(project.id))?;
                }
                world.check(tx, Among::Nothing)?;
            }
            Ok(())
        })
        .wait();
    assert_eq!(outcome, Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_what_the_contract_says_whatever_happened(steps in prop::collection::vec(step(), 1..60)) {
        replay(&steps);
    }

    #[test]
    fn a_rank_sorts_by_its_bytes(a in any::<i64>(), b in any::<i64>()) {
        let of = |micros: i64| Rank::of(&blank(IssueId::draw(now(), &mut Seed::new([1; 32])), Time::from_micros(micros)));
        let (a, b) = (of(a), of(b));
        prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        prop_assert_eq!(Rank::from_bytes(a.to_bytes()), a);
        prop_assert!(a.with_goal(true) <= a.with_goal(false));
    }
}

#[test]
fn a_goal_moves_one_row_however_many_issues_its_project_has() {
    let store = MemoryStore::new(CATALOG);
    let outcome: Result<(), StoreError> = store
        .transact("test", Lane::Normal, |tx| {
            let mut seed = Seed::new([9; 32]);
            let cx = cx(&mut seed);
            let project = ProjectId::draw(now(), &mut seed);
            for _ in 0..50 {
                let id = IssueId::draw(now(), &mut seed);
                let issue = Issue { project_id: Some(project), ..blank(id, now()) };
                Repo::new(tx, &tenant()).insert(&issue, now())?;
                refresh(tx, &cx, None, Some(&issue))?;
            }
            assert_eq!(ready::heads(tx, &tenant(), None, 10)?.len(), 1);
            assert_eq!(ready::count(tx, &tenant(), None)?, 50);
            Ok(())
        })
        .wait();
    assert_eq!(outcome, Ok(()));
}
