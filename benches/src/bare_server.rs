//! The floor of HTTP: hyper alone reads a typed body, decides by one comparison and answers bytes it was given.

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    Outcome,
    group_commit::GroupCommit,
    workload::{Evaluate, Intercept},
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The limit of the one rule.
const LIMIT: f64 = 1000.0;

struct Bare {
    commits: GroupCommit,
    evaluated: Bytes,
    intercepted: Bytes,
}

/// Serves both paths until the process ends. Rows go into a file in `folder`; the answers are the two files
/// `evaluate.json` and `intercept.json` there.
///
/// # Errors
/// An address or a folder that cannot be used.
pub fn serve(address: SocketAddr, folder: &Path) -> Outcome<()> {
    let (commits, _writer) = GroupCommit::open(folder)?;
    let answer = |name| std::fs::read(folder.join(name)).map(Bytes::from);
    let bare = Bare { commits, evaluated: answer("evaluate.json")?, intercepted: answer("intercept.json")? };
    let bare = Arc::new(bare);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let bare = Arc::clone(&bare);
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let bare = Arc::clone(&bare);
                    async move { Ok::<_, Infallible>(bare.answer(request).await) }
                });
                // A connection that breaks off is the client's business.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    })
}

impl Bare {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let durable = request.uri().path() == "/api/intercept";
        let answered = match request.into_body().collect().await {
            Ok(body) if durable => self.intercept(&body.to_bytes()).await,
            Ok(body) => self.evaluate(&body.to_bytes()),
            Err(_) => None,
        };
        let mut response = Response::new(Full::new(answered.clone().unwrap_or_default()));
        if answered.is_none() {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        response
    }

    fn evaluate(&self, body: &[u8]) -> Option<Bytes> {
        let call: Evaluate<'_> = serde_json::from_slice(body).ok()?;
        let within = call.step.tool != "wire_transfer" || call.step.inputs.amount <= LIMIT;
        within.then(|| self.evaluated.clone())
    }

    async fn intercept(&self, body: &[u8]) -> Option<Bytes> {
        let call: Intercept<'_> = serde_json::from_slice(body).ok()?;
        if call.tool_name == "wire_transfer" && call.arguments.amount > LIMIT {
            return None;
        }
        let (tell, told) = oneshot::channel();
        self.commits
            .submit(move || {
                // Whoever waited may have given up.
                let _ = tell.send(());
            })
            .ok()?;
        told.await.ok()?;
        Some(self.intercepted.clone())
    }
}
