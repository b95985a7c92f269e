//! A loop's own tasks and their jobs.

use super::{
    super::{
        JobStatus, NewJob, TaskError, TaskStatus,
        tasks::{self, NewTask, Patch},
    },
    world::{World, to},
};
use crate::{
    access::Mode,
    base::{Code, id::LoopId},
    proof::{Level, Proof},
};

#[test]
fn completion_counts_as_verified_only_with_a_real_proof_that_the_server_could_check() {
    let world = World::new();
    let team = world.team();
    let checked = |proof: Proof| Proof { level: Level::V1, ..proof };
    for (mode, make, end) in [
        (Mode::Guided, None, TaskStatus::CompletedUnverified),
        (Mode::Guided, Some((false, Level::V0)), TaskStatus::CompletedUnverified),
        (Mode::Autopilot, Some((true, Level::V1)), TaskStatus::CompletedUnverified),
        (Mode::Guided, Some((false, Level::V1)), TaskStatus::Completed),
        (Mode::Sandbox, None, TaskStatus::Completed),
    ] {
        let task = world.task(team.buyer, mode, Vec::new());
        let proofs = make.map(|(simulated, level)| {
            let proof = world.prove(team.buyer, &task, None, simulated);
            if level == Level::V1 { checked(proof) } else { proof }
        });
        world.move_task(team.buyer, &task, to(TaskStatus::Running), Vec::new()).unwrap();
        let ended =
            world.move_task(team.buyer, &task, to(TaskStatus::Completed), proofs.into_iter().collect()).unwrap();
        assert_eq!(ended.status, end, "{mode}");
    }
}

#[test]
fn tasks_are_seen_by_their_loop_those_above_it_and_the_administrator() {
    let world = World::new();
    let team = world.team();
    let task = world.task(team.child, Mode::Guided, Vec::new());
    for (viewer, sees) in [
        (Some(team.child), true),
        (Some(team.buyer), true),
        (None, true),
        (Some(team.sibling), false),
        (Some(team.seller), false),
    ] {
        let id = task.id.to_string();
        let read = world.run(world.cx(viewer), move |tx, cx| tasks::get(tx, cx, &id));
        assert_eq!(read.is_ok(), sees);
        assert!(sees || read.unwrap_err() == TaskError::NoTask);
    }
    let of = |by: Option<LoopId>, of: &str| {
        let new = NewTask {
            of: Some(of.into()),
            title: "t".into(),
            domain: None,
            mode: Mode::Guided,
            plan: Vec::new(),
            jobs: Vec::new(),
        };
        world.run(world.cx(by), move |tx, cx| tasks::create(tx, cx, &new)).map(|task| task.loop_id)
    };
    assert_eq!(of(Some(team.buyer), "@child"), Ok(team.child));
    assert_eq!(of(None, "@seller"), Ok(team.seller));
    assert_eq!(of(Some(team.child), "@buyer").unwrap_err().code(), Code::InsufficientScope);
}

#[test]
fn jobs_move_with_their_task() {
    let world = World::new();
    let team = world.team();
    let named = |name: &str, before: &[&str]| NewJob {
        name: name.into(),
        tool: None,
        depends_on: before.iter().map(|name| (*name).into()).collect(),
    };
    let task = world.task(team.buyer, Mode::Guided, vec![named("a", &[]), named("b", &["a"]), named("c", &[])]);
    let ids: Vec<String> = task.jobs.iter().map(|job| job.id.to_string()).collect();
    let jobs = |moves: &[(usize, JobStatus)], status: Option<TaskStatus>| Patch {
        status,
        jobs: moves.iter().map(|(at, status)| (ids[*at].clone(), *status)).collect(),
    };
    let idle = world.move_task(team.buyer, &task, jobs(&[(0, JobStatus::Running)], None), Vec::new());
    assert_eq!(idle.unwrap_err().code(), Code::InvalidTransition);
    world.move_task(team.buyer, &task, to(TaskStatus::Running), Vec::new()).unwrap();
    let blocked = world.move_task(team.buyer, &task, jobs(&[(1, JobStatus::Running)], None), Vec::new());
    assert_eq!(blocked.unwrap_err().code(), Code::InvalidTransition);
    let steps = [(0, JobStatus::Running), (0, JobStatus::Succeeded), (1, JobStatus::Running)];
    let moved = world.move_task(team.buyer, &task, jobs(&steps, None), Vec::new()).unwrap();
    let standing = |task: &tasks::Task| task.jobs.iter().map(|job| job.status.as_str()).collect::<Vec<_>>();
    assert_eq!(standing(&moved), ["succeeded", "running", "queued"]);
    let unknown = Patch { status: None, jobs: vec![("job_none".into(), JobStatus::Running)] };
    assert_eq!(world.move_task(team.buyer, &task, unknown, Vec::new()).unwrap_err().code(), Code::NotFound);
    let ended = world.move_task(team.buyer, &task, to(TaskStatus::Failed), Vec::new()).unwrap();
    assert_eq!(standing(&ended), ["succeeded", "cancelled", "cancelled"]);
}
