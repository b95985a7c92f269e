//! A server in a process of its own, spoken to over its standard input and output, a message a line.

use std::{io, pin::pin, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::link::{MAX_MESSAGE, Outgoing};

/// How long a process may take to end by itself once its input has ended.
const GRACE: Duration = Duration::from_secs(2);
/// How much of a line of its errors is shown, in characters.
const SHOWN: usize = 500;
/// What the operator told this server and no other program.
const OURS: [&str; 4] =
    ["GITHUB_WEBHOOK_SECRET", "SENTRY_CLIENT_SECRET", "POSTHOG_WEBHOOK_SECRET", "SIGNUP_UPGRADE_SECRET"];

/// The processes that were started for a server: the first, and all that it started and that stayed in its group. They
/// end when this is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // None of them may be left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the process and moves messages until one side ends. Neither the process nor what it starts outlives this.
///
/// # Errors
/// A process that cannot be started or that reads too slowly, or a line that is too long.
pub async fn run(
    name: &str,
    program: &str,
    arguments: &[String],
    mut outgoing: mpsc::Receiver<Outgoing>,
    incoming: mpsc::Sender<String>,
) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // What it starts can be ended with it then; and what is typed at our terminal does not reach it.
    command.process_group(0);
    for (variable, _) in std::env::vars_os() {
        let known = variable.to_str().unwrap_or_default();
        if known.starts_with("LOOP_") || OURS.contains(&known) {
            command.env_remove(&variable);
        }
    }
    let mut child = command.spawn()?;
    let mut group = Group::of(&child);
    let piped = || io::Error::other("the process has no pipes");
    let input = child.stdin.take().ok_or_else(piped)?;
    let output = child.stdout.take().ok_or_else(piped)?;
    let errors = child.stderr.take().ok_or_else(piped)?;
    let told = name.to_owned();
    let telling = tokio::spawn(async move { tell(&told, errors).await });
    let mut reading = pin!(read(BufReader::new(output), &incoming));
    let moved = tokio::select! {
        ended = write(input, &mut outgoing) => ended,
        ended = &mut reading => ended,
        _ = child.wait() => {
            // What it left behind may hold its output open. What it said last is read still.
            group.kill();
            timeout(GRACE, reading).await.unwrap_or(Ok(()))
        }
    };
    end(&mut child, &mut group).await;
    telling.abort();
    moved
}

/// Waits a little for a process whose input has ended, then kills it; and whatever it leaves behind.
async fn end(child: &mut Child, group: &mut Group) {
    if timeout(GRACE, child.wait()).await.is_err() {
        group.kill();
        // It may have ended this very moment.
        let _ = child.kill().await;
    }
    // The number of a group is given to no other while somebody is left in it.
    group.kill();
}

async fn write(mut input: impl AsyncWrite + Unpin, outgoing: &mut mpsc::Receiver<Outgoing>) -> io::Result<()> {
    while let Some(Outgoing { mut text, until, .. }) = outgoing.recv().await {
        text.push('\n');
        line_out(&mut input, text.as_bytes(), until).await?;
    }
    Ok(())
}

/// Writes a line, or nothing of it when it is too late. A line that was begun and cannot be finished in time ends the
/// conversation: its last byte, written later, would have a call carried out of which its caller was told that it took
/// too long.
async fn line_out(input: &mut (impl AsyncWrite + Unpin), line: &[u8], until: Instant) -> io::Result<()> {
    let mut left = line;
    while !left.is_empty() {
        // A write that is broken off has written nothing.
        let room = if Instant::now() < until { timeout_at(until, input.write(left)).await.ok() } else { None };
        let written = match room {
            Some(written) => written?,
            None if left.len() == line.len() => {
                tracing::debug!(target: "loop::mcp", "a message was too late to be sent");
                return Ok(());
            }
            None => return Err(io::Error::new(io::ErrorKind::TimedOut, "the process does not read")),
        };
        left = left.get(written..).filter(|_| written > 0).ok_or(io::ErrorKind::WriteZero)?;
    }
    input.flush().await
}

