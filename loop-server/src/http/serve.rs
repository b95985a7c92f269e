//! The accept loop: a bounded number of connections, and an orderly end.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use super::{
    eager::eager,
    listen::{Bound, Listener},
    pulse::{Paced, Patience, Pulse},
    request,
};
use crate::state::App;

/// The buffer for a head, in bytes. Larger heads are answered 431 without a body of ours.
const HEAD_BUFFER: usize = 64 << 10;
/// How long to wait when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// A server that is running.
#[derive(Debug)]
pub struct Running {
    bound: Bound,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Stops accepting, lets requests under way finish within the configured time, and closes what is left.
    pub async fn shutdown(self) {
        // The loop may have ended already.
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::error!(target: "loop::server", "the accept loop broke off");
        }
    }
}

/// Starts to serve `app` on `listener`.
///
/// # Errors
/// When the listener's address cannot be told.
pub fn start(app: Arc<App>, listener: Listener) -> io::Result<Running> {
    let bound = listener.bound()?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept(app, listener, stopped));
    Ok(Running { bound, stop, task })
}

async fn accept(app: Arc<App>, listener: Listener, mut stopped: watch::Receiver<bool>) {
    let limits = app.config.limits;
    let room = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        // Beyond the limit nothing is accepted; the system's queue holds who comes next.
        let permit = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            permit = Arc::clone(&room).acquire_owned() => permit,
        };
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            accepted = connect(&listener) => accepted,
        };
        let watcher = graceful.watcher();
        match accepted {
            Ok(Stream::Tcp(socket, peer)) => {
                connections.spawn(connection(Arc::clone(&app), socket, Some(peer), watcher, permit));
            }
            Ok(Stream::Unix(socket)) => {
                connections.spawn(connection(Arc::clone(&app), socket, None, watcher, permit));
            }
            Err(error) => {
                tracing::warn!(target: "loop::server", %error, "no connection could be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(limits.drain_time, graceful.shutdown()).await.is_err() {
        tracing::warn!(target: "loop::server", left = connections.len(), "closing connections that did not finish");
    }
    connections.shutdown().await;
}

enum Stream {
    /// With the address at its other end.
    Tcp(tokio::net::TcpStream, IpAddr),
    Unix(tokio::net::UnixStream),
}

async fn connect(listener: &Listener) -> io::Result<Stream> {
    match listener {
        Listener::Tcp(listener) => {
            let (socket, peer) = listener.accept().await?;
            // Small answers must not wait for more to send. A socket that refuses is closed already.
            let _ = socket.set_nodelay(true);
            Ok(Stream::Tcp(socket, peer.ip().to_canonical()))
        }
        Listener::Unix(_, listener) => Ok(Stream::Unix(listener.accept().await?.0)),
    }
}

async fn connection<S>(app: Arc<App>, socket: S, peer: Option<IpAddr>, watcher: Watcher, permit: OwnedSemaphorePermit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = app.config.limits;
    let open = app.metrics.connection();
    let pulse = Pulse::new(Patience { head: limits.head_time, idle: limits.idle_time });
    let io = TokioIo::new(Paced::new(socket, Arc::clone(&pulse)));
    let service = service_fn(|request: Request<Incoming>| {
        pulse.busy();
        let (app, pulse) = (Arc::clone(&app), Arc::clone(&pulse));
        async move {
            let mut response = request::answer(app, peer, request).await;
            pulse.answered();
            response.body_mut().on(pulse);
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(io, service);
    tokio::select! {
        biased;
        ended = eager(watcher.watch(served)) => {
            if let Err(error) = ended {
                tracing::debug!(target: "loop::server", %error, "a connection broke off");
            }
        }
        () = pulse.outstayed() => tracing::debug!(target: "loop::server", "a connection was too slow"),
    }
    drop((open, permit));
}
