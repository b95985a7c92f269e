//! How long a hook takes, from the start of its process to its end.
//!
//! `cargo bench -p loop-benches --bench hook -- [rounds [seconds [case]]]`
//!
//! A coding agent waits for it before every call. Each run starts the program, hands it an event on standard input and
//! reads what it says: over TCP, over a Unix socket, on the file beside a server, and on the file alone. The floor is a
//! process that ends at once.

use std::{
    env,
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use loop_benches::{
    Outcome,
    report::{Plan, Watch, bounded, checking, median},
    workload::KEY,
};

/// What a copy of this program is: `server`, `hook` or `nothing`.
const ROLE: &str = "LOOP_BENCH_HOOK";
/// The most that a hook may take, in milliseconds.
const BUDGET: f64 = 10.0;
/// An event that nothing objects to.
const EVENT: &str = r#"{"session_id":"9f3b","transcript_path":"/home/a/.claude/projects/p/9f3b.jsonl","cwd":"/home/a/p",
"permission_mode":"default","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"cargo test -p core",
"description":"Run the tests of the core","timeout":120000},"tool_use_id":"toolu_01"}"#;

fn main() -> ExitCode {
    match env::var(ROLE).as_deref() {
        Ok("nothing") => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(loop_server::cli::run::program()),
        Err(_) => match measure() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn measure() -> Outcome<()> {
    let plan = Plan::read()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (db, socket) = (folder.path().join("loop.db"), folder.path().join("s"));
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = free.local_addr()?.to_string();
    drop(free);
    let server = Server::start(&address, &socket, &db)?;
    let (tcp, unix, file) =
        (format!("http://{address}"), format!("unix:{}", socket.display()), db.display().to_string());
    let wanted = |name: &str| plan.only.as_deref().is_none_or(|only| name.contains(only));
    let case = |name: &str, args: &[&str]| -> Outcome<()> {
        if !wanted(name) {
            return Ok(());
        }
        let mut floors = Vec::new();
        let mut ours = Vec::new();
        let watch = Watch::start();
        let whole = plan.window.saturating_mul(u32::try_from(plan.rounds)?);
        while ours.is_empty() || watch.elapsed() < whole {
            floors.push(run("nothing", &[])?);
            ours.push(run("hook", &[&["hook", "claude-code"], args].concat())?);
        }
        if checking() {
            println!("{name} works");
            return Ok(());
        }
        let p50 = median(&mut ours);
        let p95 = ours.get(ours.len().saturating_mul(95) / 100).or(ours.last()).copied().unwrap_or(f64::NAN);
        bounded(&format!("{name}, p50"), p50, "ms", BUDGET);
        bounded(&format!("{name}, p95"), p95, "ms", BUDGET);
        println!("{:<44} {} runs; a process that ends at once takes {:.1} ms", "", ours.len(), median(&mut floors));
        Ok(())
    };
    case("hook over TCP", &["--url", &tcp])?;
    case("hook over a Unix socket", &["--url", &unix])?;
    case("hook on the file, beside a server", &["--db", &file])?;
    drop(server);
    case("hook on the file, alone", &["--db", &file])
}

/// This program in another role.
fn program(role: &str, args: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(args).env(ROLE, role).env("LOOP_API_KEY", KEY);
    Ok(command)
}

/// One run over the event, in milliseconds. It must say nothing.
fn run(role: &str, args: &[&str]) -> Outcome<f64> {
    let mut command = program(role, args)?;
    let watch = Watch::start();
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // What ends at once may have ended before it is written to.
    let _ = process.stdin.take().ok_or("no input")?.write_all(EVENT.as_bytes());
    let output = process.wait_with_output()?;
    let took = watch.elapsed().as_secs_f64() * 1e3;
    if !output.status.success() || !output.stdout.is_empty() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(took)
}

struct Server(Child);

impl Server {
    fn start(address: &str, socket: &Path, db: &Path) -> Outcome<Self> {
        let (socket_text, db) = (socket.display().to_string(), db.display().to_string());
        let args = ["--listen", address, "--listen-unix", &socket_text, "--db", &db];
        let mut command = program("server", &args)?;
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut server = Self(process);
        for _ in 0..20_000 {
            if run("hook", &["hook", "claude-code", "--url", &format!("unix:{socket_text}")]).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.0.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        Err("the server does not answer".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is not there any more need not be ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
