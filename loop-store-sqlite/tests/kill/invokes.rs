//! Calls of tools: killed in the middle of two hundred at once, no credit is lost, made or held for nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use loop_core::{
    access::{Caller, Mode, Plan, Scope, key, loops},
    audit,
    base::{Host, TenantId, host::SystemHost, id::LoopId, json::Doc, secret::MasterKey, secret::Secret},
    credit::{self, CreditError, RESERVED_SECONDS},
    engine::{CATALOG, Engine, InvokeError, Request, bootstrap},
    invoke::{self, Answering, CallError, Fault, Invocation, InvocationStatus, Job, Provider},
    store::{Completer, Lane, RecordQuery, Repo, StoreExt, Stored, Ticket, Tx, wait},
};
use loop_store_sqlite::{Options, SqliteStore};
use serde_json::json;

const ROUNDS: u64 = 8;
/// How many calls are under way at once.
const CALLERS: usize = 200;
/// How many of them are with their provider when the process dies.
const INSIDE: usize = 60;
const COST: u64 = 3;
/// What is granted when there is too little, so that wallets run dry all the time.
const GRANT: u64 = 150;
const ADMIN: &str = "tl_kill_0123456789abcdef0123456789abcdef";
/// Names the file to the child.
const FILE: &str = "LOOP_KILL_TEST_FILE";
/// The key that the child calls with, and the loop it belongs to.
const KEY: &str = "LOOP_KILL_TEST_KEY";
const LOOP: &str = "LOOP_KILL_TEST_LOOP";

fn open(file: &Path) -> Engine {
    let store = SqliteStore::open(file, Options { log_pages: 100, ..Options::new(CATALOG) }).unwrap();
    Engine::new(Arc::new(store), Arc::new(SystemHost), MasterKey::new([9; 32]))
}

fn write<T: Send + 'static>(
    engine: &Engine,
    by: &Caller,
    work: impl FnMut(&mut dyn Tx, &loop_core::access::Ctx) -> Result<T, CallError> + Send + 'static,
) -> T {
    let cx = engine.context(by.clone()).unwrap();
    wait(engine.write(cx, "kill.write", work)).unwrap()
}

/// A file with a loop, its key and a tool that costs something.
fn prepare(file: &Path) -> (LoopId, String) {
    let engine = open(file);
    wait(bootstrap(&engine, Some(Secret::new(ADMIN)))).unwrap();
    let admin = wait(engine.authenticate(ADMIN)).unwrap();
    let new = loops::NewLoop {
        tag: Some("ann".into()),
        kind: loops::LoopKind::Developer,
        owner_id: Some("ann".into()),
        parent: None,
        skills: Vec::new(),
        permissions: None,
        plan: Some(Plan::Pro),
        risk_ceiling: None,
        spend_limit: None,
    };
    let scopes = [Scope::ToolsInvoke, Scope::ToolsPublish].into_iter().collect();
    let (id, token) = write(&engine, &admin, move |tx, cx| {
        let made = loops::create(tx, cx, &new)?;
        let new = key::NewKey { loop_id: Some(made.id), form: key::Form::Live, ..key::NewKey::operator("k", scopes) };
        let minted = key::mint(tx, cx.tenant(), &new, cx.now, &mut cx.seed())?;
        Ok((made.id, minted.token.expose().to_owned()))
    });
    let ann = wait(engine.authenticate(&token)).unwrap();
    let manifest = json!({
        "name": "find_leads", "description": "x", "category": "sales", "riskLevel": "low",
        "requiresApprovalDefault": false, "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object", "required": ["found"]}, "providerType": "native",
        "visibility": "private", "version": "1.0.0", "creditCost": COST,
    });
    wait(engine.publish_tool(&ann, serde_json::from_value(manifest).unwrap())).unwrap();
    (id, token)
}

/// What the child said: what it was answered for each call, and whether it was charged.
#[derive(Default)]
struct Acknowledged {
    calls: BTreeMap<String, (InvocationStatus, u64)>,
    granted: u64,
}

