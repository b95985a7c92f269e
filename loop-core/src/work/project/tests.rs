//! Projects and the bonus of their goals.

use proptest::prelude::*;

use super::{NewProject, PROJECTS, Project, ProjectPatch, create, delete, get, list, patch, stored};
use crate::{
    access::{Caller, Ctx},
    base::{Seed, TenantId, Time},
    engine::CATALOG,
    store::{Lane, Record, RecordQuery, StoreExt, Tx, memory::MemoryStore, wait},
    work::{
        Goal, GoalStatus, IssueStatus, IssueType, WorkError,
        goal::{self, GOALS, GoalPatch, NewGoal},
        issue::{self, NewIssue},
        overview,
    },
};

const NOW: Time = Time::from_micros(1_795_000_000_000_000);

struct World {
    store: MemoryStore,
    steps: u8,
}

impl World {
    fn new() -> Self {
        Self { store: MemoryStore::new(CATALOG), steps: 0 }
    }

    fn run<T: Send + 'static>(
        &mut self,
        work: impl Fn(&mut dyn Tx, &Ctx) -> Result<T, WorkError> + Send + 'static,
    ) -> Result<T, WorkError> {
        self.steps = self.steps.wrapping_add(1);
        let caller = Caller::system(TenantId::default_tenant(), "test");
        let cx = Ctx::new(caller, NOW.plus_seconds(self.steps.into()), Seed::new([self.steps; 32]));
        wait(self.store.transact("test", Lane::Normal, move |tx| work(tx, &cx.again())))
    }

    fn project(&mut self, goal_id: Option<&str>) -> String {
        let new = NewProject { name: "p".into(), goal_id: goal_id.map(str::to_owned), ..NewProject::default() };
        self.run(move |tx, cx| create(tx, cx, &new)).unwrap().id.to_string()
    }

    fn goal(&mut self, project_id: Option<&str>) -> String {
        let project_id = project_id.map(str::to_owned);
        let new = NewGoal { title: "g".into(), project_id, ..NewGoal::default() };
        self.run(move |tx, cx| goal::create(tx, cx, &new)).unwrap().id.to_string()
    }

    /// All rows of both tables, deleted ones included.
    fn rows(&mut self) -> (Vec<Project>, Vec<Goal>) {
        fn read<T: serde::de::DeserializeOwned>(rows: Vec<Record>) -> Vec<T> {
            rows.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect()
        }
        let all = RecordQuery { limit: 1_000, ..RecordQuery::default() };
        let rows =
            self.run(move |tx, cx| Ok((tx.list(&PROJECTS, cx.tenant(), &all)?, tx.list(&GOALS, cx.tenant(), &all)?)));
        let (projects, goals) = rows.unwrap();
        (read(projects), read(goals))
    }
}

