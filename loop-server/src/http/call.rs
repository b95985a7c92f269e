//! What a handler gets.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use loop_core::{
    access::Caller,
    base::{Code, Time, json::Doc, secret::Secret},
};
use serde::de::DeserializeOwned;

use super::{Failure, Row, auth, request_id::RequestId, room::Held};
use crate::state::App;

/// A request that has passed every check of its row.
pub struct Call {
    /// The running server.
    pub app: Arc<App>,
    /// The row that was called.
    pub row: &'static Row,
    /// The address at the other end of the connection, whatever a header says; `None` on a Unix socket.
    pub peer: Option<IpAddr>,
    /// The method, which is `HEAD` on a `GET` row when only the head is wanted.
    pub method: Method,
    /// The path and query as sent. They may hold a key or a token: never log them.
    pub uri: Uri,
    /// The headers as sent. They hold keys: never log them.
    pub headers: HeaderMap,
    /// The body; empty for methods whose body is not read.
    pub body: Bytes,
    /// The request's id.
    pub request_id: RequestId,
    /// When the request was read.
    pub now: Time,
    /// What its body holds of the memory for large ones; only for rows of which [`Row::takes_coded`] is true.
    pub(crate) held: Option<Held>,
    pub(super) caller: Option<Caller>,
    pub(super) params: Vec<String>,
    /// The key of the request that this is a part of; its own headers hold none then.
    pub(super) lent_key: Option<Secret>,
}

/// What another row is asked within a request.
pub(crate) struct Asked {
    /// The row.
    pub row: &'static Row,
    /// A path and the query.
    pub uri: Uri,
    /// The parameters of the path, decoded.
    pub params: Vec<String>,
    /// The body.
    pub body: Bytes,
    /// The key that the request presented.
    pub key: Option<Secret>,
}

impl Call {
    /// The call of another row within a request, for a caller whose key is valid. Whether it may call the row is
    /// [`super::request::within`]'s to check.
    pub(crate) fn within(app: &Arc<App>, caller: Caller, request_id: RequestId, now: Time, asked: Asked) -> Self {
        let Asked { row, uri, params, body, key } = asked;
        let (app, method, headers) = (Arc::clone(app), row.method.clone(), HeaderMap::new());
        let (held, peer) = (None, None);
        Self {
            app,
            row,
            peer,
            method,
            uri,
            headers,
            body,
            request_id,
            now,
            held,
            caller: Some(caller),
            params,
            lent_key: key,
        }
    }

    /// Who calls.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] on a row that asks for no key.
    pub fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.as_ref().ok_or_else(|| Failure::new(Code::Unauthenticated, auth::REFUSED))
    }

    /// The key that was presented, for the one check that it is not sent on.
    #[must_use]
    pub fn presented_key(&self) -> Option<Secret> {
        let dialect = self.row.surface.dialect();
        let read = || auth::presented(dialect, &self.method, &self.headers, self.uri.query()).map(Secret::new);
        self.lent_key.clone().or_else(read)
    }

    /// A parameter of the path, percent-decoded once; empty when the row has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let place = self.row.path_params().position(|param| param == name);
        place.and_then(|place| self.params.get(place)).map_or("", String::as_str)
    }

    /// The first value of a parameter of the query, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Every pair of the query in order, decoded.
    pub fn query_pairs(&self) -> url::form_urlencoded::Parse<'_> {
        url::form_urlencoded::parse(self.uri.query().unwrap_or("").as_bytes())
    }

    /// A whole number from the query within bounds, or its default.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for text that is no whole number; a number out of bounds is moved to the bound.
    pub fn query_number(&self, name: &str, default: u64, min: u64, max: u64) -> Result<u64, Failure> {
        match self.query(name) {
            None => Ok(default),
            Some(text) if text.is_empty() => Ok(default),
            Some(text) if text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(text.parse().unwrap_or(u64::MAX).clamp(min, max))
            }
            Some(text) => {
                let shown: String = text.chars().take(40).collect();
                Err(Failure::invalid(format!("`{name}` must be a whole number, not `{shown}`")))
            }
        }
    }

    /// The body as a JSON object. Unknown members are ignored, though they must be sound too: no duplicate key, no deep
    /// nesting. What is wrong is named by its path.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        if self.body.is_empty() {
            return Err(Failure::invalid("a JSON body is expected"));
        }
        let doc = Doc::parse(&self.body).map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
        // serde would read an array as the members in order.
        if !doc.root().is_object() {
            return Err(Failure::invalid("invalid body: a JSON object is expected"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if path == "." || inner.is_syntax() || inner.is_eof() {
                Failure::invalid(format!("invalid body: {inner}"))
            } else {
                Failure::invalid(format!("invalid body: `{path}`: {inner}"))
            }
        })?;
        reader.end().map_err(|error| Failure::invalid(format!("invalid body: {error}")))?;
        Ok(value)
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({}, {})", self.row.operation, self.request_id)
    }
}
