//! Servers in processes of their own: the bench runs its own program again in another role.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use clap::Parser;

use crate::{Outcome, bare_proxy, bare_server, model, report::Watch, workload::KEY};

const ROLE: &str = "LOOP_BENCH_ROLE";
const LISTEN: &str = "LOOP_BENCH_LISTEN";
const FOLDER: &str = "LOOP_BENCH_FOLDER";
const UPSTREAM: &str = "LOOP_BENCH_UPSTREAM";
/// How often a server that does not answer yet is asked, and how long in between.
const ASKED: u32 = 20_000;
const PAUSE: Duration = Duration::from_micros(500);

/// What a process of this program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `loop-server` as it is shipped, with its defaults.
    Loop,
    /// [`bare_server`].
    Bare,
    /// [`model`].
    Model,
    /// [`bare_proxy`], before the upstream it is told.
    Proxy,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Bare => "bare",
            Self::Model => "model",
            Self::Proxy => "proxy",
        }
    }
}

/// A server that is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start to its first answer.
    pub ready: Duration,
}

/// Serves, when this process was started for that; answers `false` in the bench itself.
///
/// # Errors
/// Those of the server.
pub fn serve_if_asked() -> Outcome<bool> {
    let Ok(role) = std::env::var(ROLE) else { return Ok(false) };
    let (address, folder) = (std::env::var(LISTEN)?, std::env::var(FOLDER)?);
    let folder = Path::new(&folder);
    match role.as_str() {
        "bare" => bare_server::serve(address.parse()?, folder)?,
        "model" => model::serve(address.parse()?)?,
        "proxy" => bare_proxy::serve(address.parse()?, &std::env::var(UPSTREAM)?)?,
        _ => {
            let db = folder.join("loop.db");
            let args = ["loop-server".as_ref(), "--listen".as_ref(), address.as_ref(), "--db".as_ref(), db.as_os_str()];
            let code = loop_server::cli::run::run(loop_server::cli::Cli::try_parse_from(args)?);
            if code != 0 {
                return Err(format!("loop-server ended with {code}").into());
            }
        }
    }
    Ok(true)
}

impl Server {
    /// Starts a server over `folder` and waits until it answers.
    ///
    /// # Errors
    /// A server that does not answer.
    pub fn start(role: Role, folder: &Path) -> Outcome<Self> {
        Self::before(role, folder, None)
    }

    /// As [`Server::start`], with a language model behind it.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn before(role: Role, folder: &Path, upstream: Option<SocketAddr>) -> Outcome<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let watch = Watch::start();
        let upstream = upstream.map_or_else(|| "127.0.0.1:9".to_owned(), |address| address.to_string());
        let child = Command::new(std::env::current_exe()?)
            .env(ROLE, role.name())
            .env(UPSTREAM, &upstream)
            .env("LOOP_OPENAI_BASE_URL", format!("http://{upstream}/v1"))
            .env(LISTEN, address.to_string())
            .env(FOLDER, folder)
            .env("LOOP_API_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What a server logs at its start would stand between the lines of the report.
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address, ready: Duration::ZERO };
        for _ in 0..ASKED {
            if TcpStream::connect(address).is_ok() {
                let (status, _) = server.ask("GET", "/readyz", "")?;
                // The others know no such path; any answer of its will do.
                if status == 200 || role != Role::Loop {
                    server.ready = watch.elapsed();
                    return Ok(server);
                }
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            thread::sleep(PAUSE);
        }
        Err("the server does not answer".into())
    }

    /// One request on a connection of its own; the status and the body of the answer.
    ///
    /// # Errors
    /// A connection that breaks off, an answer that is none.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Outcome<(u16, String)> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.write_all(request(method, path, body, "close").as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }

    /// The memory that the process holds, in MiB.
    ///
    /// # Errors
    /// A system without `/proc`.
    pub fn resident(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }
}

/// A request as bytes.
#[must_use]
pub fn request(method: &str, path: &str, body: &str, connection: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\nx-api-key: {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        // What is not there any more need not be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
