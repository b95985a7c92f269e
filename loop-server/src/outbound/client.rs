//! The outbound HTTP client: guarded connections, no redirects, bounded time and size.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::Client as Pool,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::crypto::CryptoProvider;

use super::{
    Error, Target,
    connect::{Connector, Resolve, SystemResolver},
};

/// What a client permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Dial private addresses and speak plain `http`: for tests and closed networks.
    pub allow_private: bool,
    /// How long an exchange may take in all, in seconds.
    pub seconds: u64,
    /// How much of a response's body is read, in bytes; the rest is cut off.
    pub body_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { allow_private: false, seconds: 30, body_max: 1 << 20 }
    }
}

/// A response, read to its end or to the limit.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status; a redirect is an answer like any other and is not followed.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Whether the body was longer than the limit and is cut.
    pub cut: bool,
}

/// The client. Cloning shares its connections.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpsConnector<Connector>, Full<Bytes>>,
    limits: Limits,
}

/// How many response headers are accepted.
const HEADERS_MAX: usize = 100;
/// How large status line and headers may be together, in bytes.
const HEAD_MAX: usize = 64 << 10;
/// How long an idle connection is kept, and how many to one host.
const IDLE: (Duration, usize) = (Duration::from_secs(30), 8);

impl Client {
    /// A client that asks the operating system for addresses.
    ///
    /// # Errors
    /// A TLS set-up without usable protocol versions: a defect of the build.
    pub fn new(limits: Limits) -> Result<Self, rustls::Error> {
        Self::with_resolver(limits, Arc::new(SystemResolver))
    }

    /// A client with its own resolver.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_resolver(limits: Limits, resolver: Arc<dyn Resolve>) -> Result<Self, rustls::Error> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector::new(resolver, limits.allow_private));
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE.0)
            .pool_max_idle_per_host(IDLE.1)
            // Some receivers compare names as HTTP/1.1 clients usually write them.
            .http1_title_case_headers(true)
            .http1_max_headers(HEADERS_MAX)
            .http1_max_buf_size(HEAD_MAX)
            .build(connector);
        Ok(Self { pool, limits })
    }

    /// What the client permits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The same connections under other limits of time and size. What may be dialled stays as it is.
    #[must_use]
    pub fn within(&self, limits: Limits) -> Self {
        Self { pool: self.pool.clone(), limits: Limits { allow_private: self.limits.allow_private, ..limits } }
    }

    /// Reads a URL under the client's limits.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn target(&self, url: &str) -> Result<Target, Error> {
        Target::parse(url, self.limits.allow_private)
    }

    /// Sends one request. It is sent at most once.
    ///
    /// # Errors
    /// A refused address, a failed connection, a broken exchange, or the time limit.
    pub async fn send(
        &self,
        method: Method,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.uri().clone();
        *request.headers_mut() = headers;
        let mut status = None;
        let exchange = self.exchange(request, &mut status, target);
        let limit = Duration::from_secs(self.limits.seconds);
        match tokio::time::timeout(limit, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout { seconds: self.limits.seconds, status }),
        }
    }

    async fn exchange(
        &self,
        request: http::Request<Full<Bytes>>,
        status: &mut Option<u16>,
        target: &Target,
    ) -> Result<Answer, Error> {
        let response = self.pool.request(request).await.map_err(|error| own(&error, target))?;
        let (head, mut body) = response.into_parts();
        *status = Some(head.status.as_u16());
        let mut read = BytesMut::new();
        let mut cut = false;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Error::Broken { status: *status })?;
            let Ok(mut data) = frame.into_data() else { continue };
            let room = self.limits.body_max.saturating_sub(read.len());
            cut = data.len() > room;
            data.truncate(room);
            read.extend_from_slice(&data);
            if cut {
                // Dropping the body closes the connection.
                break;
            }
        }
        Ok(Answer { status: head.status, headers: head.headers, body: read.freeze(), cut })
    }
}

/// Finds our own error below what the HTTP stack wraps around it; its texts could show too much.
fn own(error: &hyper_util::client::legacy::Error, target: &Target) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(at) = cause {
        if let Some(own) = at.downcast_ref::<Error>() {
            return own.clone();
        }
        cause = at.source();
    }
    if error.is_connect() { Error::Connect(target.to_string()) } else { Error::Broken { status: None } }
}

/// The TLS implementation, named so that another crate's choice of a process default cannot change it.
fn ring() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
