//! Issues handed out to many at once while others change what is best: the log is played through a model of the
//! contract, and nothing is lost when the process is killed.

#![cfg(test)]

mod replay;

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread,
};

use loop_core::{
    access::{Caller, Ctx},
    audit::{self, Event},
    base::{
        Seed, TenantId, Time,
        id::{IssueId, ProjectId},
        secret::MasterKey,
    },
    dispatch::{
        DispatchError,
        lease::{self, Completion},
        next::{self, Dispatched, Means},
        queue::{self, Among},
    },
    engine::CATALOG,
    store::{Lane, Repo, StoreExt, Stored, Tx},
    work::{
        Issue, IssueStatus, IssueType, Project, ProjectHealth, ProjectStatus, RelationKind, WorkError,
        claim::Terms,
        issue::{self, NewIssue, Patch},
        ready, relation,
    },
};
use loop_store_sqlite::{Options, SqliteStore};
use replay::{BOOST, Model};

const START: i64 = 1_800_000_000_000_000;
const PROJECTS: usize = 5;

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// The store, a clock that every step moves, and seeds that no two steps share.
struct House {
    store: SqliteStore,
    now: AtomicI64,
    seeds: AtomicU64,
}

impl House {
    fn open(file: &Path, start: i64, options: Options) -> Self {
        let store = SqliteStore::open(file, options).unwrap();
        Self { store, now: AtomicI64::new(start), seeds: AtomicU64::new(start.unsigned_abs()) }
    }

    fn seed(&self) -> Seed {
        let mut key = [7; 32];
        key[..8].copy_from_slice(&self.seeds.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Seed::new(key)
    }

    fn run<T: Send + 'static>(
        &self,
        who: &str,
        mut work: impl FnMut(&mut dyn Tx, &Ctx) -> Result<T, DispatchError> + Send + 'static,
    ) -> Result<T, DispatchError> {
        let now = Time::from_micros(self.now.fetch_add(3_000, Ordering::Relaxed));
        let seed = self.seed();
        let mut caller = Caller::system(TenantId::default_tenant(), "test");
        caller.name = who.into();
        self.store
            .transact("test", Lane::Normal, move |tx| work(tx, &Ctx::new(caller.clone(), now, seed.clone())))
            .wait()
    }

    fn projects(&self) -> Vec<ProjectId> {
        (0..PROJECTS)
            .map(|_| {
                self.run("setter", |tx, cx| {
                    let project = Project {
                        id: ProjectId::draw(cx.now, &mut cx.seed()),
                        name: "p".to_owned(),
                        description: None,
                        status: ProjectStatus::Active,
                        health: ProjectHealth::OnTrack,
                        goal_id: None,
                        created_at: cx.now,
                        updated_at: cx.now,
                        deleted_at: None,
                        boosted: false,
                    };
                    Repo::new(tx, cx.tenant()).insert(&project, cx.now)?;
                    Ok(project.id)
                })
                .unwrap()
            })
            .collect()
    }

    fn make(&self, dice: &mut Dice, projects: &[ProjectId]) -> IssueId {
        let new = NewIssue {
            status: IssueStatus::Todo,
            priority: u8::try_from(dice.roll(5)).unwrap(),
            project_id: projects.get(dice.roll(PROJECTS + 1)).map(ToString::to_string),
            ..NewIssue::titled("work", IssueType::ALL[dice.roll(5)])
        };
        self.run("setter", move |tx, cx| Ok(issue::create(tx, cx, &new)?.id)).unwrap()
    }

    fn next(&self, who: &str, seconds: u32) -> Option<Dispatched> {
        let terms = Terms { lease_seconds: Some(seconds), ..Terms::default() };
        let master = MasterKey::new([3; 32]);
        self.run(who, move |tx, cx| {
            next::next(tx, cx, Among::All, &terms, Means { master: &master, loop_url: "http://localhost" })
        })
        .unwrap()
    }

    /// Whether the token still held the claim.
    fn complete(&self, who: &str, claimed: &Dispatched) -> bool {
        let (id, token) = (claimed.issue.id.to_string(), claimed.token.clone().unwrap().secret);
        let ended = self.run(who, move |tx, cx| {
            lease::complete(tx, cx, &id, token.expose(), &Completion { canceled: false, summary: None })
        });
        held(ended)
    }

    fn release(&self, who: &str, claimed: &Dispatched) -> bool {
        let (id, token) = (claimed.issue.id.to_string(), claimed.token.clone().unwrap().secret);
        held(self.run(who, move |tx, cx| lease::release(tx, cx, &id, token.expose(), None)))
    }