#[derive(Debug, Clone)]
enum Step {
    NewProject(Option<usize>),
    NewGoal(Option<usize>),
    Serve(usize, Option<usize>),
    Aim(usize, Option<usize>),
    Stand(usize, usize),
    DropProject(usize),
    DropGoal(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || proptest::option::of(0..4_usize);
    prop_oneof![
        some().prop_map(Step::NewProject),
        some().prop_map(Step::NewGoal),
        (0..4_usize, some()).prop_map(|(project, goal)| Step::Serve(project, goal)),
        (0..4_usize, some()).prop_map(|(goal, project)| Step::Aim(goal, project)),
        (0..4_usize, 0..3_usize).prop_map(|(goal, status)| Step::Stand(goal, status)),
        (0..4_usize).prop_map(Step::DropProject),
        (0..4_usize).prop_map(Step::DropGoal),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_project_has_the_bonus_of_exactly_its_active_live_goals(steps in prop::collection::vec(step(), 1..30)) {
        let mut world = World::new();
        let (mut projects, mut goals): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let pick = |from: &[String], at: Option<usize>| at.and_then(|at| from.get(at).cloned());
        for step in steps {
            // A step that names what is not there, or no more, is refused and changes nothing.
            match step {
                Step::NewProject(goal) => {
                    let new = NewProject { name: "p".into(), goal_id: pick(&goals, goal), ..NewProject::default() };
                    projects.extend(world.run(move |tx, cx| create(tx, cx, &new)).ok().map(|made| made.id.to_string()));
                }
                Step::NewGoal(project) => {
                    let new = NewGoal { title: "g".into(), project_id: pick(&projects, project), ..NewGoal::default() };
                    goals.extend(world.run(move |tx, cx| goal::create(tx, cx, &new)).ok().map(|made| made.id.to_string()));
                }
                Step::Serve(project, goal) => {
                    let Some(id) = pick(&projects, Some(project)) else { continue };
                    let change = ProjectPatch { goal_id: Some(pick(&goals, goal)), ..ProjectPatch::default() };
                    let _ = world.run(move |tx, cx| patch(tx, cx, &id, &change));
                }
                Step::Aim(goal, project) => {
                    let Some(id) = pick(&goals, Some(goal)) else { continue };
                    let change = GoalPatch { project_id: Some(pick(&projects, project)), ..GoalPatch::default() };
                    let _ = world.run(move |tx, cx| goal::patch(tx, cx, &id, &change));
                }
                Step::Stand(goal, status) => {
                    let Some(id) = pick(&goals, Some(goal)) else { continue };
                    let change = GoalPatch { status: Some(GoalStatus::ALL[status]), ..GoalPatch::default() };
                    let _ = world.run(move |tx, cx| goal::patch(tx, cx, &id, &change));
                }
                Step::DropProject(project) => {
                    let Some(id) = pick(&projects, Some(project)) else { continue };
                    let _ = world.run(move |tx, cx| delete(tx, cx, &id));
                }
                Step::DropGoal(goal) => {
                    let Some(id) = pick(&goals, Some(goal)) else { continue };
                    let _ = world.run(move |tx, cx| goal::delete(tx, cx, &id));
                }
            }
            let (rows, wanted) = world.rows();
            let active = |goal: &&Goal| goal.deleted_at.is_none() && goal.status == GoalStatus::Active;
            for project in &rows {
                let linked = |goal: &Goal| goal.project_id == Some(project.id) || project.goal_id == Some(goal.id);
                let served = wanted.iter().filter(active).any(linked);
                prop_assert_eq!(project.boosted, served && project.deleted_at.is_none(), "{:?}", project);
            }
            let live = rows.iter().filter(|project| project.deleted_at.is_none()).count() as u64;
            let counted = world.run(|tx, cx| Ok((list(tx, cx.tenant(), 1, 0)?.1, goal::counts(tx, cx.tenant())?)));
            let (projects_now, goals_now) = counted.unwrap();
            let of = |status| wanted.iter().filter(|goal| goal.deleted_at.is_none() && goal.status == status).count() as u64;
            prop_assert_eq!(projects_now, live);
            prop_assert_eq!((goals_now.active, goals_now.achieved), (of(GoalStatus::Active), of(GoalStatus::Achieved)));
            prop_assert_eq!(goals_now.total, wanted.iter().filter(|goal| goal.deleted_at.is_none()).count() as u64);
        }
    }
}

#[test]
fn a_goal_that_is_gone_reads_as_none_and_serves_nobody_anew() {
    let mut world = World::new();
    let goal = world.goal(None);
    let project = world.project(Some(&goal));
    let read = |world: &mut World, id: &str| {
        let id = id.to_owned();
        world.run(move |tx, cx| get(tx, cx.tenant(), &id)).unwrap()
    };
    assert!(read(&mut world, &project).goal.is_some() && read(&mut world, &project).project.boosted);
    let gone = goal.clone();
    world.run(move |tx, cx| goal::delete(tx, cx, &gone)).unwrap();
    let after = read(&mut world, &project);
    assert!(after.goal.is_none() && after.project.goal_id.is_some() && !after.project.boosted);
    let new = NewProject { name: "p".into(), goal_id: Some(goal), ..NewProject::default() };
    let refused = world.run(move |tx, cx| create(tx, cx, &new)).unwrap_err();
    assert_eq!(refused.to_string(), "Goal not found");
    // A change of something else does not ask for the goal again.
    let id = project.clone();
    let renamed = ProjectPatch { name: Some("q".into()), ..ProjectPatch::default() };
    assert_eq!(world.run(move |tx, cx| patch(tx, cx, &id, &renamed)).unwrap().name, "q");
    let id = project.clone();
    world.run(move |tx, cx| delete(tx, cx, &id)).unwrap();
    assert_eq!(world.run(move |tx, cx| stored(tx, cx.tenant(), &project)).unwrap_err(), WorkError::NoProject);
}

#[test]
fn the_issues_of_a_project_are_counted_where_they_stand() {
    let mut world = World::new();
    let project = world.project(None);
    let id = project.clone();
    world
        .run(move |tx, cx| {
            for status in [IssueStatus::Todo, IssueStatus::Todo, IssueStatus::Done] {
                let titled = NewIssue::titled("i", IssueType::Task);
                issue::create(tx, cx, &NewIssue { status, project_id: Some(id.clone()), ..titled })?;
            }
            Ok(())
        })
        .unwrap();
    let counts = world.run(move |tx, cx| get(tx, cx.tenant(), &project)).unwrap().issues;
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(IssueStatus::Todo, 2), (IssueStatus::Done, 1)]);
    let now = world.run(|tx, cx| overview::standing(tx, cx.tenant(), cx.now)).unwrap();
    assert_eq!((now.completed, now.ready, now.issues.total()), (1, 2, 3));
    let later = NOW.plus_seconds(3 * 86_400);
    let then = world.run(move |tx, cx| overview::standing(tx, cx.tenant(), later)).unwrap();
    assert_eq!(then.completed, 0);
}
