//! The jobs of a task and what each waits for.

use std::collections::{HashMap, HashSet};

use super::TaskError;
use crate::base::{Seed, Time, id::JobId};

/// The most jobs of a task.
pub const MAX_JOBS: usize = 100;
/// The longest name of a job and of its tool, in characters.
pub const MAX_JOB_NAME: usize = 100;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It may begin.
    Queued,
    /// A job that it depends on has not succeeded yet.
    Blocked,
    /// Work is under way.
    Running,
    /// A human has to approve something first.
    WaitingApproval,
    /// Done.
    Succeeded,
    /// It could not be done.
    Failed,
    /// It was not needed, or can no longer begin.
    Skipped,
    /// It was called off.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Blocked,
        Self::Running,
        Self::WaitingApproval,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// The spelling on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::WaitingApproval => "waiting_approval",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing changes it any more.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// Whether the task's owner may move a job from here to `to`. What is blocked is unblocked by the jobs before it,
    /// never by hand.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Queued => matches!(to, Self::Running | Self::Skipped | Self::Cancelled),
            Self::Blocked => matches!(to, Self::Skipped | Self::Cancelled),
            Self::Running => matches!(to, Self::WaitingApproval | Self::Succeeded | Self::Failed | Self::Cancelled),
            Self::WaitingApproval => matches!(to, Self::Running | Self::Failed | Self::Cancelled),
            Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled => false,
        }
    }
}

/// A job as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewJob {
    /// Its name, unique in the task, 1 to [`MAX_JOB_NAME`] characters.
    pub name: String,
    /// The tool it will be done with.
    pub tool: Option<String>,
    /// The names of the jobs that must succeed first.
    pub depends_on: Vec<String>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its name, unique in the task.
    pub name: String,
    /// The tool it will be done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The names of the jobs that must succeed first.
    pub depends_on: Vec<String>,
    /// Where it stands.
    pub status: JobStatus,
}

/// Lays out the jobs of a new task.
///
/// # Errors
/// [`TaskError`] for too many jobs, an empty or long name, a name given twice, a dependency on nothing or on itself,
/// and dependencies in a circle.
pub fn lay_out(new: &[NewJob], now: Time, seed: &mut Seed) -> Result<Vec<Job>, TaskError> {
    if new.len() > MAX_JOBS {
        return Err(TaskError::TooMany { field: "jobs", max: MAX_JOBS });
    }
    let mut names = HashSet::new();
    for job in new {
        for (field, text) in [("jobs.name", Some(&job.name)), ("jobs.tool", job.tool.as_ref())] {
            if text.is_some_and(|text| text.is_empty() || text.chars().count() > MAX_JOB_NAME) {
                return Err(TaskError::Length { field, max: MAX_JOB_NAME });
            }
        }
        if !names.insert(job.name.as_str()) {
            return Err(TaskError::Jobs(format!("`{}` is named twice", job.name)));
        }
    }
    for job in new {
        let mut before = HashSet::new();
        for name in &job.depends_on {
            if !names.contains(name.as_str()) {
                return Err(TaskError::Jobs(format!(
                    "`{}` depends on `{}`, which there is not",
                    job.name,
                    shown(name)
                )));
            }
            if !before.insert(name) {
                return Err(TaskError::Jobs(format!("`{}` depends on `{name}` twice", job.name)));
            }
        }
    }
    refuse_circles(new)?;
    let blocked = |job: &NewJob| if job.depends_on.is_empty() { JobStatus::Queued } else { JobStatus::Blocked };
    let lay = |job: &NewJob| Job {
        id: JobId::draw(now, seed),
        name: job.name.clone(),
        tool: job.tool.clone(),
        depends_on: job.depends_on.clone(),
        status: blocked(job),
    };
    Ok(new.iter().map(lay).collect())
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_JOB_NAME).collect()
}

