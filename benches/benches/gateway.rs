//! What the proxy before language models costs, against the model itself and against hyper handing everything on.
//!
//! `cargo bench -p loop-benches --bench gateway -- [rounds [seconds]]`
//!
//! Each server is a process of its own with its default two workers; the clients are threads of this one and share the
//! cores with them. The model answers at once. `loop-server` runs as it is shipped: keys checked, every answer read,
//! its verdict written into it. How long a process sleeps between two requests of one client is the machine's affair, so
//! what is added is held against the bare proxy, which sleeps as often. Another gateway is measured beside it when `LOOP_BENCH_GATEWAY` holds a shell command
//! that starts one on `127.0.0.1:$PORT` before the model at `$UPSTREAM` (an OpenAI base URL).

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use loop_benches::{
    Outcome, first_text, load,
    process::{Role, Server, request, serve_if_asked},
    report::{Plan, bounded, checking, median},
};

const PATH: &str = "/v1/chat/completions";
const WHOLE: &str = r#"{"model":"gpt-4.1","messages":[{"role":"user","content":"Is anything open from this supplier? Look at the invoices of this quarter."}],"temperature":0.2}"#;
const STREAMED: &str = r#"{"model":"gpt-4.1","messages":[{"role":"user","content":"Is anything open from this supplier? Look at the invoices of this quarter."}],"temperature":0.2,"stream":true}"#;
/// The command that starts another gateway.
const BESIDE: &str = "LOOP_BENCH_GATEWAY";
/// What may be added beside what a bare proxy adds, in microseconds: 100 are promised where that one adds 30.
const ADDED: f64 = 70.0;
/// How many requests come before memory is looked at.
const REQUESTS: f64 = 100_000.0;
/// How long another gateway may take to start.
const STARTS: (u32, Duration) = (600, Duration::from_millis(100));

fn main() -> Outcome<()> {
    if serve_if_asked()? {
        return Ok(());
    }
    let plan = Plan::read()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let model = Server::start(Role::Model, folder.path())?;
    let floor = Server::before(Role::Proxy, folder.path(), Some(model.address))?;
    let ours = Server::before(Role::Loop, folder.path(), Some(model.address))?;
    for server in [&floor, &ours] {
        let (status, answer) = server.ask("POST", PATH, WHOLE)?;
        if status != 200 {
            return Err(answer.into());
        }
    }
    let beside = Beside::start(model.address)?;
    let mut places = vec![("the model", model.address), ("bare proxy", floor.address), ("loop-server", ours.address)];
    places.extend(beside.as_ref().map(|beside| ("the other", beside.address)));

    let [whole, streamed] = [WHOLE, STREAMED].map(|body| request("POST", PATH, body, "keep-alive"));
    let one = rounds(&plan, &places, |address| Ok(load::run(address, &whole, 1, plan.window)?.p50))?;
    let first = rounds(&plan, &places, |address| first_text::run(address, &streamed, plan.window))?;
    let many = rounds(&plan, &places, |address| Ok(load::run(address, &whole, 32, plan.window)?.rate))?;
    if checking() {
        println!("gateway works");
        return Ok(());
    }
    for (place, (name, _)) in places.iter().enumerate() {
        println!(
            "{name:<44} p50 of one client {:>7.0} µs, first text {:>7.0} µs, 32 clients {:>9.0} /s",
            middle(&one, |round| at(round, place)),
            middle(&first, |round| at(round, place)),
            middle(&many, |round| at(round, place)),
        );
    }
    for (what, rounds) in [("added p50 of one client", &one), ("added to the first text", &first)] {
        let over = |place| middle(rounds, |round| at(round, 2) - at(round, place));
        println!("{what:<44} over the model {:>7.0} µs, of which a bare proxy {:>7.0} µs", over(0), over(0) - over(1));
        bounded(&format!("{what}, over a bare proxy"), over(1), "µs", ADDED);
    }
    let share = middle(&many, |round| at(round, 2) / at(round, 1));
    let verdict = if share >= 0.5 { "ok" } else { "MISS" };
    println!("{:<44} of the bare proxy {share:>5.2}  budget  0.50  {verdict}", "32 clients");
    let mut asked = 0.0;
    while asked < REQUESTS {
        asked += load::run(ours.address, &whole, 32, plan.window)?.rate * plan.window.as_secs_f64();
    }
    bounded("memory after 100,000 requests more", ours.resident()?, "MiB", 40.0);
    if beside.is_none() {
        println!("no other gateway: {BESIDE} names no command that starts one");
    }
    Ok(())
}

/// Measures every place in turn, so often as there are rounds.
fn rounds(
    plan: &Plan,
    places: &[(&str, SocketAddr)],
    measure: impl Fn(SocketAddr) -> Outcome<f64>,
) -> Outcome<Vec<Vec<f64>>> {
    let round = || places.iter().map(|(_, address)| measure(*address)).collect();
    (0..plan.rounds).map(|_| round()).collect()
}

fn at(round: &[f64], place: usize) -> f64 {
    round.get(place).copied().unwrap_or(f64::NAN)
}

fn middle(rounds: &[Vec<f64>], of: impl Fn(&[f64]) -> f64) -> f64 {
    median(&mut rounds.iter().map(|round| of(round)).collect::<Vec<f64>>())
}

/// Another gateway, ended when this is dropped.
struct Beside {
    child: Child,
    address: SocketAddr,
}

impl Beside {
    fn start(model: SocketAddr) -> Outcome<Option<Self>> {
        let Some(command) = std::env::var(BESIDE).ok().filter(|command| !command.is_empty()) else { return Ok(None) };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .env("PORT", address.port().to_string())
            .env("UPSTREAM", format!("http://{model}/v1"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let beside = Self { child, address };
        for _ in 0..STARTS.0 {
            if TcpStream::connect(address).is_ok() {
                return Ok(Some(beside));
            }
            thread::sleep(STARTS.1);
        }
        Err("the other gateway does not answer".into())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // What is not there any more need not be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
