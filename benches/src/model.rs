//! A language model that answers at once: hyper alone, one completion whole or streamed.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming, SizeHint},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Outcome;

/// A completion of some sentences.
const WHOLE: &str = r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1741569952,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"The invoice of the ninth was paid on the twelfth, in full. Nothing is open from this supplier; the next invoice is due at the end of the month.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":36,"total_tokens":55,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}},"service_tier":"default"}"#;
/// What every chunk of a stream begins with.
const CHUNK: &str = r#"{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1741569952,"model":"gpt-4.1-2025-04-14","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"#;
/// How many words a stream has.
const WORDS: usize = 30;

/// A completion, whole or event by event.
enum Answer {
    Whole(Option<Bytes>),
    /// The number of the next event.
    Events(usize, bool),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Events(next, told) => {
                // Each event is sent by itself, as models do.
                if std::mem::replace(told, false) {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let event = event(*next);
                (*next, *told) = (*next + 1, true);
                Poll::Ready(event.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Self::Whole(None) => SizeHint::with_exact(0),
            Self::Events(..) => SizeHint::default(),
        }
    }
}

fn event(number: usize) -> Option<Bytes> {
    let text = match number {
        0 => format!(
            "data: {CHUNK}\"delta\":{{\"role\":\"assistant\",\"content\":\"First\"}},\"finish_reason\":null}}]}}\n\n"
        ),
        1..WORDS => format!("data: {CHUNK}\"delta\":{{\"content\":\" word\"}},\"finish_reason\":null}}]}}\n\n"),
        WORDS => format!("data: {CHUNK}\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n"),
        _ => return None,
    };
    Some(text.into())
}

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let streamed = body.windows(13).any(|part| part == b"\"stream\":true");
    let (media, answer) = if streamed {
        ("text/event-stream", Answer::Events(0, false))
    } else {
        ("application/json", Answer::Whole(Some(Bytes::from_static(WHOLE.as_bytes()))))
    };
    let mut response = Response::new(answer);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    Ok(response)
}

/// Serves until the process ends.
///
/// # Errors
/// An address that cannot be used.
pub fn serve(address: SocketAddr) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            tokio::spawn(async move {
                // A connection that breaks off is the client's business.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service_fn(answer)).await;
            });
        }
    })
}