/// Takes away, again and again, the jobs that depend on none that is left; what stays depends on itself.
fn refuse_circles(new: &[NewJob]) -> Result<(), TaskError> {
    let mut left: Vec<&NewJob> = new.iter().collect();
    loop {
        let names: HashSet<&str> = left.iter().map(|job| job.name.as_str()).collect();
        let count = left.len();
        left.retain(|job| job.depends_on.iter().any(|name| names.contains(name.as_str())));
        match left.first() {
            None => return Ok(()),
            Some(job) if left.len() == count => {
                return Err(TaskError::Jobs(format!("`{}` depends on itself, over others or not", job.name)));
            }
            Some(_) => {}
        }
    }
}

/// Unblocks the jobs whose dependencies have succeeded, and skips those whose dependencies no longer can.
pub fn settle(jobs: &mut [Job]) {
    loop {
        let standing: HashMap<String, JobStatus> = jobs.iter().map(|job| (job.name.clone(), job.status)).collect();
        let mut moved = false;
        for job in jobs.iter_mut().filter(|job| job.status == JobStatus::Blocked) {
            let mut before = job.depends_on.iter().map(|name| standing.get(name).copied());
            let lost = before.clone().any(|status| status.is_none_or(|s| s.ended() && s != JobStatus::Succeeded));
            if lost {
                job.status = JobStatus::Skipped;
            } else if before.all(|status| status == Some(JobStatus::Succeeded)) {
                job.status = JobStatus::Queued;
            }
            moved |= job.status != JobStatus::Blocked;
        }
        if !moved {
            return;
        }
    }
}

