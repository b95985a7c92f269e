//! What kind of answer comes.

use http::HeaderValue;

/// An answer that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// One JSON text.
    Json,
    /// A stream of events.
    Events,
}

/// The kind that a `content-type` names; `None` for all that cannot be read.
pub(super) fn of(content_type: Option<&HeaderValue>) -> Option<Media> {
    let text = content_type?.to_str().ok()?;
    let (media, _) = text.split_once(';').unwrap_or((text, ""));
    let media = media.trim();
    let json = media.eq_ignore_ascii_case("application/json");
    let suffixed = media.rsplit_once('+').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json"));
    if media.eq_ignore_ascii_case("text/event-stream") {
        Some(Media::Events)
    } else {
        (json || suffixed).then_some(Media::Json)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{Media, of};

    #[test]
    fn only_what_can_be_read_has_a_kind() {
        let kind = |text| of(Some(&HeaderValue::from_static(text)));
        assert_eq!(kind("application/json"), Some(Media::Json));
        assert_eq!(kind("Application/JSON; charset=utf-8"), Some(Media::Json));
        assert_eq!(kind("application/problem+json"), Some(Media::Json));
        assert_eq!(kind("text/event-stream;charset=utf-8"), Some(Media::Events));
        for other in ["text/plain", "application/x-ndjson", "application/jsonl", "", "json", "text/event-stream-x"] {
            assert_eq!(kind(other), None, "{other}");
        }
        assert_eq!(of(None), None);
    }
}
