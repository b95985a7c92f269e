//! Servers on loopback that record what they are sent and answer as a test tells them.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method, path and version.
    pub line: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An HTTP server that answers every request with the next of its answers, the last one for ever.
pub struct Sink {
    pub address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Request>,
    task: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    /// `answers` are whole responses, written as they are; the connection closes behind each.
    pub async fn new(answers: Vec<Vec<u8>>) -> Self {
        Self::with(answers, false).await
    }

    /// As [`Sink::new`], but connections stay open after the answer.
    pub async fn hanging(answers: Vec<Vec<u8>>) -> Self {
        Self::with(answers, true).await
    }

    /// A server that answers `status` with a JSON body.
    pub async fn json(status: &str, body: &str) -> Self {
        Self::new(vec![answer(status, "Content-Type: application/json\r\n", body.as_bytes())]).await
    }

    async fn with(answers: Vec<Vec<u8>>, hang: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            for at in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let mut stream = BufReader::new(stream);
                let Some(request) = read(&mut stream).await else { continue };
                let _ = send.send(request);
                let answer = answers.get(at).or(answers.last()).unwrap();
                // The client may hang up in the middle of a long answer: that is what some tests are about.
                let _ = stream.write_all(answer).await;
                let _ = stream.flush().await;
                if hang {
                    held.push(stream);
                }
            }
        });
        Self { address, requests, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn request(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }

    pub fn is_idle(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// A response with a length.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())
        .into_bytes();
    out.extend_from_slice(body);
    out
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((key, value)) = header.trim_end().split_once(':') else { break };
        headers.push((key.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(key, _)| key == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).unwrap() })
}

/// A mail server that takes one mail per connection, or refuses recipients with `refusal`. It takes any password; told
/// to speak TLS, it hangs up.
pub struct MailSink {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    mails: mpsc::UnboundedReceiver<Mail>,
    task: JoinHandle<()>,
}

/// A mail as it came.
#[derive(Debug)]
pub struct Mail {
    /// The envelope's commands.
    pub envelope: Vec<String>,
    /// Headers and body.
    pub data: String,
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl MailSink {
    pub async fn new(refusal: Option<&'static str>) -> Self {
        Self::with(refusal, "250-sink\r\n250 AUTH PLAIN\r\n").await
    }

    /// A server that offers TLS.
    pub async fn offering_tls() -> Self {
        Self::with(None, "250-sink\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n").await
    }

    async fn with(refusal: Option<&'static str>, greeting: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, mails) = mpsc::unbounded_channel();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let lines = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Some(mail) = take(stream, refusal, greeting, &lines).await {
                    let _ = send.send(mail);
                }
            }
        });
        Self { address, heard, mails, task }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The verbs of all commands so far, and `AUTH` with what came behind it.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub async fn mail(&mut self) -> Mail {
        self.mails.recv().await.unwrap()
    }
}

async fn take(
    stream: TcpStream,
    refusal: Option<&'static str>,
    greeting: &'static str,
    heard: &Mutex<Vec<String>>,
) -> Option<Mail> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await.ok()?;
    let mut mail = Mail { envelope: Vec::new(), data: String::new() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_owned();
        let verb = line.split(' ').next().unwrap_or("").to_ascii_uppercase();
        heard.lock().unwrap().push(if verb == "AUTH" { line.clone() } else { verb.clone() });
        match (verb.as_str(), refusal) {
            ("EHLO", _) => stream.write_all(greeting.as_bytes()).await.ok()?,
            ("AUTH", _) => stream.write_all(b"235 welcome\r\n").await.ok()?,
            ("STARTTLS", _) => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                let mut first = [0];
                stream.read_exact(&mut first).await.ok()?;
                heard.lock().unwrap().push(format!("record of type {}", first[0]));
                return None;
            }
            ("RCPT", Some(refusal)) => stream.write_all(format!("{refusal}\r\n").as_bytes()).await.ok()?,
            ("MAIL" | "RCPT", _) => {
                mail.envelope.push(line);
                stream.write_all(b"250 ok\r\n").await.ok()?;
            }
            ("DATA", _) => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.ok()?;
                    if line == ".\r\n" {
                        break;
                    }
                    mail.data.push_str(&line);
                }
                stream.write_all(b"250 taken\r\n").await.ok()?;
                return Some(mail);
            }
            ("QUIT", _) => return None,
            _ => stream.write_all(b"250 sink\r\n").await.ok()?,
        }
    }
}