/// Ends whatever has not ended, because the task has.
pub fn call_off(jobs: &mut [Job]) {
    for job in jobs.iter_mut().filter(|job| !job.status.ended()) {
        job.status = JobStatus::Cancelled;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Job, JobStatus, MAX_JOBS, NewJob, call_off, lay_out, settle};
    use crate::base::{Seed, Time};

    fn job(name: &str, depends_on: &[&str]) -> NewJob {
        let depends_on = depends_on.iter().map(|name| (*name).to_owned()).collect();
        NewJob { name: name.to_owned(), tool: None, depends_on }
    }

    fn laid(new: &[NewJob]) -> Result<Vec<Job>, super::TaskError> {
        lay_out(new, Time::from_micros(1_700_000_000_000_000), &mut Seed::new([5; 32]))
    }

    fn statuses(jobs: &[Job]) -> Vec<&'static str> {
        jobs.iter().map(|job| job.status.as_str()).collect()
    }

    #[test]
    fn every_pair_is_answered_as_the_matrix_says() {
        // A row per status, a column for each status it may become, in the order of `ALL`.
        let may = [
            //                   que blo run app suc fai ski can
            ("queued", "          .   .   x   .   .   .   x   x"),
            ("blocked", "         .   .   .   .   .   .   x   x"),
            ("running", "         .   .   .   x   x   x   .   x"),
            ("waiting_approval", ".   .   x   .   .   x   .   x"),
            ("succeeded", "       .   .   .   .   .   .   .   ."),
            ("failed", "          .   .   .   .   .   .   .   ."),
            ("skipped", "         .   .   .   .   .   .   .   ."),
            ("cancelled", "       .   .   .   .   .   .   .   ."),
        ];
        for (from, (name, row)) in JobStatus::ALL.into_iter().zip(may) {
            assert_eq!(from.as_str(), name);
            for (to, cell) in JobStatus::ALL.into_iter().zip(row.split_whitespace()) {
                assert_eq!(from.may_become(to), cell == "x", "{from:?} to {to:?}");
            }
            assert_eq!(from.ended(), !row.contains('x'));
        }
    }

    #[test]
    fn jobs_wait_for_those_before_them_and_are_skipped_when_those_fail() {
        let mut jobs = laid(&[job("c", &["a", "b"]), job("a", &[]), job("b", &["a"]), job("d", &["c"])]).unwrap();
        assert_eq!(statuses(&jobs), ["blocked", "queued", "blocked", "blocked"]);
        jobs[1].status = JobStatus::Succeeded;
        settle(&mut jobs);
        assert_eq!(statuses(&jobs), ["blocked", "succeeded", "queued", "blocked"]);
        jobs[2].status = JobStatus::Failed;
        settle(&mut jobs);
        assert_eq!(statuses(&jobs), ["skipped", "succeeded", "failed", "skipped"]);
    }

    #[test]
    fn what_has_not_ended_ends_with_its_task() {
        let mut jobs = laid(&[job("a", &[]), job("b", &["a"])]).unwrap();
        jobs[0].status = JobStatus::Succeeded;
        call_off(&mut jobs);
        assert_eq!(statuses(&jobs), ["succeeded", "cancelled"]);
    }

    #[test]
    fn jobs_that_make_no_sense_are_refused() {
        let many: Vec<NewJob> = (0..=MAX_JOBS).map(|n| job(&n.to_string(), &[])).collect();
        for (new, why) in [
            (vec![job("a", &["a"])], "depends on itself"),
            (vec![job("a", &["c"]), job("b", &["a"]), job("c", &["b"])], "depends on itself"),
            (vec![job("a", &["z"])], "there is not"),
            (vec![job("a", &[]), job("a", &[])], "twice"),
            (vec![job("a", &[]), job("b", &["a", "a"])], "twice"),
            (vec![job("", &[])], "jobs.name"),
            (vec![job(&"x".repeat(101), &[])], "jobs.name"),
            (vec![NewJob { tool: Some(String::new()), ..job("a", &[]) }], "jobs.tool"),
            (many, "jobs"),
        ] {
            let error = laid(&new).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(laid(&[]).unwrap().is_empty());
    }

    /// Any jobs at all: each may depend on any other and on itself.
    fn graph() -> impl Strategy<Value = Vec<NewJob>> {
        let edges = prop::collection::vec(prop::collection::btree_set(0..8_usize, 0..3), 1..8);
        edges.prop_map(|edges| {
            let count = edges.len();
            let names = |to: std::collections::BTreeSet<usize>| {
                to.into_iter().filter(|to| *to < count).map(|to| to.to_string()).collect()
            };
            let job = |(at, to)| NewJob { name: usize::to_string(&at), tool: None, depends_on: names(to) };
            edges.into_iter().enumerate().map(job).collect()
        })
    }

    proptest! {
        #[test]
        fn whatever_is_laid_out_can_be_worked_to_its_end(new in graph(), fail in any::<u8>()) {
            let Ok(mut jobs) = laid(&new) else {
                // Refused: then some job leads back to itself.
                let leads = |from: usize, seen: &mut Vec<usize>| {
                    let mut open = vec![from];
                    while let Some(at) = open.pop() {
                        for to in &new[at].depends_on {
                            let to: usize = to.parse().unwrap();
                            if !seen.contains(&to) { seen.push(to); open.push(to); }
                        }
                    }
                    seen.contains(&from)
                };
                prop_assert!((0..new.len()).any(|at| leads(at, &mut Vec::new())));
                return Ok(());
            };
            let mut turns = 0;
            while let Some(at) = jobs.iter().position(|job| job.status == JobStatus::Queued) {
                let ready = jobs[at].depends_on.iter().all(|name| {
                    jobs.iter().any(|job| job.name == *name && job.status == JobStatus::Succeeded)
                });
                prop_assert!(ready, "a job began before those it depends on had succeeded");
                jobs[at].status = if fail == u8::try_from(at).unwrap() { JobStatus::Failed } else { JobStatus::Succeeded };
                settle(&mut jobs);
                turns += 1;
                prop_assert!(turns <= jobs.len());
            }
            prop_assert!(jobs.iter().all(|job| job.status.ended()), "{:?}", statuses(&jobs));
        }
    }
}
