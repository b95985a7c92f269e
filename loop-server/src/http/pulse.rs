//! The time limits of a connection: a head that dribbles in, a reader that does not read, a caller that is gone.
//!
//! No timer is set per request. The connection notes when it last moved, and one sleeping timer per connection
//! wakes up rarely to look whether that is too long ago.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// How long a connection may stay in a phase.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the first byte of a head (or from the connection's start) to its last.
    pub head: Duration,
    /// Between requests, and between two pieces that the reader takes of an answer.
    pub idle: Duration,
}

/// When the connection's present phase ends at the latest.
#[derive(Debug)]
pub struct Pulse {
    born: Instant,
    patience: Patience,
    /// Microseconds since `born`, shifted left by two, and the phase.
    state: AtomicU64,
}

const QUIET: u64 = 0;
const HEAD: u64 = 1;
const BUSY: u64 = 2;

impl Pulse {
    /// A connection accepted now: its first head is awaited.
    #[must_use]
    pub fn new(patience: Patience) -> Arc<Self> {
        let pulse = Self { born: Instant::now(), patience, state: AtomicU64::new(HEAD) };
        Arc::new(pulse)
    }

    fn enter(&self, phase: u64) {
        let micros = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX >> 2);
        self.state.store(micros << 2 | phase, Ordering::Relaxed);
    }

    fn phase(&self) -> u64 {
        self.state.load(Ordering::Relaxed) & 3
    }

    /// A whole head has been read; the request has limits of its own from here.
    pub fn busy(&self) {
        self.state.store(BUSY, Ordering::Relaxed);
    }

    /// An answer is on its way out.
    pub fn answered(&self) {
        self.enter(QUIET);
    }

    /// When the phase ends; `None` while a request is being worked on.
    fn deadline(&self) -> Option<Instant> {
        let state = self.state.load(Ordering::Relaxed);
        let allowed = match state & 3 {
            QUIET => self.patience.idle,
            HEAD => self.patience.head,
            _ => return None,
        };
        self.born.checked_add(Duration::from_micros(state >> 2))?.checked_add(allowed)
    }

    /// Resolves once the connection has outstayed a phase.
    pub async fn outstayed(&self) {
        loop {
            let now = Instant::now();
            // The phase may change while this sleeps, so it looks again before the shortest phase can be over twice.
            let soon = now + self.patience.head;
            let next = match self.deadline() {
                Some(end) if end <= now => return,
                Some(end) => end.min(soon),
                None => soon,
            };
            tokio::time::sleep_until(next).await;
        }
    }
}

/// A socket that notes its movements.
#[derive(Debug)]
pub struct Paced<S> {
    socket: S,
    pulse: Arc<Pulse>,
}

impl<S> Paced<S> {
    /// Wraps a socket.
    pub const fn new(socket: S, pulse: Arc<Pulse>) -> Self {
        Self { socket, pulse }
    }

    fn wrote(&self, result: &Poll<io::Result<usize>>) {
        if matches!(result, Poll::Ready(Ok(_))) && self.pulse.phase() == QUIET {
            self.pulse.enter(QUIET);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.socket).poll_read(cx, buf);
        if buf.filled().len() > before && self.pulse.phase() == QUIET {
            self.pulse.enter(HEAD);
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.wrote(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, sleep},
    };

    use super::{Paced, Patience, Pulse};

    const PATIENCE: Patience = Patience { head: Duration::from_secs(10), idle: Duration::from_secs(60) };

    #[tokio::test(start_paused = true)]
    async fn a_dribbling_head_is_not_prolonged_by_its_dribble() {
        let pulse = Pulse::new(PATIENCE);
        let (near, mut far) = duplex(64);
        let mut socket = Paced::new(near, std::sync::Arc::clone(&pulse));
        let start = Instant::now();
        let reads = async {
            loop {
                far.write_all(b"G").await.expect("open");
                socket.read_u8().await.expect("a byte");
                sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! { () = pulse.outstayed() => {}, () = reads => {} }
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_under_work_has_no_end_and_an_idle_connection_has() {
        let pulse = Pulse::new(PATIENCE);
        pulse.busy();
        tokio::select! {
            () = pulse.outstayed() => panic!("closed under work"),
            () = sleep(Duration::from_secs(3600)) => {}
        }
        pulse.answered();
        let start = Instant::now();
        pulse.outstayed().await;
        assert_eq!(start.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_being_taken_keeps_the_connection() {
        let pulse = Pulse::new(PATIENCE);
        let (near, mut far) = duplex(1);
        let mut socket = Paced::new(near, std::sync::Arc::clone(&pulse));
        pulse.answered();
        let start = Instant::now();
        let taking = async {
            for _ in 0..5 {
                socket.write_all(b"x").await.expect("open");
                sleep(Duration::from_secs(50)).await;
                far.read_u8().await.expect("a byte");
            }
            // From here nobody reads: the second byte never gets out.
            let _ = socket.write_all(b"xy").await;
        };
        tokio::select! { () = pulse.outstayed() => {}, () = taking => {} }
        assert_eq!(start.elapsed().as_secs(), 5 * 50 + 60);
    }
}