impl Acknowledged {
    /// Reads a line; whether it acknowledged something.
    fn read(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["done", id, charged] => {
                let charged = charged.parse().unwrap();
                self.calls.insert((*id).to_owned(), (InvocationStatus::Succeeded, charged));
            }
            ["failed", id] => {
                self.calls.insert((*id).to_owned(), (InvocationStatus::Failed, 0));
            }
            ["granted"] => self.granted += GRANT,
            ["odd", ..] => panic!("{line}"),
            _ => return false,
        }
        true
    }
}

#[test]
fn credits_neither_leak_nor_go_below_zero_when_two_hundred_calls_are_killed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loop.db");
    let (id, token) = prepare(&file);
    let mut acknowledged = Acknowledged::default();
    let (mut dice, mut abandoned) = (0x9e37_79b9_7f4a_7c15_u64, 0);
    for round in 0..ROUNDS {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let enough = 50 + dice % 300;
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["invokes::child_that_calls", "--exact", "--ignored", "--nocapture"])
            .envs([(FILE, file.as_os_str()), (KEY, token.as_ref()), (LOOP, id.to_string().as_ref())])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut seen, mut alive) = (String::new(), 0, true);
        // Past the kill, what is still in the pipe was acknowledged too; a line that was cut off was not.
        while lines.read_line(&mut line).unwrap() > 0 {
            if line.ends_with('\n') && acknowledged.read(&line) {
                seen += 1;
            }
            if alive && seen >= enough {
                child.kill().unwrap();
                alive = false;
            }
            line.clear();
        }
        assert!(!alive, "the child of round {round} ended by itself: {}", child.wait().unwrap());
        child.wait().unwrap();
        abandoned += check(&file, id, &acknowledged);
    }
    assert!(abandoned > INSIDE, "only {abandoned} calls were under way when their process died");
    let ends = |wanted| acknowledged.calls.values().filter(|(status, _)| *status == wanted).count();
    let (done, failed) = (ends(InvocationStatus::Succeeded), ends(InvocationStatus::Failed));
    assert!(done > 100 && failed > 50, "{done} succeeded and {failed} failed");
}

/// Everything that is in the books.
struct Books {
    calls: Vec<Invocation>,
    wallet: credit::Wallet,
    granted: u64,
}

impl Books {
    fn open(engine: &Engine, id: LoopId) -> Self {
        let read = engine.store().read("kill.books", move |tx| {
            let t = TenantId::default_tenant();
            let all = RecordQuery { limit: u32::MAX, ..RecordQuery::default() };
            let calls: Vec<Stored<Invocation>> = Repo::new(tx, &t).list(&all)?;
            let changes = audit::page(tx, &t, audit::CHANGES, &audit::Filter::default(), u32::MAX, 0);
            let granted = changes.unwrap().into_iter().filter(|entry| entry.op.as_deref() == Some("credit.grant"));
            let amount = |entry: audit::AuditEntry| {
                let body: serde_json::Value = serde_json::from_str(&entry.body.unwrap()).unwrap();
                body["amount"].as_u64().unwrap()
            };
            Ok::<_, CallError>(Self {
                calls: calls.into_iter().map(|stored| stored.value).collect(),
                wallet: credit::balance(tx, &t, id)?.unwrap_or_default(),
                granted: granted.map(amount).sum(),
            })
        });
        read.wait().unwrap()
    }

    fn sum(&self, status: InvocationStatus, of: impl Fn(&Invocation) -> u64) -> u64 {
        self.calls.iter().filter(|call| call.status == status).map(of).sum()
    }

    /// Whether everything adds up: what is there is what was granted less what was charged, and only what runs holds
    /// something back.
    fn balance(&self) {
        let charged = self.sum(InvocationStatus::Succeeded, |call| call.charged);
        let held = self.sum(InvocationStatus::Running, |call| call.reserved);
        let wallet = self.wallet;
        assert!(wallet.balance >= 0 && wallet.reserved >= 0 && wallet.available() >= 0, "{wallet:?}");
        assert_eq!(u64::try_from(wallet.balance).unwrap(), self.granted - charged, "{wallet:?}");
        assert_eq!(u64::try_from(wallet.reserved).unwrap(), held, "{wallet:?}");
        for call in &self.calls {
            let whole = match call.status {
                InvocationStatus::Succeeded => call.charged == COST && call.proofs.len() == 1,
                _ => call.charged == 0 && call.proofs.is_empty(),
            };
            assert!(whole, "{call:?}");
        }
    }
}

