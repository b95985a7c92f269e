//! Bodies that are compressed.

use std::io::Read as _;

use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, StatusCode, header};
use loop_core::base::Code;

use crate::http::{Failure, room::Held};

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::surface::telemetry) enum Coding {
    /// Not at all.
    Identity,
    /// By gzip.
    Gzip,
}

/// How much is inflated before it is looked at how much that is.
const STEP: usize = 256 << 10;

impl Coding {
    /// The coding that a request names.
    ///
    /// # Errors
    /// 415 for any other.
    pub(in crate::surface::telemetry) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut told = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = match told.next() {
            None => Some(Self::Identity),
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"identity") => Some(Self::Identity),
            Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"gzip") => Some(Self::Gzip),
            Some(_) => None,
        };
        coding.filter(|_| told.next().is_none()).ok_or_else(|| {
            let message = "the content encoding must be `gzip` or `identity`";
            Failure::invalid(message).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        })
    }
}

/// What a body of gzip holds.
///
/// # Errors
/// 400 for one that breaks off, is damaged or has something else behind it; 413 as soon as more than `limit` bytes have
/// come out of it; 503 when there is no memory for it now.
pub(in crate::surface::telemetry) fn gunzip(body: &[u8], limit: usize, held: &mut Held) -> Result<Vec<u8>, Failure> {
    let already = held.bytes();
    let mut out = Vec::new();
    let mut decoder = MultiGzDecoder::new(body);
    loop {
        let before = out.len();
        held.grow(already.saturating_add(before).saturating_add(STEP))?;
        let step = decoder.by_ref().take(STEP as u64).read_to_end(&mut out);
        step.map_err(|_| Failure::invalid("the body is no whole gzip"))?;
        if out.len() > limit {
            return Err(Failure::new(Code::TooLarge, format!("the body is larger than {limit} bytes when inflated")));
        }
        if out.len() == before {
            return if body.is_empty() { Err(Failure::invalid("the body is no whole gzip")) } else { Ok(out) };
        }
    }
}
