//! The program as a process.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use crate::support::client::{Client, request};

fn start(folder: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_loop-server"))
        .args(["--listen", "127.0.0.1:0", "--log", "trace"])
        .current_dir(folder)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started")
}

/// The address that the process logs once it listens.
fn address(log: &mut impl BufRead) -> std::net::SocketAddr {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(log.read_line(&mut line).expect("read") > 0, "the process ended early");
        if let Some((_, rest)) = line.split_once("address=http://") {
            return rest.split(' ').next().and_then(|text| text.parse().ok()).expect("an address");
        }
    }
}

fn terminate(mut process: Child, mut log: impl Read) -> (i32, String, String) {
    let told = Command::new("kill").args(["-TERM", &process.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let code = process.wait().expect("ended").code().expect("not killed");
    let (mut out, mut rest) = (String::new(), String::new());
    process.stdout.take().expect("piped").read_to_string(&mut out).expect("text");
    log.read_to_string(&mut rest).expect("text");
    (code, out, rest)
}

#[tokio::test]
async fn a_first_start_prints_its_key_once_and_stops_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = start(folder.path());
    let mut log = BufReader::new(process.stderr.take().expect("piped"));
    let address = address(&mut log);
    let mut client = Client::connect(address).await;
    client.send(&request("GET", "/readyz", &[], b"")).await;
    assert_eq!(client.answer(false).await.expect("an answer").status, 200);
    let (code, out, rest) = terminate(process, log);
    assert_eq!(code, 0, "{rest}");
    let key = out.split_whitespace().find(|word| word.starts_with("tl_")).expect("the key is shown").to_owned();
    assert!(!rest.contains(&key), "and never logged");
    assert!(out.contains("curl"), "{out}");

    let mut process = start(folder.path());
    let mut log = BufReader::new(process.stderr.take().expect("piped"));
    let address = self::address(&mut log);
    let mut client = Client::connect(address).await;
    for (path, headers) in
        [("/api/stats".to_owned(), vec![("x-api-key", key.as_str())]), (format!("/api/stats?api_key={key}"), vec![])]
    {
        client.send(&request("GET", &path, &headers, b"")).await;
        assert_eq!(client.answer(false).await.expect("an answer").status, 200, "the key is still good");
    }
    let (code, out, rest) = terminate(process, log);
    assert_eq!((code, out.as_str()), (0, ""), "nothing is shown twice");
    assert!(rest.contains("request") && !rest.contains(&key), "not even where everything is logged: {rest}");
}

#[test]
fn a_mistake_ends_the_process_with_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("loop.db"), "this is no database at all, but it is long enough")
        .expect("written");
    let key = folder.path().join("loop.db.key");
    std::fs::write(&key, "0".repeat(64)).expect("written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, private).expect("made private");
    let process = start(folder.path());
    let done = process.wait_with_output().expect("ended");
    let told = String::from_utf8(done.stderr).expect("text");
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("loop-server: the database `loop.db` cannot be opened"), "{told}");
}
