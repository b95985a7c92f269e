//! What kind of answer comes.

use http::{HeaderMap, header};

/// An answer that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// One JSON text.
    Json,
    /// A stream of events.
    Events,
}

/// The kind that the one `content-type` of an answer names; `None` for all that cannot be read, or that some clients
/// would read otherwise.
pub(super) fn of(headers: &HeaderMap) -> Option<Media> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let text = types.next()?.to_str().ok().filter(|_| types.next().is_none())?;
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next()?;
    let mut charsets = parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| is(name, "charset"));
    if !charsets.all(|(_, charset)| utf8(charset.trim().trim_matches('"'))) {
        return None;
    }
    let suffixed = media.rsplit_once('+').is_some_and(|(_, suffix)| is(suffix, "json"));
    if is(media, "text/event-stream") {
        Some(Media::Events)
    } else {
        (is(media, "application/json") || suffixed).then_some(Media::Json)
    }
}

fn is(text: &str, name: &str) -> bool {
    text.trim().eq_ignore_ascii_case(name)
}

/// Whether a charset is UTF-8 or a part of it.
fn utf8(charset: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| is(charset, name))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Media, of};

    #[test]
    fn only_what_can_be_read_has_a_kind() {
        let kind = |text| of(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(text))]));
        assert_eq!(kind("application/json"), Some(Media::Json));
        assert_eq!(kind("Application/JSON; charset=utf-8"), Some(Media::Json));
        assert_eq!(kind("application/problem+json; Charset = \"UTF-8\""), Some(Media::Json));
        assert_eq!(kind("text/event-stream;charset=utf-8"), Some(Media::Events));
        for other in [
            "text/plain",
            "application/x-ndjson",
            "application/jsonl",
            "",
            "json",
            "text/event-stream-x",
            "application/json; charset=utf-7",
            "text/event-stream; charset=utf-8; charset=utf-16",
        ] {
            assert_eq!(kind(other), None, "{other}");
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_told_twice_may_be_read_otherwise() {
        let mut headers = HeaderMap::new();
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        assert_eq!(of(&headers), None);
    }
}
