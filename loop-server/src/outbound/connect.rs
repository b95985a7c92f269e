//! The connector: it resolves the name, checks every address, and dials exactly what it checked.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Error, address};

/// How long one address may take to accept.
const CONNECT_SECONDS: u64 = 5;
/// How many addresses of a name are tried.
const ADDRESSES_MAX: usize = 6;

/// The addresses of a name, or why there are none.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where addresses of names come from.
pub trait Resolve: Send + Sync {
    /// Every address of `host`, in the order they shall be tried.
    fn resolve(&self, host: &str) -> Resolving;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move {
            // The port is of no account for the answer.
            Ok(tokio::net::lookup_host((host, 443)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// A connector that refuses addresses which are not public.
#[derive(Clone)]
pub struct Connector {
    resolver: Arc<dyn Resolve>,
    allow_private: bool,
}

impl Connector {
    /// A connector over `resolver`; with `allow_private` it dials any address.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>, allow_private: bool) -> Self {
        Self { resolver, allow_private }
    }

    /// The addresses to dial for `uri`, all checked.
    async fn addresses(&self, uri: &Uri) -> Result<(String, Vec<SocketAddr>), Error> {
        let host = uri.host().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let ips = match bare.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => self.resolver.resolve(bare).await.map_err(|_| Error::Unresolved(bare.to_owned()))?,
        };
        if ips.is_empty() {
            return Err(Error::Unresolved(bare.to_owned()));
        }
        if !self.allow_private {
            // One bad address spoils the name: public and private answers mixed are how rebinding looks.
            for ip in &ips {
                address::check(*ip).map_err(|why| Error::Refused { host: bare.to_owned(), why })?;
            }
        }
        Ok((bare.to_owned(), ips.into_iter().take(ADDRESSES_MAX).map(|ip| SocketAddr::new(ip, port)).collect()))
    }

    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, Error> {
        let (host, addresses) = self.addresses(&uri).await?;
        for address in addresses {
            let dial = tokio::time::timeout(Duration::from_secs(CONNECT_SECONDS), TcpStream::connect(address));
            if let Ok(Ok(stream)) = dial.await {
                // Without this small requests wait for an acknowledgement; failing to set it harms nothing else.
                let _ = stream.set_nodelay(true);
                return Ok(TokioIo::new(stream));
            }
        }
        Err(Error::Connect(host))
    }
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
