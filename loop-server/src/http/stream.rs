//! Answer bodies: whole, or written bit by bit with back-pressure.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

use super::{
    drawn::{Cut, Drawn, Out},
    pulse::Pulse,
};

/// How many pieces may wait for a slow reader before the writer waits.
const PIECES: usize = 8;

/// The body of an answer.
pub struct Body(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Piece>),
    Drawn(Drawn),
    Ended,
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// The writing end of a streamed body.
#[derive(Debug)]
pub struct Sender(mpsc::Sender<Piece>);

/// The reader has gone away; whatever produces the stream should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reader has gone away")]
pub struct Gone;

/// The two ends of a streamed body.
pub(super) fn channel() -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Sender(sender), Body(Kind::Stream(receiver)))
}

impl Sender {
    /// Adds a piece and waits while the reader is behind.
    ///
    /// # Errors
    /// When the reader has gone away.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.send(Piece::Bytes(bytes)).await.map_err(|_| Gone)
    }

    /// Ends the body well.
    ///
    /// # Errors
    /// When the reader has gone away.
    pub async fn finish(self) -> Result<(), Gone> {
        self.0.send(Piece::End).await.map_err(|_| Gone)
    }

    /// Resolves when the reader has gone away.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

impl Body {
    /// A body that is there already.
    #[must_use]
    pub fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Kind::Ended } else { Kind::Whole(Some(bytes)) })
    }

    /// A body that is made while it is read; the maker is dropped with its reader.
    #[must_use]
    pub fn drawn<F>(make: impl FnOnce(Out) -> F) -> Self
    where
        F: Future<Output = Result<(), Cut>> + Send + 'static,
    {
        Self(Kind::Drawn(Drawn::new(make)))
    }

    /// Tells who makes the body of the connection that it is sent on.
    pub(super) fn on(&mut self, pulse: Arc<Pulse>) {
        if let Kind::Drawn(drawn) = &mut self.0 {
            drawn.keep(pulse);
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(pieces) => match ready!(pieces.poll_recv(cx)) {
                Some(Piece::Bytes(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Piece::End) => {
                    self.0 = Kind::Ended;
                    Poll::Ready(None)
                }
                None => {
                    self.0 = Kind::Ended;
                    Poll::Ready(Some(Err(io::Error::other("the answer broke off"))))
                }
            },
            Kind::Drawn(drawn) => drawn.poll_next(cx).map(|next| next.map(|piece| piece.map(Frame::data))),
            Kind::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Ended | Kind::Whole(None) => true,
            Kind::Drawn(drawn) => drawn.ended(),
            Kind::Whole(Some(_)) | Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Whole(None) | Kind::Ended => SizeHint::with_exact(0),
            Kind::Stream(_) | Kind::Drawn(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({:?})", self.size_hint().exact())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::channel;

    #[tokio::test]
    async fn a_finished_stream_ends_well_and_a_dropped_one_does_not() {
        let (sender, body) = channel();
        let writer = tokio::spawn(async move {
            sender.send("a").await?;
            sender.send("").await?;
            sender.send("b").await?;
            sender.finish().await
        });
        assert_eq!(body.collect().await.expect("whole").to_bytes(), "ab");
        assert!(writer.await.expect("no panic").is_ok());

        let (sender, body) = channel();
        sender.send("half").await.expect("room for one");
        drop(sender);
        assert!(body.collect().await.is_err());
    }

    #[tokio::test]
    async fn the_writer_learns_that_the_reader_has_gone() {
        let (sender, body) = channel();
        drop(body);
        assert!(sender.send("x").await.is_err());
        sender.gone().await;
    }

    #[tokio::test]
    async fn a_slow_reader_holds_the_writer_back() {
        let (sender, mut body) = channel();
        for _ in 0..super::PIECES {
            sender.send("x").await.expect("room");
        }
        let mut next = Box::pin(sender.send("y"));
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(next.as_mut().poll(cx).is_pending())).await);
        body.frame().await.expect("a piece").expect("no error");
        next.await.expect("room again");
    }
}