    fn beat(&self, who: &str, claimed: &Dispatched) -> bool {
        let (id, token) = (claimed.issue.id.to_string(), claimed.token.clone().unwrap().secret);
        held(self.run(who, move |tx, cx| lease::heartbeat(tx, cx, &id, token.expose(), None)))
    }

    fn sweep(&self) -> u32 {
        let seed = self.seed();
        self.run("lease", move |tx, cx| lease::sweep(tx, cx.now, 100, &mut seed.clone())).unwrap()
    }

    /// Whether nothing is ready and nobody holds anything.
    fn over(&self) -> bool {
        self.run("test", |tx, cx| {
            Ok(queue::best(tx, cx.tenant(), Among::All)?.is_none() && lease::next_end(tx)?.is_none())
        })
        .unwrap()
    }

    /// One change of what is best.
    fn meddle(&self, dice: &mut Dice, issues: &[IssueId], projects: &[ProjectId]) {
        let one = issues[dice.roll(issues.len())].to_string();
        let done = match dice.roll(6) {
            0 | 1 => {
                let patch = Patch {
                    priority: Some(u8::try_from(dice.roll(5)).unwrap()),
                    kind: Some(IssueType::ALL[dice.roll(5)]),
                    ..Patch::default()
                };
                self.run("meddler", move |tx, cx| loop_core::dispatch::change_issue(tx, cx, &one, &patch).map(drop))
            }
            2 => {
                let project_id = Some(projects.get(dice.roll(PROJECTS + 1)).map(ToString::to_string));
                let patch = Patch { project_id, ..Patch::default() };
                self.run("meddler", move |tx, cx| loop_core::dispatch::change_issue(tx, cx, &one, &patch).map(drop))
            }
            3 | 4 => {
                let other = issues[dice.roll(issues.len())].to_string();
                let kind = RelationKind::ALL[dice.roll(4)];
                self.run("meddler", move |tx, cx| match relation::create(tx, cx, &one, kind, &other) {
                    // Circles, repetitions and issues related to themselves are refused: nothing happened.
                    Ok(_) | Err(WorkError::Unprocessable(_) | WorkError::Conflict(_)) => Ok(()),
                    Err(error) => Err(error.into()),
                })
            }
            _ => {
                let project = projects[dice.roll(PROJECTS)];
                let boosted = dice.roll(2) == 0;
                self.run("meddler", move |tx, cx| {
                    let mut repo = Repo::<Project>::new(tx, cx.tenant());
                    let old: Stored<Project> = repo.get(project.as_str())?.unwrap();
                    repo.update(&old, &Project { boosted, ..old.value.clone() }, cx.now)?;
                    ready::project_changed(tx, cx, &project)?;
                    let body = serde_json::json!({ "project": project, "boosted": boosted }).to_string();
                    audit::append(tx, cx, &Event::change(BOOST, &body))?;
                    Ok(())
                })
            }
        };
        done.unwrap();
    }
}

