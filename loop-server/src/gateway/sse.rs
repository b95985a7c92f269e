//! Server-sent events: where an event ends, and what it says. Bytes are never changed, and a line that different
//! readers would read differently is an error.

use std::{borrow::Cow, ops::Range};

/// Not a sound stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a sound stream of events")]
pub struct Unsound;

/// Finds the blank lines that end events, whatever the pieces in which the bytes arrive. Lines end with LF, CRLF or
/// CR.
#[derive(Debug)]
pub struct Splitter {
    /// Whether the line so far is empty.
    fresh: bool,
    /// Whether the last byte was a CR, whose LF may follow.
    after_cr: bool,
}

impl Default for Splitter {
    fn default() -> Self {
        Self { fresh: true, after_cr: false }
    }
}

impl Splitter {
    /// How many of the next bytes finish the event; none when all of them belong to it and it goes on. A LF that
    /// comes apart from its CR counts to the event behind.
    pub fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
            let Some(found) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.fresh = false;
                self.after_cr = false;
                return None;
            };
            let carriage = rest.get(found) == Some(&b'\r');
            from += found + 1;
            if found == 0 && self.after_cr && !carriage {
                self.after_cr = false;
                continue;
            }
            let blank = self.fresh && found == 0;
            self.fresh = true;
            self.after_cr = carriage;
            if blank {
                if carriage && bytes.get(from) == Some(&b'\n') {
                    from += 1;
                    self.after_cr = false;
                }
                return Some(from);
            }
        }
        None
    }
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The value of its `event` line.
    pub name: Option<&'a str>,
    /// Its `data` lines, joined; none for comments and the like.
    pub data: Option<Data<'a>>,
}

/// The data of an event.
#[derive(Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The lines, joined by LF.
    pub text: Cow<'a, [u8]>,
    /// Where each line stands in the event.
    lines: Lines,
}

#[derive(Debug, PartialEq, Eq)]
enum Lines {
    One(usize),
    Many(Vec<Range<usize>>),
}

impl Data<'_> {
    /// The offset in the event of the byte at `at` of the text; none for the line ends between.
    #[must_use]
    pub fn offset(&self, at: usize) -> Option<usize> {
        match &self.lines {
            Lines::One(from) => Some(from + at),
            Lines::Many(lines) => {
                let mut start = 0;
                for line in lines {
                    if at < start + line.len() {
                        return at.checked_sub(start).map(|within| line.start + within);
                    }
                    start += line.len() + 1;
                }
                None
            }
        }
    }
}

impl<'a> Event<'a> {
    /// Reads an event as [`Splitter`] cut it; `first` is the first of its stream, which may begin with a byte order
    /// mark.
    ///
    /// # Errors
    /// [`Unsound`]: a line that a lenient reader would take for another, two different names, or no UTF-8 outside of
    /// the data.
    pub fn read(raw: &'a [u8], first: bool) -> Result<Self, Unsound> {
        let mut event = Self { name: None, data: None };
        let mut at = if first && raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
            let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..len).unwrap_or_default();
            event.line(raw, at, line)?;
            at += len + 1;
        }
        Ok(event)
    }

    fn line(&mut self, raw: &'a [u8], at: usize, line: &'a [u8]) -> Result<(), Unsound> {
        if line.is_empty() {
            return Ok(());
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let name = line.get(..colon).unwrap_or_default();
        let value = line.get(colon + 1..).unwrap_or_default();
        let space = usize::from(value.first() == Some(&b' '));
        let value = value.get(space..).unwrap_or_default();
        if name == b"data" {
            let from = (at + colon + 1 + space).min(at + line.len());
            self.data(raw, from..from + value.len());
            return Ok(());
        }
        let value = sober(value)?;
        if name == b"event" {
            if self.name.is_some_and(|before| before != value) {
                return Err(Unsound);
            }
            self.name = Some(value);
            return Ok(());
        }
        let name = sober(name)?.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if name.eq_ignore_ascii_case("data") || name.eq_ignore_ascii_case("event") {
            return Err(Unsound);
        }
        Ok(())
    }

    fn data(&mut self, raw: &'a [u8], line: Range<usize>) {
        let value = raw.get(line.clone()).unwrap_or_default();
        self.data = Some(match self.data.take() {
            None => Data { text: Cow::Borrowed(value), lines: Lines::One(line.start) },
            Some(Data { text, lines }) => {
                let mut lines = match lines {
                    Lines::One(from) => std::iter::once(from..from + text.len()).collect(),
                    Lines::Many(lines) => lines,
                };
                let mut text = text.into_owned();
                text.push(b'\n');
                text.extend_from_slice(value);
                lines.push(line);
                Data { text: Cow::Owned(text), lines: Lines::Many(lines) }
            }
        });
    }
}

