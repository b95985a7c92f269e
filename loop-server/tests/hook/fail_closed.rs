//! Whatever goes wrong, the tool does not run the call.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Stdio,
    thread,
};

use loop_core::access::Scope;

use super::{Doors, event, program, run};

const KEY: (&str, &str) = ("LOOP_API_KEY", "tl_key");

/// A server that reads one request and says this, whatever it was asked.
fn says(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let Ok((mut socket, _)) = listener.accept() else { return };
        if heard(&mut socket) {
            let _ = socket.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

/// Reads a request to its end; whether there was one.
fn heard(socket: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut piece = [0; 4096];
    while !seen.ends_with(b"}") {
        match socket.read(&mut piece) {
            Ok(count) if count > 0 => seen.extend_from_slice(&piece[..count]),
            _ => return false,
        }
    }
    true
}

fn over(url: &str, event: &[u8]) -> super::Ran {
    run(&["hook", "claude-code", "--url", url], &[KEY], event)
}

fn call() -> Vec<u8> {
    event("Read", "{}")
}

#[test]
fn an_answer_that_is_no_whole_yes_blocks() {
    const YES: &str = r#"{"allowed":true,"status":"ALLOWED","message":"m"}"#;
    let full = |status: &str, body: &str| format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for answer in [
        String::new(),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        full("200 OK", "{}"),
        full("200 OK", "true"),
        full("200 OK", r#"{"allowed":true}"#),
        full("200 OK", r#"{"allowed":true,"status":"PENDING","message":"m"}"#),
        full("200 OK", YES).replace("length: ", "length: 9"),
        full("201 Created", YES),
        full("500 Oh", YES),
        full("302 Found\r\nlocation: /", YES),
        full("200 OK", &format!("{YES}{YES}")),
        format!("HTTP/1.1 200 OK\r\n\r\n{}{YES}", " ".repeat(1 << 20)),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        format!("220 mail.example ESMTP\r\n{YES}"),
    ] {
        let ran = over(&says(answer.clone()), &call());
        assert!(ran.blocked(), "{}: {ran:?}", answer.chars().take(200).collect::<String>());
    }
    assert!(over(&says(full("200 OK", YES)), &call()).silent(), "and this is the yes that the others are not");
}

#[test]
fn a_server_that_never_answers_blocks_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let ran = over(&format!("http://{}", listener.local_addr().expect("an address")), &call());
    assert!(ran.blocked() && ran.told.contains("no decision within 5 seconds"), "{ran:?}");
}

#[test]
fn input_that_never_ends_blocks_in_time() {
    let mut command = program(&["hook", "claude-code"], &[KEY]);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let held = process.stdin.take();
    let ran: super::Ran = process.wait_with_output().expect("ended").into();
    drop(held);
    assert!(ran.blocked(), "{ran:?}");
}

#[test]
fn no_server_no_key_and_no_sense_block() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    for url in [nobody.as_str(), "unix:/nowhere/loop.sock", "https://localhost:1", "ftp://localhost", "nonsense", ""] {
        let ran = over(url, &call());
        assert!(ran.blocked(), "{url}: {ran:?}");
    }
    for environment in [&[][..], &[("LOOP_API_KEY", "")][..], &[("LOOP_API_KEY", "two\nlines")][..]] {
        let ran = run(&["hook", "claude-code", "--url", &nobody], environment, &call());
        assert!(ran.blocked(), "{environment:?}: {ran:?}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("empty", ""), ("spaced", "a key"), ("absent", "")] {
        let path = folder.path().join(name);
        if name != "absent" {
            std::fs::write(&path, text).expect("written");
        }
        let path = path.to_str().expect("text");
        // The key of the environment is not taken instead.
        let ran = run(&["hook", "claude-code", "--key-file", path], &[KEY], &call());
        assert!(ran.blocked() && ran.told.contains("key"), "{name}: {ran:?}");
    }
    let unknown = run(&["hook", "claude-code", "--no-such-option"], &[KEY], &call());
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""), "{unknown:?}");
    let unknown = run(&["hook", "another-tool"], &[KEY], &call());
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(2), ""), "{unknown:?}");
}

#[test]
fn the_environment_names_neither_a_server_nor_a_file() {
    let yes = r#"{"allowed":true,"status":"ALLOWED","message":"m"}"#;
    let evil = says(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{yes}", yes.len()));
    let folder = tempfile::tempdir().expect("a folder");
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, "tl_key").expect("written");
    let key_file = key_file.to_str().expect("text");
    let environment = [("LOOP_URL", evil.as_str()), ("LOOP_DB", key_file), ("http_proxy", &evil), KEY];
    let ran = run(&["hook", "claude-code"], &environment, &call());
    assert!(ran.blocked() && !ran.told.contains(&evil), "{ran:?}");
    let ran = run(&["hook", "claude-code", "--url", &evil], &[("LOOP_KEY_FILE", key_file)], &call());
    assert!(ran.blocked() && ran.told.contains("no key"), "{ran:?}");
}

