//! An agent that works off issues: it claims the best one with a lease, gives signs of life, completes it and says what
//! its prompt was worth. One that is killed loses nothing: its lease ends and the issue is handed out again.
//!
//! ```text
//! cargo run -p loop-examples --bin agent_worker
//! ```

use std::{
    error::Error,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use loop_core::{
    access::Caller,
    base::{
        host::SystemHost,
        secret::{MasterKey, Secret},
    },
    dispatch::{
        DispatchError,
        lease::{self, Completion},
        next::{self, Dispatched, Means},
        queue::Among,
    },
    engine::{Engine, bootstrap},
    prompt::review::{self, NewReview},
    store::{Lane, StoreExt, wait},
    work::{
        AuthorType, IssueStatus, IssueType,
        claim::Terms,
        issue::{self, NewIssue},
    },
};
use loop_store_sqlite::{Options, SqliteStore};

type Failure = Box<dyn Error>;

const KEY: &str = "tl_an_example_of_a_key_that_nobody_else_has";
/// Names the file to the worker that will be killed.
const FILE: &str = "AGENT_WORKER_FILE";
/// How long a worker may be silent, in seconds.
const LEASE: u32 = 2;

fn open(file: &Path) -> Result<(Engine, Caller), Failure> {
    let store = Arc::new(SqliteStore::open(file, Options::default())?);
    let engine = Engine::new(store, Arc::new(SystemHost), MasterKey::from_text("keep this one well"));
    wait(bootstrap(&engine, Some(Secret::new(KEY))))?;
    let caller = wait(engine.authenticate(KEY))?;
    Ok((engine, caller))
}

/// Takes the best issue, if there is one.
fn claim(engine: &Engine, caller: &Caller, agent: &str) -> Result<Option<Dispatched>, Failure> {
    let terms = Terms { lease_seconds: Some(LEASE), agent: Some(agent.to_owned()), session: None };
    let master = engine.master().clone();
    let taken = engine.write(engine.context(caller.clone())?, "dispatch.next", move |tx, cx| {
        next::next(tx, cx, Among::All, &terms, Means { master: &master, loop_url: "http://localhost:3000" })
    });
    Ok(wait(taken)?)
}

/// Works on an issue: the prompt would go to a model, with signs of life while it thinks.
fn work(engine: &Engine, caller: &Caller, claimed: &Dispatched) -> Result<(), Failure> {
    let id = claimed.issue.id.to_string();
    let token = claimed.token.as_ref().ok_or("a claim without a lease")?.secret.clone();
    let (chosen, context) = claimed.prompt.as_ref().ok_or("no template fits")?;
    let prompt = engine.renderer().render(&chosen.version, context)?;
    println!("  works on #{} with a prompt of {} lines", claimed.issue.number, prompt.lines().count());

    let (beaten, held) = (id.clone(), token.clone());
    let until = wait(engine.write(engine.context(caller.clone())?, "dispatch.heartbeat", move |tx, cx| {
        lease::heartbeat(tx, cx, &beaten, held.expose(), None)
    }))?;
    println!("  is alive, and holds it until {until}");

    let done = id.clone();
    let completion = Completion { canceled: false, summary: Some("looked, found, mended".to_owned()) };
    wait(engine.write(engine.context(caller.clone())?, "dispatch.complete", move |tx, cx| {
        lease::complete(tx, cx, &done, token.expose(), &completion)
    }))?;

    let said = NewReview {
        version_id: chosen.version.id.to_string(),
        issue_id: id,
        clarity: 5,
        completeness: 4,
        relevance: 5,
        feedback: None,
        author_type: AuthorType::Agent,
    };
    wait(engine.write(engine.context(caller.clone())?, "review.create", move |tx, cx| {
        review::create(tx, cx, &said).map(drop)
    }))?;
    println!("  is done, and has said what the prompt was worth");
    Ok(())
}

/// The worker that is killed: it claims, and never comes to an end.
fn doomed(file: &Path) -> Result<(), Failure> {
    let (engine, caller) = open(file)?;
    let claimed = claim(&engine, &caller, "doomed")?.ok_or("nothing is ready")?;
    println!("claimed {}", claimed.issue.id);
    loop {
        thread::park();
    }
}

fn main() -> Result<(), Failure> {
    if let Some(file) = std::env::var_os(FILE) {
        return doomed(Path::new(&file));
    }
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("loop.db");
    let (engine, caller) = open(&file)?;
    wait(engine.write(engine.context(caller.clone())?, "issue.create", |tx, cx| {
        let new = NewIssue {
            status: IssueStatus::Todo,
            priority: 1,
            ..NewIssue::titled("Checkout answers 502", IssueType::Task)
        };
        issue::create(tx, cx, &new).map(drop)
    }))?;

    println!("a worker in a process of its own");
    let mut child = Command::new(std::env::current_exe()?).env(FILE, &file).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    println!("  {}", line.trim());
    child.kill()?;
    child.wait()?;
    println!("  was killed");
    let held = claim(&engine, &caller, "heir")?.is_none();
    println!("its issue is {}", if held { "held until its lease ends" } else { "free at once" });

    // A server does this for itself; whoever embeds the core does it now and then.
    let mut handled = 0;
    while handled == 0 {
        thread::sleep(Duration::from_millis(100));
        let (now, seed) = (engine.now(), engine.seed()?);
        handled = engine
            .store()
            .transact("lease.sweep", Lane::Normal, move |tx| lease::sweep(tx, now, 100, &mut seed.clone()))
            .wait()
            .map_err(|error: DispatchError| error)?;
    }
    println!("the lease ended: another worker is given it");
    let claimed = claim(&engine, &caller, "heir")?.ok_or("the issue was lost")?;
    let again = line.trim().ends_with(claimed.issue.id.as_str());
    work(&engine, &caller, &claimed)?;
    let nothing = claim(&engine, &caller, "heir")?.is_none();

    if held && again && nothing { Ok(()) } else { Err("the example did not go as it says".into()) }
}
