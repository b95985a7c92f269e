//! Pages of other origins that may call a surface. Which ones is the dialect's to say; every other page is refused by
//! [`super::origin`].

use http::{HeaderMap, HeaderValue, header};

use super::{Dialect, Reply};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, Idempotency-Key");
/// How long a browser may remember, in seconds: a day.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");
const VARY: HeaderValue = HeaderValue::from_static("Origin");

/// The origin a request comes from, when its pages may call this surface.
#[must_use]
pub fn allowed(dialect: &Dialect, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    dialect.origins.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes()).then(|| origin.clone())
}

/// Whether a browser asks what it may send.
#[must_use]
pub fn asks(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a browser is told that asks.
#[must_use]
pub fn preflight() -> Reply {
    Reply::nothing()
        .with_header(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .with_header(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS)
        .with_header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE)
}

/// Lets the page read the answer.
pub fn tell(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, VARY);
}
