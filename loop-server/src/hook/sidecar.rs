//! Asking a running server: one request over HTTP/1.1, on a TCP connection or a Unix socket.

use std::{fmt, path::PathBuf, str::FromStr};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use loop_core::base::secret::Secret;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use super::{Agent, HookError, told::Told};

/// The longest answer that is read, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;
/// The longest part of a refusal that is shown, in characters.
const SHOWN: usize = 300;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A host and a port.
    Tcp {
        /// The host's name or address, IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
        /// The path that the API stands under, without a slash at the end.
        base: String,
    },
    /// The path of a socket.
    Unix(PathBuf),
}

impl FromStr for Place {
    type Err = HookError;

    fn from_str(text: &str) -> Result<Self, HookError> {
        // A URL may hold a password, so that a bad one is not repeated whole.
        let bad = || HookError::Url(text.split('@').next_back().unwrap_or_default().chars().take(128).collect());
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(bad()) } else { Ok(Self::Unix(path.into())) };
        }
        let url = url::Url::parse(text).map_err(|_| bad())?;
        let bare = url.username().is_empty() && url.password().is_none();
        if url.scheme() != "http" || !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(bad());
        }
        let host = match url.host().ok_or_else(bad)? {
            url::Host::Domain(name) => name.to_owned(),
            url::Host::Ipv4(address) => address.to_string(),
            url::Host::Ipv6(address) => address.to_string(),
        };
        let port = url.port_or_known_default().ok_or_else(bad)?;
        Ok(Self::Tcp { host, port, base: url.path().trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, base } if host.contains(':') => write!(f, "http://[{host}]:{port}{base}"),
            Self::Tcp { host, port, base } => write!(f, "http://{host}:{port}{base}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Has a server decide an event for the holder of `key`.
///
/// # Errors
/// A server that is not there or refuses, an answer that is no decision.
pub fn decide(place: &Place, agent: Agent, key: &Secret, event: Vec<u8>) -> Result<Told, HookError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(HookError::CannotRun)?;
    let told = runtime.block_on(ask(place, agent, key, event));
    // A name that is still looked up must not hold up the end.
    runtime.shutdown_background();
    told
}

async fn ask(place: &Place, agent: Agent, key: &Secret, event: Vec<u8>) -> Result<Told, HookError> {
    let unreachable = |source| HookError::Unreachable { place: place.to_string(), source };
    match place {
        Place::Unix(path) => {
            let socket = UnixStream::connect(path).await.map_err(unreachable)?;
            exchange(socket, request("localhost", agent.path(), key, event)?).await
        }
        Place::Tcp { host, port, base } => {
            let socket = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
            socket.set_nodelay(true).map_err(unreachable)?;
            let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            exchange(socket, request(&authority, &format!("{base}{}", agent.path()), key, event)?).await
        }
    }
}

fn request(host: &str, path: &str, key: &Secret, event: Vec<u8>) -> Result<Request<Full<Bytes>>, HookError> {
    let mut key = HeaderValue::from_str(key.expose()).map_err(|_| HookError::BadKey)?;
    key.set_sensitive(true);
    Request::post(path)
        .header(header::HOST, host)
        .header("x-api-key", key)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(event.into()))
        .map_err(|_| HookError::Url(host.to_owned()))
}

async fn exchange<S>(socket: S, request: Request<Full<Bytes>>) -> Result<Told, HookError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| HookError::Broken(Box::new(error));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
    // Its failure is the exchange's, which tells of it.
    tokio::spawn(async move { drop(connection.await) });
    let (head, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
    let body = Limited::new(body, ANSWER_LIMIT).collect().await.map_err(HookError::Broken)?.to_bytes();
    if head.status != StatusCode::OK {
        return Err(HookError::Refused { status: head.status.as_u16(), message: words(&body) });
    }
    serde_json::from_slice(&body).map_err(|error| HookError::NoDecision(Some(error)))
}

/// What a refusal says, if it says it the way we do.
fn words(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Words {
        error: String,
    }
    let said = serde_json::from_slice::<Words>(body).map(|words| words.error);
    said.unwrap_or_else(|_| "no reason given".to_owned()).chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn places_are_read_and_shown() {
        for (text, shown) in [
            ("http://127.0.0.1:4242", "http://127.0.0.1:4242"),
            ("http://loop/under/", "http://loop:80/under"),
            ("http://[::1]:4242", "http://[::1]:4242"),
            ("unix:/run/loop.sock", "unix:/run/loop.sock"),
            ("unix:///run/loop.sock", "unix:/run/loop.sock"),
            ("unix:loop.sock", "unix:loop.sock"),
        ] {
            assert_eq!(text.parse::<Place>().map(|place| place.to_string()).ok().as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn places_of_another_kind_are_refused_without_their_password() {
        for text in
            ["", "unix:", "127.0.0.1:4242", "https://a", "http://u:secret@a", "http://a?k=v", "ftp://a", "/run/s"]
        {
            let error = text.parse::<Place>().expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
