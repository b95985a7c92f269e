//! Forwarding an allowed call (`forward_to`): one guarded request, its answer handed back.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use loop_core::base::{json::Doc, secret::Secret};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Client, Error};
use crate::http::hop_by_hop::HOP_BY_HOP;

/// The request an allowed call becomes.
///
/// `Debug` is left out: URL, headers and body may hold secrets.
pub struct Forward<'a> {
    /// Where to, `https` unless private targets are allowed.
    pub url: &'a str,
    /// The method in any case; `POST` is the usual default.
    pub method: &'a str,
    /// The headers the caller wants sent, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body as JSON text. `GET` and `HEAD` are sent without it.
    pub body: &'a str,
    /// The key the caller authenticated with; a request that holds it anywhere is refused.
    pub own_key: Option<&'a Secret>,
}

/// What the target answered. Serialises into the fields that the intercept answer gains.
#[derive(Debug, Clone, Serialize)]
pub struct Forwarded {
    /// Always true: it is what clients look for.
    pub forwarded: bool,
    /// The target's status; a redirect is reported, not followed.
    pub status_code: u16,
    /// The target's answer: JSON as it was sent, or any other body as text.
    pub result: Outcome,
    /// Whether the answer was longer than we read; a cut answer is always text.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A target's answer.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// JSON, digit for digit.
    Json(Box<RawValue>),
    /// Anything else; bytes that are not UTF-8 become `U+FFFD`.
    Text(String),
    /// No body.
    Nothing,
}

/// How many headers a caller may set.
const HEADERS_MAX: usize = 64;

/// Headers that belong to the message's framing or the proxy, not to the caller; those of the connection stand in
/// [`HOP_BY_HOP`].
const WITHHELD: [HeaderName; 6] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::CONTENT_ENCODING,
    HeaderName::from_static("x-loop-key"),
    header::VIA,
];

/// Sends the request and reads the answer.
///
/// # Errors
/// A request that may not be sent, or an exchange that failed; [`Error::code`] tells them apart. With
/// [`Error::Timeout`] and [`Error::Broken`] the target may have acted.
pub async fn send(client: &Client, forward: Forward<'_>) -> Result<Forwarded, Error> {
    let target = client.target(forward.url)?;
    let method = method(forward.method)?;
    let bare = matches!(method, Method::GET | Method::HEAD);
    let body = if bare { "" } else { forward.body };
    if let Some(key) = forward.own_key
        && holds(&forward, body, key.expose())
    {
        return Err(Error::OwnKey);
    }
    let headers = headers(forward.headers, !bare)?;
    let answer = client.send(method, &target, headers, Bytes::copy_from_slice(body.as_bytes())).await?;
    Ok(Forwarded {
        forwarded: true,
        status_code: answer.status.as_u16(),
        result: outcome(&answer.body, answer.cut),
        truncated: answer.cut,
    })
}

/// Checks all that can be known before the call is decided, so that a request that cannot be sent is refused
/// at once.
///
/// # Errors
/// As [`send`], the address of a host name apart: it is checked when it is dialled.
pub fn check(client: &Client, url: &str, method_name: &str, sent: &[(&str, &str)]) -> Result<(), Error> {
    client.target(url)?;
    method(method_name)?;
    headers(sent, true).map(drop)
}

fn method(name: &str) -> Result<Method, Error> {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .into_iter()
        .find(|method| method.as_str().eq_ignore_ascii_case(name))
        .ok_or_else(|| Error::Method(name.chars().take(32).collect()))
}

fn headers(sent: &[(&str, &str)], with_body: bool) -> Result<HeaderMap, Error> {
    let named = |name: &str| Error::Header(name.chars().take(64).collect());
    let mut headers = HeaderMap::with_capacity(sent.len().min(HEADERS_MAX).saturating_add(3));
    for (at, (name, value)) in sent.iter().enumerate() {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| named(name))?;
        let value = HeaderValue::from_str(value).map_err(|_| named(name))?;
        let withheld = HOP_BY_HOP.contains(&key) || WITHHELD.contains(&key) || key.as_str().starts_with("proxy-");
        if at >= HEADERS_MAX || withheld {
            return Err(named(name));
        }
        headers.append(key, value);
    }
    let mut default = |key: HeaderName, value: &'static str| {
        headers.entry(key).or_insert(HeaderValue::from_static(value));
    };
    default(header::USER_AGENT, concat!("loop/", env!("CARGO_PKG_VERSION")));
    default(header::ACCEPT_ENCODING, "identity");
    if with_body {
        default(header::CONTENT_TYPE, "application/json");
    }
    Ok(headers)
}

fn holds(forward: &Forward<'_>, body: &str, key: &str) -> bool {
    !key.is_empty()
        && (forward.url.contains(key)
            || body.contains(key)
            || forward.headers.iter().any(|(_, value)| value.contains(key)))
}

/// JSON goes through untouched, if our own strict reader takes it: what we pass on, every client can read.
fn outcome(body: &[u8], cut: bool) -> Outcome {
    if body.is_empty() {
        return Outcome::Nothing;
    }
    let text = String::from_utf8_lossy(body).into_owned();
    if cut || Doc::parse(body).is_err() {
        return Outcome::Text(text);
    }
    match RawValue::from_string(text) {
        Ok(raw) => Outcome::Json(raw),
        Err(_) => Outcome::Text(String::from_utf8_lossy(body).into_owned()),
    }
}