/// A text without what some readers take for the end of a line.
fn sober(text: &[u8]) -> Result<&str, Unsound> {
    let text = std::str::from_utf8(text).map_err(|_| Unsound)?;
    let drunk = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(drunk) { Err(Unsound) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let (mut events, mut open) = (Vec::new(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            while let Some(end) = splitter.end(rest) {
                let (event, behind) = rest.split_at(end);
                open.extend_from_slice(event);
                events.push(std::mem::take(&mut open));
                rest = behind;
            }
            open.extend_from_slice(rest);
        }
        events.push(open);
        events
    }

    fn text(raw: &[u8]) -> Option<Vec<u8>> {
        Event::read(raw, false).unwrap().data.map(|data| data.text.into_owned())
    }

    #[test]
    fn events_end_at_blank_lines_of_any_kind() {
        for (stream, events) in [
            ("data: 1\n\ndata: 2\n\n", vec!["data: 1\n\n", "data: 2\n\n", ""]),
            ("data: 1\r\n\r\ndata: 2\r\n\r\n", vec!["data: 1\r\n\r\n", "data: 2\r\n\r\n", ""]),
            ("data: 1\r\rdata: 2\r\r", vec!["data: 1\r\r", "data: 2\r\r", ""]),
            ("data: 1\n\r\ndata: 2\r\n\n", vec!["data: 1\n\r\n", "data: 2\r\n\n", ""]),
            ("\n: hi\n\ndata", vec!["\n", ": hi\n\n", "data"]),
        ] {
            assert_eq!(cut(&[stream.as_bytes()]), events.iter().map(|e| e.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn data_lines_are_joined_and_found_again() {
        let raw = b"\xef\xbb\xbfevent: x\r\nid: 7\r\ndata: {\r\n: note\r\ndata:\"a\":1}\r\ndata\r\n\r\n";
        let event = Event::read(raw, true).unwrap();
        assert_eq!(event.name, Some("x"));
        let data = event.data.unwrap();
        assert_eq!(&*data.text, b"{\n\"a\":1}\n");
        let brace = data.offset(7).unwrap();
        assert_eq!((raw[brace], &raw[brace - 3..brace]), (b'}', &b"\":1"[..]));
        assert_eq!(data.offset(1), None);
        assert_eq!(text(b"data:  x\n\n"), Some(b" x".to_vec()));
        assert_eq!(text(b": only a comment\nretry: 5\n\n"), None);
    }

    #[test]
    fn lines_that_lenient_readers_take_for_data_are_refused() {
        for line in [
            "Data: {}",
            " data: {}",
            "data : {}",
            "\u{feff}data: {}",
            ": x\u{2028}data: {}",
            ": x\u{b}data: {}",
            ": x\u{85}data: {}",
            "id: 1\u{1c}data: {}",
            "EVENT: x",
            "event: a\nevent: b",
        ] {
            assert_eq!(Event::read(format!("{line}\n\n").as_bytes(), false), Err(Unsound), "{line}");
        }
        assert_eq!(Event::read(b": \xff\n\n", false), Err(Unsound));
        assert!(Event::read("x-unknown: 1\n: caf\u{e9}\n\n".as_bytes(), false).is_ok());
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_change_what_the_events_say(
            lines in prop::collection::vec((prop::sample::select(vec!["data: 1", "data: 2", ":", "id: 3", ""]), prop::sample::select(vec!["\n", "\r\n", "\r"])), 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let stream: Vec<u8> = lines.iter().flat_map(|(line, end)| [*line, *end]).collect::<String>().into_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
            let (apart, whole) = (cut(&pieces), cut(&[&stream]));
            prop_assert_eq!(apart.concat(), stream.clone());
            prop_assert_eq!(whole.concat(), stream);
            let said = |events: &[Vec<u8>]| events.iter().filter_map(|event| text(event)).collect::<Vec<_>>();
            prop_assert_eq!(said(&apart), said(&whole));
        }
    }
}
