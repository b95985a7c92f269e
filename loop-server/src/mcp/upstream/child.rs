//! A server in a process of its own, spoken to over its standard input and output, a message a line.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
};

use super::link::{MAX_MESSAGE, Outgoing};

/// How long a process may take to end by itself once its input has ended.
const GRACE: Duration = Duration::from_secs(2);
/// How much of a line of its errors is shown, in characters.
const SHOWN: usize = 500;
/// What the operator told this server and no other program.
const OURS: [&str; 4] =
    ["GITHUB_WEBHOOK_SECRET", "SENTRY_CLIENT_SECRET", "POSTHOG_WEBHOOK_SECRET", "SIGNUP_UPGRADE_SECRET"];

/// Starts the process and moves messages until one side ends. The process never outlives this.
///
/// # Errors
/// A process that cannot be started, or a line that is too long.
pub async fn run(
    name: &str,
    program: &str,
    arguments: &[String],
    mut outgoing: mpsc::Receiver<Outgoing>,
    incoming: mpsc::Sender<String>,
) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for (variable, _) in std::env::vars_os() {
        let known = variable.to_str().unwrap_or_default();
        if known.starts_with("LOOP_") || OURS.contains(&known) {
            command.env_remove(&variable);
        }
    }
    let mut child = command.spawn()?;
    let piped = || io::Error::other("the process has no pipes");
    let input = child.stdin.take().ok_or_else(piped)?;
    let output = child.stdout.take().ok_or_else(piped)?;
    let errors = child.stderr.take().ok_or_else(piped)?;
    let told = name.to_owned();
    let telling = tokio::spawn(async move { tell(&told, errors).await });
    let moved = tokio::select! {
        ended = write(input, &mut outgoing) => ended,
        ended = read(BufReader::new(output), &incoming) => ended,
    };
    end(&mut child).await;
    telling.abort();
    moved
}

/// Waits a little for a process whose input has ended, then kills it.
async fn end(child: &mut Child) {
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        // It may have ended this very moment.
        let _ = child.kill().await;
    }
}

async fn write(mut input: ChildStdin, outgoing: &mut mpsc::Receiver<Outgoing>) -> io::Result<()> {
    while let Some(message) = outgoing.recv().await {
        input.write_all(message.text.as_bytes()).await?;
        input.write_all(b"\n").await?;
        input.flush().await?;
    }
    Ok(())
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
    use tokio::io::BufReader;

    use super::line;

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
