//! The program as a process of its own, to be killed.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Starts the program over `loop.db` in a folder; answers once it listens.
pub fn start(folder: &Path, settings: &[(&str, &str)]) -> (Child, SocketAddr) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_loop-server"))
        .args(["--listen", "127.0.0.1:0", "--log", "info"])
        .current_dir(folder)
        .env_clear()
        .envs(settings.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut log = BufReader::new(process.stderr.take().expect("piped")).lines();
    let line = log.find_map(|line| line.expect("read").split_once("address=http://").map(|(_, rest)| rest.to_owned()));
    let address = line.expect("it listens").split(' ').next().expect("an address").parse().expect("an address");
    // Whoever writes to a closed pipe fails, so the rest is read on.
    std::thread::spawn(move || log.for_each(drop));
    (process, address)
}
