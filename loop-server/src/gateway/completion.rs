//! An answer as it is kept while its turn waits: its media type, a line end, and its bytes.

use http::HeaderValue;
use loop_core::kept::MAX_COMPLETION;

/// Collects what is kept; once it is too long, nothing is.
#[derive(Debug)]
pub(super) struct Recorder(Option<Vec<u8>>);

impl Recorder {
    /// Begins with the media type.
    pub fn new(media: &HeaderValue) -> Self {
        let mut bytes = media.as_bytes().to_vec();
        bytes.push(b'\n');
        Self(Some(bytes))
    }

    /// Adds what came.
    pub fn add(&mut self, piece: &[u8]) {
        let Some(bytes) = &mut self.0 else { return };
        if bytes.len().saturating_add(piece.len()) > MAX_COMPLETION {
            self.0 = None;
        } else {
            bytes.extend_from_slice(piece);
        }
    }

    /// What is to be kept; nothing is collected any more.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.0.take()
    }
}

/// The media type and the bytes of what was kept.
pub(super) fn open(kept: &[u8]) -> Option<(HeaderValue, &[u8])> {
    let end = memchr::memchr(b'\n', kept)?;
    let (media, rest) = kept.split_at_checked(end)?;
    Some((HeaderValue::from_bytes(media).ok()?, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use loop_core::kept::MAX_COMPLETION;

    use super::{Recorder, open};

    #[test]
    fn what_is_kept_is_opened_as_it_was() {
        let media = HeaderValue::from_static("text/event-stream; charset=utf-8");
        let mut recorder = Recorder::new(&media);
        recorder.add(b"data: 1\n\n");
        recorder.add(b"data: 2\n\n");
        let kept = recorder.take().expect("short");
        assert_eq!(open(&kept), Some((media, &b"data: 1\n\ndata: 2\n\n"[..])));
        assert_eq!(open(b"no line end"), None);
    }

    #[test]
    fn what_is_too_long_is_not_kept_at_all() {
        let mut recorder = Recorder::new(&HeaderValue::from_static("application/json"));
        recorder.add(&vec![0; MAX_COMPLETION]);
        recorder.add(b"x");
        assert_eq!(recorder.take(), None);
    }
}