async fn read(mut output: impl AsyncBufRead + Unpin, incoming: &mpsc::Sender<String>) -> io::Result<()> {
    while let Some(line) = line(&mut output, MAX_MESSAGE).await? {
        // Some servers greet people first.
        if line.starts_with('{') && incoming.send(line).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The next line, without its end; `None` when there is none.
async fn line(from: &mut (impl AsyncBufRead + Unpin), max: usize) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let piece = from.fill_buf().await?;
        if piece.is_empty() {
            return if line.is_empty() { Ok(None) } else { text(line).map(Some) };
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let (used, rest) = piece.split_at_checked(end.unwrap_or(piece.len())).unwrap_or((piece, &[]));
        if line.len().saturating_add(used.len()) > max {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
        }
        line.extend_from_slice(used);
        let used = used.len().saturating_add(usize::from(!rest.is_empty()));
        from.consume(used);
        if end.is_some() {
            return text(line).map(Some);
        }
    }
}

fn text(line: Vec<u8>) -> io::Result<String> {
    let mut line = String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no UTF-8"))?;
    if line.ends_with('\r') {
        line.pop();
    }
    Ok(line)
}

/// What the process says on its standard error goes to the log, at a level that is off unless asked for.
async fn tell(name: &str, errors: impl AsyncRead + Unpin) {
    let mut errors = BufReader::new(errors);
    loop {
        match line(&mut errors, 64 << 10).await {
            Ok(Some(line)) => {
                let line: String =
                    line.chars().take(SHOWN).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
                tracing::debug!(target: "loop::mcp", upstream = name, line, "an MCP server says");
            }
            Ok(None) => return,
            // What is left must still be read, or the process would wait for ever to write it.
            Err(_) => {
                let _ = tokio::io::copy(&mut errors, &mut tokio::io::sink()).await;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::{
        io::{AsyncReadExt, BufReader, duplex},
        sync::mpsc,
        time::{Duration, Instant},
    };

    use super::{Outgoing, line, line_out, write};

    #[tokio::test(start_paused = true)]
    async fn what_is_too_late_is_never_written() {
        let (input, mut process) = duplex(1 << 10);
        let (out, mut outgoing) = mpsc::channel(8);
        let (early, late) = (Instant::now(), Instant::now() + Duration::from_secs(60));
        for (text, until) in [("first", late), ("late", early), ("last", late)] {
            out.send(Outgoing { id: None, text: text.to_owned(), until }).await.expect("room");
        }
        drop(out);
        write(input, &mut outgoing).await.expect("written");
        let mut written = String::new();
        process.read_to_string(&mut written).await.expect("text");
        assert_eq!(written, "first\nlast\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_cannot_be_begun_in_time_is_left_out_and_one_that_cannot_be_finished_ends_it_all() {
        let (mut input, mut process) = duplex(8);
        let soon = || Instant::now() + Duration::from_secs(1);
        line_out(&mut input, b"12345678", soon()).await.expect("room");
        line_out(&mut input, b"a call\n", soon()).await.expect("left out");
        let mut read = [0; 8];
        process.read_exact(&mut read).await.expect("eight bytes");
        assert_eq!(&read, b"12345678");
        let error = line_out(&mut input, b"another call\n", soon()).await.expect_err("half a line");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn lines_are_read_whole_and_within_bounds() {
        let mut from = BufReader::with_capacity(3, "{\"a\":1}\r\n\nlast".as_bytes());
        for wanted in [Some("{\"a\":1}"), Some(""), Some("last"), None] {
            assert_eq!(line(&mut from, 8).await.expect("short").as_deref(), wanted);
        }
    }

    #[tokio::test]
    async fn a_line_too_long_is_an_error() {
        let mut from = BufReader::with_capacity(3, "12345678\n1".as_bytes());
        assert!(line(&mut from, 7).await.is_err());
        let mut from = BufReader::with_capacity(3, "1234567\n\nx".as_bytes());
        for wanted in [Some("1234567"), Some(""), Some("x"), None] {
            assert_eq!(line(&mut from, 7).await.expect("short").as_deref(), wanted);
        }
    }
}
