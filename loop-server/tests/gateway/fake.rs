//! A provider whose answers a test writes byte for byte.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// The provider.
pub struct Fake {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<Asked>,
}

/// A request that waits for its answer. The connection is this value's: dropping it cuts it.
pub struct Asked {
    /// Method, path and version.
    pub line: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Which connection it came on, from 0.
    pub connection: usize,
    socket: BufReader<TcpStream>,
    back: mpsc::UnboundedSender<Asked>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (send, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut connection = 0;
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).expect("a socket");
                tokio::spawn(read(BufReader::new(socket), connection, send.clone()));
                connection += 1;
            }
        });
        Self { address, asked }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request.
    pub async fn asked(&mut self) -> Asked {
        self.asked.recv().await.expect("it listens")
    }

    /// Whether it was asked anything that was not taken yet.
    pub fn idle(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

/// Reads one request; the test has the connection from there.
async fn read(mut socket: BufReader<TcpStream>, connection: usize, back: mpsc::UnboundedSender<Asked>) {
    let (mut line, mut headers, mut length) = (String::new(), Vec::new(), 0);
    if !matches!(socket.read_line(&mut line).await, Ok(1..)) {
        return;
    }
    loop {
        let mut header = String::new();
        if !matches!(socket.read_line(&mut header).await, Ok(1..)) {
            return;
        }
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().expect("a length");
        }
        assert_ne!(name, "transfer-encoding", "requests tell their length");
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    if socket.read_exact(&mut body).await.is_err() {
        return;
    }
    let asked = Asked { line: line.trim_end().to_owned(), headers, body, connection, socket, back: back.clone() };
    // The test may be over.
    let _ = back.send(asked);
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Writes bytes as they are.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // Whoever asked may have gone.
        let _ = self.socket.write_all(bytes.as_ref()).await;
    }

    /// Answers whole and listens for the next request on the same connection.
    pub async fn answer(mut self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.write(head + "\r\n").await;
        self.write(body).await;
        self.again();
    }

    /// Answers JSON.
    pub async fn json(self, body: impl AsRef<[u8]>) {
        self.answer(200, &[("content-type", "application/json"), ("x-request-id", "req_up_1")], body).await;
    }

    /// Begins a stream of events.
    pub async fn events(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
    }

    /// Sends a part of the stream.
    pub async fn piece(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.write(format!("{:x}\r\n", bytes.len())).await;
        self.write(bytes).await;
        self.write("\r\n").await;
    }

    /// Sends a part of the stream; `false` once the proxy has closed the connection.
    pub async fn piece_taken(&mut self, bytes: &str) -> bool {
        let chunk = format!("{:x}\r\n{bytes}\r\n", bytes.len());
        self.socket.write_all(chunk.as_bytes()).await.is_ok()
    }

    /// Ends the stream well and listens for the next request on the same connection.
    pub async fn end(mut self) {
        self.write("0\r\n\r\n").await;
        self.again();
    }

    /// Answers a whole stream.
    pub async fn stream(mut self, bytes: impl AsRef<[u8]>) {
        self.events().await;
        self.piece(bytes).await;
        self.end().await;
    }

    /// Resolves once the proxy has closed the connection.
    pub async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close as well.
        let _ = self.socket.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "nothing follows a request before its answer");
    }

    fn again(self) {
        tokio::spawn(read(self.socket, self.connection, self.back));
    }
}
