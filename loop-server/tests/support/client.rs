//! An HTTP/1.1 client that is simple enough to be wrong on purpose.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A parsed answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Reads one answer off the front of `bytes`; `None` when it is not whole.
    pub fn parse(bytes: &[u8], head_only: bool) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head in ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: Vec::new() };
        if head_only || status / 100 == 1 {
            return Some((answer, end));
        }
        let rest = &bytes[end..];
        if answer.header("transfer-encoding") == Some("chunked") {
            let mut at = 0;
            loop {
                let line = at + rest[at..].windows(2).position(|two| two == b"\r\n")?;
                let size = usize::from_str_radix(std::str::from_utf8(&rest[at..line]).ok()?, 16).ok()?;
                let data = line + 2;
                answer.body.extend_from_slice(rest.get(data..data + size)?);
                at = data + size + 2;
                if size == 0 {
                    return (rest.len() >= at).then_some((answer, end + at));
                }
            }
        }
        let length: usize = answer.header("content-length").map_or(0, |text| text.parse().expect("a length"));
        answer.body = rest.get(..length)?.to_vec();
        Some((answer, end + length))
    }
}

/// An open connection.
pub struct Client {
    pub socket: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { socket: TcpStream::connect(address).await.expect("connected"), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        // The server may have answered and closed already; the answer is still there to read.
        let _ = self.socket.write_all(bytes).await;
    }

    /// The next answer; `None` when the connection ends before it is whole.
    pub async fn answer(&mut self, head_only: bool) -> Option<Answer> {
        loop {
            if let Some((answer, used)) = Answer::parse(&self.read, head_only) {
                self.read.drain(..used);
                return Some(answer);
            }
            let mut piece = [0; 16 << 10];
            match self.socket.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.read.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// Whether the server closes the connection without another byte.
    pub async fn ends(&mut self) -> bool {
        let mut piece = [0; 1];
        self.read.is_empty() && !matches!(self.socket.read(&mut piece).await, Ok(1))
    }
}

/// A request as bytes, its length told.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        out.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    out
}
