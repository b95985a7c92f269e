//! Clients that ask as fast as they are answered: a fixed request over kept connections, answers read just far
//! enough to know where they end. Two threads, as many as the machine of the figures has cores.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    Outcome,
    report::{Watch, median},
};

const THREADS: usize = 2;
/// The longest answer, in bytes.
const LONGEST: usize = 256 << 10;
const WARMING: u8 = 0;
const COUNTING: u8 = 1;
const OVER: u8 = 2;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Answers per second.
    pub rate: f64,
    /// The middle answer's time, in microseconds.
    pub p50: f64,
    /// The time within which 99 of 100 answers came, in microseconds.
    pub p99: f64,
}

/// Asks over so many connections for a while.
///
/// # Errors
/// A connection that breaks off, an answer that is no success or has no length.
pub fn run(address: SocketAddr, request: &str, connections: usize, window: Duration) -> Outcome<Load> {
    let phase = Arc::new(AtomicU8::new(WARMING));
    let request: Arc<str> = request.into();
    let mut threads = Vec::new();
    for part in 0..THREADS.min(connections) {
        let (phase, request) = (Arc::clone(&phase), Arc::clone(&request));
        let connections = (connections + THREADS - 1 - part) / THREADS;
        threads.push(thread::spawn(move || -> Outcome<Vec<f64>> {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
                let mut clients = JoinSet::new();
                for _ in 0..connections {
                    clients.spawn(client(address, Arc::clone(&request), Arc::clone(&phase)));
                }
                let mut micros = Vec::new();
                while let Some(client) = clients.join_next().await {
                    micros.extend(client??);
                }
                Ok(micros)
            })
        }));
    }
    thread::sleep(window / 5);
    phase.store(COUNTING, Ordering::Relaxed);
    thread::sleep(window);
    phase.store(OVER, Ordering::Relaxed);
    let mut micros = Vec::new();
    for thread in threads {
        micros.extend(thread.join().map_err(|_| "a client panicked")??);
    }
    let rate = micros.len() as f64 / window.as_secs_f64();
    let p50 = median(&mut micros);
    let p99 = micros.get(micros.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    Ok(Load { rate, p50, p99 })
}

async fn client(address: SocketAddr, request: Arc<str>, phase: Arc<AtomicU8>) -> Outcome<Vec<f64>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; LONGEST];
    let mut micros = Vec::new();
    loop {
        let watch = Watch::start();
        socket.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let room = buffer.get_mut(filled..).filter(|room| !room.is_empty()).ok_or("the answer is too long")?;
            match socket.read(room).await? {
                0 => return Err("the connection broke off".into()),
                read => filled += read,
            }
            if whole(buffer.get(..filled).unwrap_or_default())? {
                break;
            }
        }
        match phase.load(Ordering::Relaxed) {
            WARMING => {}
            COUNTING => micros.push(watch.elapsed().as_secs_f64() * 1e6),
            _ => return Ok(micros),
        }
    }
}

/// Whether these bytes are one whole answer, which has to be a success.
fn whole(bytes: &[u8]) -> Outcome<bool> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
    let (head, body) = bytes.split_at_checked(end + 4).ok_or("no head")?;
    if !head.starts_with(b"HTTP/1.1 20") {
        return Err(String::from_utf8_lossy(bytes).into_owned().into());
    }
    let head = std::str::from_utf8(head)?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    Ok(body.len() >= length.ok_or("an answer without a length")??)
}
