//! The floor of proxies: hyper hands requests and answers on over pooled connections and looks at nothing.

use std::net::SocketAddr;

use hyper::{Request, Response, Uri, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

use crate::Outcome;

type Pool = Client<HttpConnector, Incoming>;

async fn pass(pool: Pool, upstream: String, mut request: Request<Incoming>) -> Outcome<Response<Incoming>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{upstream}{path}").parse::<Uri>()?;
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::CONNECTION);
    Ok(pool.request(request).await?)
}

/// Serves until the process ends.
///
/// # Errors
/// An address that cannot be used.
pub fn serve(address: SocketAddr, upstream: &str) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool: Pool = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(512).build(connector);
        let listener = TcpListener::bind(address).await?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let (pool, upstream) = (pool.clone(), upstream.to_owned());
            tokio::spawn(async move {
                let service = service_fn(|request| pass(pool.clone(), upstream.clone(), request));
                // A connection that breaks off is the client's business.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    })
}