/// Opens the file after the kill; answers how many calls had been under way.
fn check(file: &Path, id: LoopId, acknowledged: &Acknowledged) -> usize {
    let engine = open(file);
    let found = Books::open(&engine, id);
    found.balance();
    assert!(found.granted >= acknowledged.granted, "an acknowledged grant was lost");
    let known: BTreeMap<String, &Invocation> = found.calls.iter().map(|call| (call.id.to_string(), call)).collect();
    for (id, (status, charged)) in &acknowledged.calls {
        let call = known.get(id).unwrap_or_else(|| panic!("`{id}` was acknowledged and lost"));
        assert_eq!((call.status, call.charged), (*status, *charged), "{call:?}");
    }
    let running = |books: &Books| books.sum(InvocationStatus::Running, |_| 1);
    let abandoned = usize::try_from(running(&found)).unwrap();

    let later = SystemHost.now().plus_seconds(RESERVED_SECONDS + 1);
    loop {
        let seed = engine.seed().unwrap();
        let swept = engine
            .store()
            .transact("kill.sweep", Lane::Normal, move |tx| invoke::sweep(tx, later, 50, &mut seed.clone()));
        if swept.wait().unwrap().handled == 0 {
            break;
        }
    }
    let swept = Books::open(&engine, id);
    swept.balance();
    assert_eq!((running(&swept), swept.wallet.reserved, swept.wallet.balance), (0, 0, found.wallet.balance));
    assert_eq!(swept.calls.len(), found.calls.len());
    abandoned
}

/// Lets a call out once enough others have come in, so that many are always inside, and has them end in every way.
#[derive(Default)]
struct Turnstile {
    inside: Mutex<VecDeque<Completer<()>>>,
    calls: AtomicU64,
}

impl Provider for Turnstile {
    fn call<'a>(&'a self, _: &'a Job) -> Answering<'a> {
        let (open, opened) = Ticket::pair();
        let oldest = {
            let mut inside = self.inside.lock().unwrap();
            inside.push_back(open);
            if inside.len() > INSIDE { inside.pop_front() } else { None }
        };
        if let Some(oldest) = oldest {
            oldest.complete(());
        }
        let dice = self.calls.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        Box::pin(async move {
            opened.wait();
            match dice {
                0 | 1 => Err(Fault::new("boom", "boom")),
                2 => Ok(b"no JSON".to_vec()),
                3 => Ok(b"{}".to_vec()),
                _ => Ok(br#"{"found":1}"#.to_vec()),
            }
        })
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

#[test]
#[ignore = "the process that the test above kills"]
fn child_that_calls() {
    let (Ok(file), Ok(token), Ok(id)) = (env::var(FILE), env::var(KEY), env::var(LOOP)) else {
        panic!("started by hand")
    };
    let engine = open(Path::new(&file));
    let (ann, admin) = (wait(engine.authenticate(&token)).unwrap(), wait(engine.authenticate(ADMIN)).unwrap());
    let id = LoopId::parse(&id).unwrap();
    let provider = Turnstile::default();
    say("");
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let input = Doc::empty_object();
                let request = Request {
                    tool: "find_leads",
                    version: None,
                    input: input.root(),
                    mode: Mode::Guided,
                    task: None,
                    approval: None,
                    reason: None,
                };
                loop {
                    match wait(engine.invoke(&ann, &request, &provider)) {
                        Ok(invoked) => say(&format!("done {} {}", invoked.call.id, invoked.call.charged)),
                        Err(InvokeError::Provider { call, .. }) => say(&format!("failed {}", call.id)),
                        Err(InvokeError::Call(CallError::Credit(CreditError::Insufficient { .. }))) => {
                            write(&engine, &admin, move |tx, cx| Ok(credit::grant(tx, cx, id, GRANT)?));
                            say("granted");
                        }
                        Err(other) => say(&format!("odd {other}")),
                    }
                }
            });
        }
    });
}
