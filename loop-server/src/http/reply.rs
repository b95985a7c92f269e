//! What a handler answers when all went well.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{
    Failure,
    stream::{self, Sender},
};

/// An answer.
pub struct Reply {
    pub(super) status: StatusCode,
    pub(super) media: HeaderValue,
    pub(super) content: Content,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Headers of another server's answer that is handed on; they replace those that every answer carries.
    pub(super) passed: Option<Box<HeaderMap>>,
    /// Members of the body that no repetition of the request is told again.
    pub(super) once: &'static [&'static str],
}

/// The body of an answer.
pub(super) enum Content {
    Nothing,
    Whole(Bytes),
    Stream(stream::Body),
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
/// Pages of ours load nothing, run nothing, stand in no frame and post to nobody else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);

impl Reply {
    /// 204: there is nothing to say.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            media: JSON,
            content: Content::Nothing,
            headers: Vec::new(),
            passed: None,
            once: &[],
        }
    }

    /// 200 with JSON that is written already.
    #[must_use]
    pub fn raw_json(json: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media: JSON,
            content: Content::Whole(json.into()),
            headers: Vec::new(),
            passed: None,
            once: &[],
        }
    }

    /// 200 with a value as JSON.
    ///
    /// # Errors
    /// [`loop_core::base::Code::Internal`] when the value cannot be written, such as a map with keys that are no text.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        serde_json::to_vec(value)
            .map(Self::raw_json)
            .map_err(|error| Failure::internal(format!("answer cannot be written: {error}")))
    }

    /// 200 with bytes of another kind.
    #[must_use]
    pub fn bytes(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            media: HeaderValue::from_static(media),
            content: Content::Whole(bytes.into()),
            headers: Vec::new(),
            passed: None,
            once: &[],
        }
    }

    /// 200 with a page that loads nothing from anywhere. The caller escapes what it puts in.
    #[must_use]
    pub fn page(html: impl Into<Bytes>) -> Self {
        let mut page = Self::raw_json(html);
        page.media = HTML;
        page.with_header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
            .with_header(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"))
            .with_header(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
    }

    /// 200 with a body that is written bit by bit, and the end to write it with. A writer that is dropped
    /// before [`Sender::finish`] cuts the connection, so half an answer never looks whole.
    #[must_use]
    pub fn stream(media: &'static str) -> (Sender, Self) {
        let (sender, body) = stream::channel();
        let reply = Self {
            status: StatusCode::OK,
            media: HeaderValue::from_static(media),
            content: Content::Stream(body),
            headers: Vec::new(),
            passed: None,
            once: &[],
        };
        (sender, reply)
    }

    /// Another server's answer, handed on with its own headers.
    #[must_use]
    pub fn passed(status: StatusCode, headers: HeaderMap, body: stream::Body) -> Self {
        let mut reply = Self::raw_json(Bytes::new()).with_status(status);
        reply.content = Content::Stream(body);
        reply.passed = Some(Box::new(headers));
        reply
    }

    /// The body, when it is JSON and there already.
    pub(crate) fn into_json(self) -> Option<Bytes> {
        match self.content {
            Content::Whole(bytes) if self.media == JSON => Some(bytes),
            _ => None,
        }
    }

    /// The body, when it is there already.
    #[cfg(test)]
    pub(crate) fn into_bytes(self) -> Option<Bytes> {
        if let Content::Whole(bytes) = self.content { Some(bytes) } else { None }
    }

    /// Another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Names members of the body, such as a new key, that are shown in this answer only: a repetition of the request
    /// under the same idempotency key is told the rest.
    #[must_use]
    pub const fn showing_once(mut self, members: &'static [&'static str]) -> Self {
        self.once = members;
        self
    }

    /// One more header; it replaces a header of the same name that every answer carries.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reply({}, {:?})", self.status, self.media)
    }
}
