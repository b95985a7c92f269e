//! Answer bodies that are made while they are read: no task and no channel between who makes and who sends, and when
//! the reader goes, the making stops where it stands.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;

use super::pulse::Pulse;

/// The maker gave up; what was sent so far must not look whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub struct Cut;

/// Where the maker puts what it made.
#[derive(Debug, Clone, Default)]
pub struct Out(Arc<Mutex<VecDeque<Bytes>>>);

type Making = Pin<Box<dyn Future<Output = Result<(), Cut>> + Send>>;

/// A body and who makes it.
pub(super) struct Drawn {
    // Whoever holds a response by reference may be on another thread; the lock is never contended.
    making: Mutex<Option<Making>>,
    out: Out,
    pulse: Option<Arc<Pulse>>,
}

impl Out {
    fn pieces(&self) -> MutexGuard<'_, VecDeque<Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a piece on and waits until it was taken.
    pub async fn send(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.pieces().push_back(bytes);
        // Nobody has to be woken: who takes the last piece asks for the next.
        poll_fn(|_| if self.pieces().is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// As [`Self::send`], for several pieces.
    pub async fn send_all(&self, bytes: impl IntoIterator<Item = Bytes>) {
        self.pieces().extend(bytes.into_iter().filter(|bytes| !bytes.is_empty()));
        poll_fn(|_| if self.pieces().is_empty() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

impl Drawn {
    pub fn new<F>(make: impl FnOnce(Out) -> F) -> Self
    where
        F: Future<Output = Result<(), Cut>> + Send + 'static,
    {
        let out = Out::default();
        let making: Making = Box::pin(make(out.clone()));
        Self { making: Mutex::new(Some(making)), out, pulse: None }
    }

    /// While the maker waits the connection is at work, and its limits are the maker's.
    pub fn keep(&mut self, pulse: Arc<Pulse>) {
        self.pulse = Some(pulse);
    }

    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let next = self.next(cx);
        match (&self.pulse, &next) {
            (Some(pulse), Poll::Pending) => pulse.busy(),
            (Some(pulse), Poll::Ready(_)) => pulse.answered(),
            (None, _) => {}
        }
        next
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(piece) = self.out.pieces().pop_front() {
            return Poll::Ready(Some(Ok(piece)));
        }
        let slot = self.making.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(making) = slot else { return Poll::Ready(None) };
        let ended = match making.as_mut().poll(cx) {
            Poll::Pending => None,
            Poll::Ready(ended) => {
                *slot = None;
                Some(ended)
            }
        };
        let piece = self.out.pieces().pop_front();
        match (piece, ended) {
            // What is cut need not be sent to its end.
            (_, Some(Err(cut))) => Poll::Ready(Some(Err(io::Error::other(cut)))),
            (Some(piece), _) => Poll::Ready(Some(Ok(piece))),
            (None, Some(Ok(()))) => Poll::Ready(None),
            (None, None) => Poll::Pending,
        }
    }

    /// Whether nothing follows.
    pub fn ended(&self) -> bool {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.is_none() && self.out.pieces().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::BodyExt;
    use tokio::sync::{Notify, oneshot};

    use super::Cut;
    use crate::http::stream::Body;

    #[tokio::test]
    async fn a_body_is_made_piece_by_piece_and_ends_as_its_maker_does() {
        let body = Body::drawn(|out| async move {
            out.send(Bytes::from_static(b"a")).await;
            out.send(Bytes::new()).await;
            out.send_all([Bytes::from_static(b"b"), Bytes::new(), Bytes::from_static(b"c")]).await;
            Ok(())
        });
        assert_eq!(body.collect().await.expect("whole").to_bytes(), "abc");
        let cut = Body::drawn(|out| async move {
            out.send(Bytes::from_static(b"half")).await;
            Err(Cut)
        });
        assert!(cut.collect().await.is_err());
    }

    #[tokio::test]
    async fn nothing_is_made_ahead_of_the_reader() {
        let made = Arc::new(Notify::new());
        let seen = Arc::clone(&made);
        let mut body = Body::drawn(|out| async move {
            out.send(Bytes::from_static(b"a")).await;
            seen.notify_one();
            out.send(Bytes::from_static(b"b")).await;
            Ok(())
        });
        body.frame().await.expect("a piece").expect("no error");
        let mut notified = Box::pin(made.notified());
        let early = std::future::poll_fn(|cx| std::task::Poll::Ready(notified.as_mut().poll(cx).is_ready())).await;
        assert!(!early, "the first piece was taken, and only then the second is asked for");
        body.frame().await.expect("a piece").expect("no error");
        notified.await;
    }

    #[tokio::test]
    async fn the_maker_is_dropped_with_its_reader() {
        let (held, gone) = oneshot::channel::<()>();
        let body = Body::drawn(|out| async move {
            let _held = held;
            out.send(Bytes::from_static(b"a")).await;
            std::future::pending().await
        });
        drop(body);
        assert!(gone.await.is_err());
    }
}