/// Whether a token held; anything else than a spent one is a defect.
fn held<T>(outcome: Result<T, DispatchError>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(DispatchError::Spent) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Works until nothing is left: most issues are completed, some given back, some abandoned.
fn work(house: &House, who: &str, dice: &mut Dice, settled: &AtomicBool, done: impl Fn(&Issue)) {
    loop {
        let Some(claimed) = house.next(who, 2) else {
            // A lease may end yet, also one that was abandoned here.
            house.now.fetch_add(100_000, Ordering::Relaxed);
            house.sweep();
            if settled.load(Ordering::SeqCst) && house.over() {
                return;
            }
            thread::yield_now();
            continue;
        };
        match dice.roll(20) {
            0 => {}
            1 => {
                house.release(who, &claimed);
            }
            2 => {
                // What a beat says holds for the completion only if nobody's clock ran on meanwhile.
                house.beat(who, &claimed);
                if house.complete(who, &claimed) {
                    done(&claimed.issue);
                }
            }
            _ => {
                if house.complete(who, &claimed) {
                    done(&claimed.issue);
                }
            }
        }
    }
}

#[test]
fn sixty_four_drain_ten_thousand_while_others_change_what_is_best() {
    const ISSUES: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let house = Arc::new(House::open(&folder.path().join("loop.db"), START, Options::new(CATALOG)));
    let projects = house.projects();
    let makers: Vec<_> = (0..8)
        .map(|maker| {
            let (house, projects) = (Arc::clone(&house), projects.clone());
            thread::spawn(move || {
                let mut dice = Dice(0x9e37_79b9 + maker);
                (0..ISSUES / 8).map(|_| house.make(&mut dice, &projects)).collect::<Vec<_>>()
            })
        })
        .collect();
    let issues: Arc<[IssueId]> = makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect();
    let settled = Arc::new(AtomicBool::new(false));
    let completed = Arc::new(AtomicU64::new(0));
    let claimers: Vec<_> = (0..64_u64)
        .map(|claimer| {
            let (house, settled, completed) = (Arc::clone(&house), Arc::clone(&settled), Arc::clone(&completed));
            thread::spawn(move || {
                let who = format!("claimer {claimer}");
                work(&house, &who, &mut Dice(0xabcd_ef01 + claimer), &settled, |_| {
                    completed.fetch_add(1, Ordering::Relaxed);
                });
            })
        })
        .collect();
    let writers: Vec<_> = (0..8_u64)
        .map(|writer| {
            let (house, issues, projects) = (Arc::clone(&house), Arc::clone(&issues), projects.clone());
            thread::spawn(move || {
                let mut dice = Dice(0x1234_5678 + writer);
                for _ in 0..250 {
                    house.meddle(&mut dice, &issues, &projects);
                    house.sweep();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    settled.store(true, Ordering::SeqCst);
    while !house.over() {
        house.sweep();
    }
    for claimer in claimers {
        claimer.join().unwrap();
    }
    let model = Model::of(&house.store);
    assert_eq!((model.completed.len(), model.left()), (ISSUES, 0));
    assert_eq!(completed.load(Ordering::Relaxed), ISSUES as u64, "one completion was told for each issue");
    assert!(model.expired > 100 && model.claims > ISSUES as u64, "{} claims, {} expired", model.claims, model.expired);
}

/// Names the file to the child.
const FILE: &str = "LOOP_DISPATCH_TEST_FILE";
/// Tells the child its clock.
const CLOCK: &str = "LOOP_DISPATCH_TEST_CLOCK";
const KILLED: usize = 1_500;

#[test]
fn nothing_is_lost_when_those_who_work_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.db");
    {
        let house = House::open(&file, START, Options::new(CATALOG));
        let projects = house.projects();
        let mut dice = Dice(77);
        for _ in 0..KILLED {
            house.make(&mut dice, &projects);
        }
    }
    let mut acknowledged = BTreeSet::new();
    let mut dice = Dice(99);
    // Each life begins after every lease of the one before.
    let mut clock = START + 1_000_000_000;
    for _ in 0..8 {
        clock += 1_000_000_000;
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["child_that_works", "--exact", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .env(CLOCK, clock.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut seen, enough) = (String::new(), 0, 20 + dice.roll(100));
        let mut alive = true;
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(id) = line.strip_prefix("done ").and_then(|line| line.strip_suffix('\n')) {
                assert!(acknowledged.insert(id.to_owned()), "`{id}` was completed twice");
                seen += 1;
            }
            if alive && seen >= enough {
                child.kill().unwrap();
                alive = false;
            }
            line.clear();
        }
        child.wait().unwrap();
        let house = House::open(&file, clock, Options::new(CATALOG));
        let model = Model::of(&house.store);
        assert!(acknowledged.iter().all(|id| model.completed.contains(id)), "acknowledged and lost");
    }
    // What the dead held comes back, and the rest is done.
    let house = House::open(&file, clock + 1_000_000_000, Options::new(CATALOG));
    while house.sweep() > 0 {}
    work(&house, "heir", &mut Dice(5), &AtomicBool::new(true), |_| ());
    while !house.over() {
        house.now.fetch_add(1_000_000, Ordering::Relaxed);
        house.sweep();
        work(&house, "heir", &mut Dice(6), &AtomicBool::new(true), |_| ());
    }
    let model = Model::of(&house.store);
    assert_eq!((model.completed.len(), model.left()), (KILLED, 0));
    assert!(acknowledged.len() >= 160, "{} were acknowledged", acknowledged.len());
}

#[test]
#[ignore = "the process that the test above kills"]
fn child_that_works() {
    let (Ok(file), Ok(clock)) = (env::var(FILE), env::var(CLOCK)) else { panic!("started by hand") };
    // A short log, so that kills also fall while it is moved into the file.
    let options = Options { log_pages: 100, ..Options::new(CATALOG) };
    let house = Arc::new(House::open(Path::new(&file), clock.parse().unwrap(), options));
    while house.sweep() > 0 {}
    let claimers: Vec<_> = (0..8_u64)
        .map(|claimer| {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                let who = format!("child {claimer}");
                work(&house, &who, &mut Dice(0xfeed + claimer), &AtomicBool::new(false), |issue| {
                    writeln!(std::io::stdout().lock(), "done {}", issue.id).unwrap();
                });
            })
        })
        .collect();
    for claimer in claimers {
        claimer.join().unwrap();
    }
}
