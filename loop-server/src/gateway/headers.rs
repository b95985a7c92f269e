//! Which headers travel between client and upstream, and what they say to us.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::own_keys::OwnKeys;
use crate::http::{Failure, hop_by_hop::HOP_BY_HOP};

/// The agent's name, for rules and the log.
pub const AGENT: HeaderName = HeaderName::from_static("x-agent-name");
/// The conversation, for the log.
pub const SESSION: HeaderName = HeaderName::from_static("x-session-id");
/// The longest agent name or session id, in bytes.
const MAX_NAME: usize = 256;

/// What is ours, or between the client and us.
const OURS: [HeaderName; 15] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    header::COOKIE,
    HeaderName::from_static("x-loop-key"),
    HeaderName::from_static("x-trustloop-key"),
    AGENT,
    SESSION,
    header::FORWARDED,
    header::VIA,
    header::ORIGIN,
    header::REFERER,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// What an upstream says about its own origin, not about ours.
const OF_ITS_ORIGIN: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::ALT_SVC,
    HeaderName::from_static("set-cookie2"),
];

/// Who proposes, in the client's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The agent's name.
    pub agent: Option<String>,
    /// The conversation.
    pub session: Option<String>,
}

/// Reads who proposes.
///
/// # Errors
/// A name that is too long or no text.
pub fn said(headers: &HeaderMap) -> Result<Said, Failure> {
    let text = |name: &HeaderName| match headers.get(name) {
        None => Ok(None),
        Some(value) => match std::str::from_utf8(value.as_bytes()).map(str::trim) {
            Ok("") => Ok(None),
            Ok(text) if text.len() <= MAX_NAME => Ok(Some(text.to_owned())),
            _ => Err(Failure::invalid(format!("`{name}` must be text of at most {MAX_NAME} bytes"))),
        },
    };
    Ok(Said { agent: text(&AGENT)?, session: text(&SESSION)? })
}

/// Leaves in a request's headers what the upstream may see.
pub(super) fn forward(headers: &mut HeaderMap, keys: &OwnKeys<'_>) {
    let named = connection_names(headers);
    retain(headers, |name, value| {
        !keys.stand_in_header(name, value)
            && !HOP_BY_HOP.contains(name)
            && !OURS.contains(name)
            && !named.contains(name)
    });
    // Compressed text could only be handed on late, and would have to be undone first.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Leaves in an answer's headers what the client may see.
pub fn back(headers: &mut HeaderMap) {
    let named = connection_names(headers);
    retain(headers, |name, _| {
        !HOP_BY_HOP.contains(name)
            && !OF_ITS_ORIGIN.contains(name)
            && !named.contains(name)
            // Whose pages may read answers of this server is not the upstream's to say.
            && !name.as_str().starts_with("access-control-")
    });
}

/// The query without the parameter that may hold a key, and without whatever else holds one of ours.
#[must_use]
pub(super) fn query<'q>(query: Option<&'q str>, keys: &OwnKeys<'_>) -> Option<Cow<'q, str>> {
    let query = query.filter(|query| !query.is_empty())?;
    let kept = |pair: &&str| {
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        decoded.is_none_or(|(name, value)| {
            name != "api_key" && !keys.stand_in(name.as_bytes()) && !keys.stand_in(value.as_bytes())
        })
    };
    if query.split('&').all(|pair| kept(&pair)) {
        return Some(Cow::Borrowed(query));
    }
    let rest: Vec<&str> = query.split('&').filter(kept).collect();
    (!rest.is_empty()).then(|| Cow::Owned(rest.join("&")))
}

/// The headers that `Connection` names as its own.
fn connection_names(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok()).collect()
}

/// Removes every name of which one value is not to be kept.
fn retain(headers: &mut HeaderMap, keep: impl Fn(&HeaderName, &HeaderValue) -> bool) {
    let gone: Vec<HeaderName> =
        headers.iter().filter(|(name, value)| !keep(name, value)).map(|(name, _)| name.clone()).collect();
    for name in gone {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};
    use loop_core::base::secret::Secret;

    use super::{super::own_keys::OwnKeys, back, forward, query, said};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn the_upstream_sees_its_own_key_and_no_header_that_holds_ours() {
        let mut sent = headers(&[
            ("authorization", "Bearer sk-upstream"),
            ("x-api-key", "tl_ours"),
            ("x-copy", "before tl_ours after"),
            ("x-twice", "fine"),
            ("x-twice", "tl_ours"),
            ("x-loop-key", "anything"),
            ("x-trustloop-key", "anything"),
            ("cookie", "a=b"),
            ("x-forwarded-for", "10.0.0.7"),
            ("via", "1.1 here"),
            ("origin", "http://localhost"),
            ("x-agent-name", "bot"),
            ("x-session-id", "s"),
            ("host", "loop"),
            ("content-length", "7"),
            ("accept-encoding", "br, gzip"),
            ("expect", "100-continue"),
            ("connection", "keep-alive, X-Mine"),
            ("keep-alive", "timeout=5"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic x"),
            ("openai-beta", "assistants=v2"),
            ("content-type", "application/json"),
            ("idempotency-key", "abc"),
        ]);
        forward(&mut sent, &OwnKeys::only(&Secret::new("tl_ours")));
        let left = ["accept-encoding", "authorization", "content-type", "idempotency-key", "openai-beta"];
        assert_eq!(names(&sent), left);
        assert_eq!(sent["accept-encoding"], "identity");
    }

    #[test]
    fn the_client_sees_the_answers_own_headers_only() {
        let mut got = headers(&[
            ("content-type", "application/json"),
            ("content-length", "7"),
            ("set-cookie", "__cf_bm=1"),
            ("x-request-id", "req_1"),
            ("x-ratelimit-remaining-tokens", "5"),
            ("access-control-allow-origin", "*"),
            ("strict-transport-security", "max-age=1"),
            ("alt-svc", "h3=\":443\""),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("vary", "a"),
            ("vary", "b"),
        ]);
        back(&mut got);
        assert_eq!(names(&got), ["content-type", "vary", "x-ratelimit-remaining-tokens", "x-request-id"]);
        assert_eq!(got.get_all("vary").iter().count(), 2);
    }

    #[test]
    fn the_query_loses_what_holds_a_key_and_nothing_else() {
        let key = Secret::new("tl_ours");
        let keys = OwnKeys::only(&key);
        let of = |text| query(Some(text), &keys).map(|query| query.into_owned());
        assert_eq!(of("a=1&b=%20x&c").as_deref(), Some("a=1&b=%20x&c"));
        assert_eq!(of("a=1&api_key=other&b=2").as_deref(), Some("a=1&b=2"));
        assert_eq!(of("api%5Fkey=other"), None);
        assert_eq!(of("a=1&b=%74l_ours&c=3").as_deref(), Some("a=1&c=3"));
        assert_eq!(query(None, &keys), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_name_is_text_within_bounds() {
        let of = |value: &str| said(&headers(&[("x-agent-name", value), ("x-session-id", "s-1")]));
        let bot = of(" bot ").expect("sound");
        assert_eq!((bot.agent.as_deref(), bot.session.as_deref()), (Some("bot"), Some("s-1")));
        assert_eq!(of("").expect("sound").agent, None);
        assert!(of(&"x".repeat(256)).is_ok() && of(&"x".repeat(257)).is_err());
        let mut odd = HeaderMap::new();
        odd.insert("x-agent-name", http::HeaderValue::from_bytes(b"\xff").expect("a value"));
        assert!(said(&odd).is_err());
    }
}
