//! The program as the hooks of coding agents run it: a process, an event, an exit code.

mod decide;
mod fail_closed;
mod install;
mod listen;

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use crate::support::Fixture;

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub told: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text"),
            told: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ran {
    /// Nothing objects.
    pub fn silent(&self) -> bool {
        (self.code, self.out.as_str(), self.told.as_str()) == (Some(0), "", "")
    }

    /// The call is blocked because something failed: one line on standard error and nothing else.
    pub fn blocked(&self) -> bool {
        let told = self.told.lines().count() == 1 && self.told.starts_with("loop-server: the call is blocked: ");
        self.code == Some(2) && self.out.is_empty() && told
    }

    /// The decision and the reason in the tool's own form.
    pub fn word(&self) -> (String, String) {
        assert_eq!((self.code, self.told.as_str()), (Some(0), ""), "{self:?}");
        let word: serde_json::Value = serde_json::from_str(&self.out).expect("JSON");
        let specific = &word["hookSpecificOutput"];
        assert_eq!(specific["hookEventName"], "PreToolUse", "{word}");
        let text = |name: &str| specific[name].as_str().expect("text").to_owned();
        (text("permissionDecision"), text("permissionDecisionReason"))
    }

    pub fn denied(&self) -> String {
        let (decision, reason) = self.word();
        assert_eq!(decision, "deny", "{reason}");
        reason
    }
}

/// The program, its environment empty.
pub fn program(args: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loop-server"));
    command.args(args).env_clear().envs(environment.iter().copied());
    command
}

/// Runs the program over an event.
pub fn run(args: &[&str], environment: &[(&str, &str)], event: &[u8]) -> Ran {
    feed(program(args, environment), event)
}

/// Runs a command over an event.
pub fn feed(mut command: Command, event: &[u8]) -> Ran {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut process = started.expect("started");
    // A run that fails early leaves its input unread.
    let _ = process.stdin.take().expect("piped").write_all(event);
    process.wait_with_output().expect("ended").into()
}

/// An event of Claude Code.
pub fn event(tool: &str, input: &str) -> Vec<u8> {
    format!(
        r#"{{"session_id":"s-1","transcript_path":"/t.jsonl","cwd":"/work","permission_mode":"default",
            "hook_event_name":"PreToolUse","tool_name":"{tool}","tool_input":{input},"tool_use_id":"toolu_1"}}"#
    )
    .into_bytes()
}

/// A server on a TCP port and a Unix socket, and every way to a decision of it.
pub struct Doors {
    pub fixture: Fixture,
    pub socket: PathBuf,
    pub _folder: tempfile::TempDir,
}

impl Doors {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("loop.sock");
        let fixture =
            Fixture::with(|config| config.listen_unix = Some(socket.clone()), loop_server::surface::rows()).await;
        Self { fixture, socket, _folder: folder }
    }

    /// The arguments of each: over TCP, over the Unix socket, on the file.
    pub fn ways(&self) -> [[String; 2]; 3] {
        let db = self.fixture.server.app.config.db.display().to_string();
        [
            ["--url".to_owned(), format!("http://{}", self.fixture.address)],
            ["--url".to_owned(), format!("unix:{}", self.socket.display())],
            ["--db".to_owned(), db],
        ]
    }

    /// A folder with a copy of the database, `loop.db`, that no server has open.
    pub fn copy(&self) -> tempfile::TempDir {
        let db = &self.fixture.server.app.config.db;
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("loop.db");
        // `VACUUM INTO` copies what the server has committed, its log included.
        let conn = rusqlite::Connection::open(db).expect("opened");
        conn.execute("VACUUM INTO ?1", [copy.to_str().expect("text")]).expect("copied");
        std::fs::copy(db.with_extension("db.key"), copy.with_extension("db.key")).expect("copied");
        folder
    }

    /// Runs the hook with the fixture's key.
    pub async fn hook(&self, way: &[String; 2], more: &[&str], event: Vec<u8>) -> Ran {
        self.hook_as(way, more, event, self.fixture.key.clone()).await
    }

    pub async fn hook_as(&self, way: &[String; 2], more: &[&str], event: Vec<u8>, key: String) -> Ran {
        let mut args = vec!["hook".to_owned(), "claude-code".to_owned()];
        args.extend(way.iter().cloned());
        args.extend(more.iter().map(|text| (*text).to_owned()));
        // The server runs on this thread's runtime.
        tokio::task::spawn_blocking(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run(&args, &[("LOOP_API_KEY", &key)], &event)
        })
        .await
        .expect("no panic")
    }

    pub async fn api(&self, path: &str, body: &str) -> serde_json::Value {
        let answer = self.fixture.call("POST", path, &self.fixture.key, body).await;
        assert!(answer.status < 300, "{}", answer.text());
        answer.json()
    }
}
