//! Whether a browser sent the request from someone else's page.
//!
//! Keys travel in headers that no foreign page can set without asking, so this is a second lock: a request that
//! may change something and that a browser marks as coming from another origin is refused, and so is one whose
//! host name is not ours (a page whose name was re-bound to this machine's address). Programs send none of
//! these headers and are not touched. A server reached under a name of its own says so with `LOOP_PUBLIC_URL`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, StatusCode, header};
use loop_core::base::Code;

use super::Failure;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what a foreign page caused. `public` is the host (and port) of the public URL.
///
/// # Errors
/// 403 for a request from another origin.
pub fn check(headers: &HeaderMap, public: Option<&str>) -> Result<(), Failure> {
    let site = headers.get(FETCH_SITE).map(|value| value.as_bytes());
    let origin = headers.get(header::ORIGIN);
    if site.is_none() && origin.is_none() {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let same = match (site, origin.map(|origin| origin.to_str().unwrap_or(""))) {
        // A page of ours that hides where it came from still says `same-origin` here.
        (Some(b"same-origin" | b"none"), None | Some("null")) => true,
        (None | Some(b"same-origin" | b"none"), Some(origin)) => {
            let at = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            at.is_some_and(|at| at.eq_ignore_ascii_case(host))
        }
        _ => false,
    };
    if same && (ours(host) || public.is_some_and(|public| public.eq_ignore_ascii_case(host))) {
        return Ok(());
    }
    Err(Failure::new(Code::InvalidRequest, "requests from other origins are refused")
        .with_status(StatusCode::FORBIDDEN))
}

/// A host name that nobody else can hold: an address, or `localhost`.
fn ours(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(address, _)| address),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};

    use super::check;

    fn passes(pairs: &[(&str, &str)], public: Option<&str>) -> bool {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"))
            })
            .collect();
        check(&headers, public).is_ok()
    }

    #[test]
    fn programs_are_not_touched() {
        assert!(passes(&[("host", "loop:4242")], None));
        assert!(passes(&[], None));
    }

    #[test]
    fn our_own_pages_pass() {
        assert!(passes(&[("host", "127.0.0.1:4242"), ("origin", "http://127.0.0.1:4242")], None));
        assert!(passes(&[("host", "[::1]:4242"), ("origin", "http://[::1]:4242")], None));
        assert!(passes(&[("host", "localhost:4242"), ("origin", "null"), ("sec-fetch-site", "same-origin")], None));
        assert!(passes(&[("host", "loop.example"), ("origin", "https://loop.example")], Some("loop.example")));
    }

    #[test]
    fn foreign_pages_do_not() {
        let host = ("host", "127.0.0.1:4242");
        assert!(!passes(&[host, ("origin", "http://evil.example")], None));
        assert!(!passes(&[host, ("origin", "null")], None));
        assert!(!passes(&[host, ("origin", "http://127.0.0.1:9999")], None));
        assert!(!passes(&[host, ("sec-fetch-site", "cross-site")], None));
        assert!(!passes(&[host, ("sec-fetch-site", "same-site")], None));
        assert!(!passes(&[host, ("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:4242")], None));
    }

    #[test]
    fn a_rebound_name_is_not_ours() {
        assert!(!passes(&[("host", "evil.example:4242"), ("origin", "http://evil.example:4242")], None));
        assert!(!passes(&[("host", "evil.example"), ("sec-fetch-site", "same-origin")], Some("loop.example")));
        assert!(!passes(&[("sec-fetch-site", "same-origin")], None));
    }
}
