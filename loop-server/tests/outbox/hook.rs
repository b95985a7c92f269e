//! A webhook on loopback.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};

/// A server that records the JSON it is sent and answers, or does not.
pub struct Hook {
    pub url: String,
    bodies: mpsc::UnboundedReceiver<String>,
}

impl Hook {
    pub async fn new(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
        let (send, bodies) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.expect("a line");
                    if line.trim_end().is_empty() {
                        break;
                    }
                    if let Some((_, text)) = line.to_ascii_lowercase().split_once("content-length:") {
                        length = text.trim().parse().expect("a length");
                    }
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).await.expect("a body");
                // The test may be over.
                let _ = send.send(String::from_utf8(body).expect("text"));
                if answers {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").await;
                } else {
                    held.push(stream);
                }
            }
        });
        Self { url, bodies }
    }

    pub async fn body(&mut self) -> Value {
        serde_json::from_str(&self.bodies.recv().await.expect("the webhook is called")).expect("JSON")
    }
}

/// The tokens of the two links in a message: approve, deny.
pub fn tokens(body: &Value) -> (String, String) {
    let text = body.to_string();
    let after = |mark: &str| {
        let (_, rest) = text.split_once(mark).expect("a link");
        rest.split(|char: char| !char.is_ascii_alphanumeric()).next().expect("a token").to_owned()
    };
    (after("/api/approve/"), after("/api/deny/"))
}