#[tokio::test]
async fn an_event_that_is_none_blocks() {
    let doors = Doors::open().await;
    let mut large = event("Write", "{\"content\":\"");
    large.truncate(large.len() - 30);
    large.resize((8 << 20) + 1, b'x');
    for way in doors.ways() {
        for event in [
            b"".to_vec(),
            b"\xff\xfe".to_vec(),
            b"not JSON".to_vec(),
            b"{}".to_vec(),
            b"[]".to_vec(),
            event("Read", "{}")[..40].to_vec(),
            br#"{"hook_event_name":"PostToolUse","tool_name":"Read","tool_input":{}}"#.to_vec(),
            br#"{"hook_event_name":"PreToolUse","tool_input":{}}"#.to_vec(),
            br#"{"hook_event_name":"PreToolUse","tool_name":"","tool_input":{}}"#.to_vec(),
            br#"{"hook_event_name":"PreToolUse","tool_name":"Read","tool_name":"Write","tool_input":{}}"#.to_vec(),
            event("Read", "[]"),
            event("Read", r#"{"a":1,"a":2}"#),
            event(&"x".repeat(257), "{}"),
            large.clone(),
        ] {
            let shown = String::from_utf8_lossy(&event).chars().take(80).collect::<String>();
            let ran = doors.hook(&way, &[], event).await;
            assert!(ran.blocked(), "{way:?}: {shown}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn a_large_event_within_the_limit_is_decided() {
    let doors = Doors::open().await;
    let input = format!(r#"{{"file_path":"a","content":"{}"}}"#, "x".repeat(3 << 20));
    for way in doors.ways() {
        let ran = doors.hook(&way, &[], event("Write", &input)).await;
        assert!(ran.silent(), "{way:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_decide_blocks() {
    let doors = Doors::open().await;
    let narrow = doors.fixture.key_without(Scope::PolicyEvaluate).await;
    let made =
        doors.api("/api/v1/loops", r#"{"tag":"acme","kind":"business","permissions":["policy:evaluate"]}"#).await;
    assert!(made["id"].is_string(), "{made}");
    for way in doors.ways() {
        for key in ["tl_unknown", narrow.as_str()] {
            let ran = doors.hook_as(&way, &[], call(), key.to_owned()).await;
            assert!(ran.blocked(), "{way:?}, {key}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn a_sandbox_key_decides_nothing_real() {
    let doors = Doors::open().await;
    let db = doors.fixture.server.app.config.db.display().to_string();
    let key =
        tokio::task::spawn_blocking(move || run(&["keys", "create", "--db", &db, "--name", "t", "--test"], &[], b""))
            .await
            .expect("no panic");
    for way in doors.ways() {
        let ran = doors.hook_as(&way, &[], call(), key.out.trim().to_owned()).await;
        assert!(ran.blocked() && ran.told.contains("sandbox"), "{way:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_nobody_would_read_blocks() {
    let doors = Doors::open().await;
    doors.api("/api/blocked-tools", r#"{"tool_name":"Bash","reason":"never"}"#).await;
    let (key, url) = (doors.fixture.key.clone(), format!("http://{}", doors.fixture.address));
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = program(&["hook", "claude-code", "--url", &url], &[("LOOP_API_KEY", &key)]);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
        process.stdin.take().expect("piped").write_all(&event("Bash", "{}")).expect("written");
        super::Ran::from(process.wait_with_output().expect("ended"))
    })
    .await
    .expect("no panic");
    assert!(ran.blocked() && ran.told.contains("nobody reads"), "{ran:?}");
}

#[tokio::test]
async fn a_database_that_is_not_whole_blocks() {
    let doors = Doors::open().await;
    let (db, key) = (doors.fixture.server.app.config.db.clone(), doors.fixture.key.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let absent = folder.path().join("absent.db");
    let keyless = folder.path().join("keyless.db");
    let broken = folder.path().join("broken.db");
    let conn = rusqlite::Connection::open(&db).expect("opened");
    conn.execute("VACUUM INTO ?1", [keyless.to_str().expect("text")]).expect("copied");
    std::fs::write(&broken, "this is no database at all, but it is long enough").expect("written");
    std::fs::write(folder.path().join("broken.db.key"), "0".repeat(64)).expect("written");
    for path in [&absent, &keyless, &broken] {
        let args = ["hook", "claude-code", "--db", path.to_str().expect("text")];
        let ran = run(&args, &[("LOOP_API_KEY", &key)], &call());
        assert!(ran.blocked(), "{}: {ran:?}", path.display());
    }
    assert!(!absent.exists(), "no hook makes a database");
    let held = ["hook", "claude-code", "--db", ":memory:"];
    assert!(run(&held, &[("LOOP_API_KEY", &key)], &call()).blocked());
}

#[tokio::test]
async fn a_database_that_cannot_be_written_blocks() {
    let doors = Doors::open().await;
    let copy = doors.copy();
    let db = copy.path().join("loop.db");
    let args = ["hook", "claude-code", "--db", db.to_str().expect("text")];
    let key = [("LOOP_API_KEY", doors.fixture.key.as_str())];
    let log = db.with_extension("db-wal");
    std::fs::create_dir(&log).expect("made");
    assert!(run(&args, &key, &call()).blocked(), "its log cannot be opened");
    std::fs::remove_dir(&log).expect("removed");

    // No file may grow over 80 KiB, as when the disk is full. Some calls still find room for their record.
    let script = r#"trap '' XFSZ; ulimit -f 160; exec "$@""#;
    let full = || {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_loop-server")]).args(args).env_clear().envs(key);
        super::feed(command, &call())
    };
    let ran: Vec<super::Ran> = (0..12).map(|_| full()).collect();
    assert!(ran.iter().all(|ran| ran.silent() || ran.blocked()), "{ran:?}");
    assert!(ran.iter().any(super::Ran::blocked), "{ran:?}");
    let allowed = ran.iter().filter(|ran| ran.silent()).count();
    let rows = rusqlite::Connection::open(&db).expect("opened");
    let count = "SELECT count(*) FROM audit WHERE tool_name = 'Read'";
    let recorded: i64 = rows.query_row(count, [], |row| row.get(0)).expect("counted");
    assert_eq!(usize::try_from(recorded), Ok(allowed), "what is not recorded does not run");
    drop(rows);
    assert!(run(&args, &key, &call()).silent(), "with room again it works again");
}

#[tokio::test]
async fn an_answer_that_never_ends_blocks_in_time() {
    let runs = ["HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{", "HTTP/1.1 200 OK\r\nx: ", ""].map(|beginning| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a hook");
            heard(&mut socket);
            let _ = socket.write_all(beginning.as_bytes());
            socket
        });
        (thread::spawn(move || over(&url, &call())), server)
    });
    for (hook, server) in runs {
        let ran = hook.join().expect("no panic");
        assert!(ran.blocked() && ran.told.contains("no decision within 5 seconds"), "{ran:?}");
        drop(server.join());
    }
}

#[tokio::test]
async fn no_mode_of_the_tool_softens_a_decision() {
    let doors = Doors::open().await;
    doors.api("/api/blocked-tools", r#"{"tool_name":"Bash","reason":"never"}"#).await;
    for mode in [r#""bypassPermissions""#, r#""dontAsk""#, r#""acceptEdits""#, r#""plan""#, r#""?""#, "null", "7"] {
        for way in doors.ways() {
            let event = String::from_utf8(event("Bash", "{}")).expect("text").replace(r#""default""#, mode);
            let ran = doors.hook(&way, &[], event.into_bytes()).await;
            assert!(ran.denied().contains("'Bash' is blocked"), "{mode}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn an_odd_name_is_blocked_like_any_other() {
    let doors = Doors::open().await;
    for name in
        ["quo\"te", "back\\slash", "é🦀", "mcp__a__b c", "a'; DROP TABLE audit; --", "{}", "-rf", "\u{202e}hsaB"]
    {
        let quoted = serde_json::to_string(name).expect("written");
        doors.api("/api/blocked-tools", &format!(r#"{{"tool_name":{quoted},"reason":"never"}}"#)).await;
        let named = quoted.trim_matches('"');
        for way in doors.ways() {
            let ran = doors.hook(&way, &[], event(named, "{}")).await;
            assert!(ran.denied().contains("is blocked"), "{name}: {ran:?}");
        }
    }
}

#[test]
fn no_input_at_all_blocks() {
    let run = |redirection: &str| {
        let script = format!(r#"exec "$@" {redirection}"#);
        let mut command = std::process::Command::new("sh");
        let program = env!("CARGO_BIN_EXE_loop-server");
        command.args(["-c", &script, "sh", program, "hook", "claude-code"]).env_clear().envs([KEY]);
        super::Ran::from(command.output().expect("ran"))
    };
    for redirection in ["<&-", "</dev/null", "</"] {
        let ran = run(redirection);
        assert!(ran.blocked(), "{redirection}: {ran:?}");
    }
    // Nobody hears it, but the exit code says the same.
    assert_eq!(run("<&- 2>&- >&-").code, Some(2));
}
