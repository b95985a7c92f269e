//! Compressed answers, opened piece by piece. How far a piece may swell is bounded, so that a small answer cannot
//! become a large memory.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::GzDecoder;
use loop_core::base::Code;

/// How much longer than what came in the opened text may be …
const RATIO: u64 = 128;
/// … beyond this much, in bytes.
const SLACK: u64 = 1 << 20;

/// How a body is coded, by its `content-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
}

/// Why a coded body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// A coding that is not read here, or several at once.
    #[error("the answer's content-encoding is not read here")]
    Unknown,
    /// Not sound gzip, or its checksum does not fit.
    #[error("the answer is not sound gzip")]
    Damaged,
    /// It ended in the middle.
    #[error("the compressed answer ended early")]
    Cut,
    /// It swells beyond its bounds.
    #[error("the compressed answer swells beyond its bounds")]
    TooLarge,
}

impl CodingError {
    /// The code for surfaces.
    #[must_use]
    pub const fn code(self) -> Code {
        Code::UpstreamFailed
    }
}

impl Coding {
    /// The coding that a `content-encoding` names; no header means none.
    ///
    /// # Errors
    /// [`CodingError::Unknown`].
    pub fn of(header: Option<&[u8]>) -> Result<Self, CodingError> {
        let value = header.unwrap_or_default().trim_ascii();
        let is = |name: &str| value.eq_ignore_ascii_case(name.as_bytes());
        if value.is_empty() || is("identity") {
            Ok(Self::Identity)
        } else if is("gzip") || is("x-gzip") {
            Ok(Self::Gzip)
        } else {
            Err(CodingError::Unknown)
        }
    }
}

/// A gzip body that is opened as it arrives.
#[derive(Debug)]
pub struct Gunzip {
    decoder: GzDecoder<Sink>,
    most: u64,
    read: u64,
}

#[derive(Debug, Default)]
struct Sink {
    text: Vec<u8>,
    /// How much more may come, in bytes.
    room: u64,
    full: bool,
}

impl io::Write for Sink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let Some(room) = self.room.checked_sub(text.len() as u64) else {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.room = room;
        self.text.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Gunzip {
    /// A body that holds at most `most` bytes when open.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let sink = Sink { room: SLACK.min(most), ..Sink::default() };
        Self { decoder: GzDecoder::new(sink), most: most.saturating_sub(SLACK), read: 0 }
    }

    /// Opens what of `piece` can be opened now. After an error nothing more may be fed.
    ///
    /// # Errors
    /// [`CodingError::Damaged`] (also bytes behind the end), [`CodingError::TooLarge`].
    pub fn feed(&mut self, piece: &[u8]) -> Result<Bytes, CodingError> {
        if piece.is_empty() {
            return Ok(Bytes::new());
        }
        self.read = self.read.saturating_add(piece.len() as u64);
        let grant = RATIO.saturating_mul(piece.len() as u64).min(self.most);
        self.most -= grant;
        let sink = self.decoder.get_mut();
        sink.room = sink.room.saturating_add(grant);
        let opened = self.decoder.write_all(piece).and_then(|()| self.decoder.flush());
        let sink = self.decoder.get_mut();
        match opened {
            Ok(()) => Ok(Bytes::from(std::mem::take(&mut sink.text))),
            Err(_) if sink.full => Err(CodingError::TooLarge),
            Err(_) => Err(CodingError::Damaged),
        }
    }

    /// The end of the body; what it answers is the last of the text.
    ///
    /// # Errors
    /// [`CodingError::Cut`] when the body ended in the middle.
    pub fn end(&mut self) -> Result<Bytes, CodingError> {
        if self.read == 0 {
            return Err(CodingError::Cut);
        }
        let ended = self.decoder.try_finish();
        let sink = self.decoder.get_mut();
        match ended {
            Ok(()) => Ok(Bytes::from(std::mem::take(&mut sink.text))),
            Err(_) if sink.full => Err(CodingError::TooLarge),
            Err(_) => Err(CodingError::Cut),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn zipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn opened(pieces: &[&[u8]]) -> Result<Vec<u8>, CodingError> {
        let mut gunzip = Gunzip::new(u64::MAX);
        let mut text = Vec::new();
        for piece in pieces {
            text.extend_from_slice(&gunzip.feed(piece)?);
        }
        text.extend_from_slice(&gunzip.end()?);
        Ok(text)
    }

    #[test]
    fn codings_that_are_not_read_are_refused() {
        assert_eq!(Coding::of(None), Ok(Coding::Identity));
        assert_eq!(Coding::of(Some(b" GZip ")), Ok(Coding::Gzip));
        for other in ["br", "deflate", "gzip, gzip", "zstd", "identity,gzip"] {
            assert_eq!(Coding::of(Some(other.as_bytes())), Err(CodingError::Unknown), "{other}");
        }
    }

    #[test]
    fn a_piece_that_was_flushed_is_opened_at_once() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"data: 1\n\n").unwrap();
        encoder.flush().unwrap();
        let first = std::mem::take(encoder.get_mut());
        let mut gunzip = Gunzip::new(1 << 20);
        assert_eq!(gunzip.feed(&first).unwrap(), "data: 1\n\n");
        assert_eq!(gunzip.end(), Err(CodingError::Cut));
    }

    #[test]
    fn a_bomb_is_stopped_at_its_bounds() {
        let bomb = zipped(&vec![0; 64 << 20]);
        assert_eq!(Gunzip::new(u64::MAX).feed(&bomb), Err(CodingError::TooLarge));
        let fair = zipped(&[b'a'; 5_000]);
        assert_eq!(Gunzip::new(4_999).feed(&fair), Err(CodingError::TooLarge));
        assert!(Gunzip::new(5_000).feed(&fair).is_ok());
    }

    #[test]
    fn damage_and_what_stands_behind_the_end_are_refused() {
        let mut body = zipped(b"hello there");
        let crc = body.len() - 6;
        body[crc] ^= 1;
        assert!(opened(&[&body]).is_err());
        let mut body = zipped(b"hello there");
        body.extend_from_slice(b"more");
        assert_eq!(opened(&[&body]), Err(CodingError::Damaged));
        assert_eq!(opened(&[]), Err(CodingError::Cut));
    }

    proptest! {
        #[test]
        fn any_cut_of_the_body_gives_the_text(text in prop::collection::vec(any::<u8>(), 0..2_000), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
            let body = zipped(&text);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect();
            prop_assert_eq!(opened(&pieces).unwrap(), text);
            prop_assert!(opened(&[&body[..body.len() - 1]]).is_err());
        }
    }
}
