//! Masking before storage.
//!
//! Personal data is replaced by what a person needs to recognise it: an e-mail keeps its domain
//! (`[email @example.com]`), a phone its last two digits (`[phone …58]`), a card its last four (`[card …1111]`), an
//! IBAN its country and last four (`[IBAN GB…6819]`). Secrets become `[REDACTED]`.
//!
//! What is masked, in documents: strings and member names by their shape ([`super::sensitive::scan`]); integers that
//! are card numbers; digits under a name that says what they are (`phone`, `ssn`, `card_number`); and whatever a
//! member holds whose name asks for secrecy ([`super::sensitive::names_secret`]), `null` and truth values apart.
//!
//! Results are bounded: a string to [`STRING_MAX`] bytes, a document to about [`TOTAL_MAX`]; `…` marks what was cut.
//! Cutting follows masking, so no half of a secret slips through at the cut.

mod document;
mod mask;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::sensitive::DataClass;
use crate::base::json::View;

/// The most bytes of one masked string; longer ones are cut and end in `…`.
pub const STRING_MAX: usize = 8 * 1024;
/// About how many bytes a masked document may have. Values behind the limit are left out; escapes and the closing
/// brackets may pass it by less than 64 KiB.
pub const TOTAL_MAX: usize = 64 * 1024;
/// The most subjects one document reports.
pub const SUBJECTS_MAX: usize = 256;

/// A masked document.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The masked JSON (of [`json`]) or text (of [`text`]).
    pub masked: String,
    /// How many personal data were masked.
    pub personal: u32,
    /// How many secrets were removed.
    pub secrets: u32,
    /// The data of persons that were masked, in a normal form (an e-mail in lower case, a number's digits), each once,
    /// at most [`SUBJECTS_MAX`], so that the caller can store a keyed tag of each. Never store or log these.
    ///
    /// UK and US phone numbers get their country's code, so that `020 7946 0958` and `+44 20 7946 0958` are one. To
    /// erase a subject, pass what was asked for through [`text`] and tag its subjects the same way.
    pub subjects: Vec<String>,
    /// The classes found, each once, in their order.
    pub classes: Vec<DataClass>,
}

/// Shows everything but the subjects, which must not reach a log.
impl std::fmt::Debug for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redacted")
            .field("masked", &self.masked)
            .field("personal", &self.personal)
            .field("secrets", &self.secrets)
            .field("subjects", &self.subjects.len())
            .field("classes", &self.classes)
            .finish()
    }
}

/// Masks a document, keeping its structure. The result is valid JSON without duplicate names.
#[must_use]
pub fn json(view: View<'_>) -> Redacted {
    let mut out = document::Writer::new();
    out.value("", view, 0);
    out.finish()
}

/// Masks free text, and cuts it to [`STRING_MAX`] bytes.
#[must_use]
pub fn text(text: &str) -> Redacted {
    let mut masks = mask::Masks::default();
    let masked = mask::cut(&masks.mask(text), STRING_MAX).into_owned();
    masks.finish(masked)
}

/// Masks a text and cuts it to `most` bytes, without an account of what was masked.
#[must_use]
pub fn masked(text: &str, most: usize) -> Cow<'_, str> {
    match mask::Masks::default().mask(text) {
        Cow::Borrowed(plain) => mask::cut(plain, most),
        Cow::Owned(masked) => Cow::Owned(mask::cut(&masked, most).into_owned()),
    }
}

/// Masks a URL: credentials, query and fragment go, the rest is masked as text, the secret paths of well-known webhook
/// hosts among it.
#[must_use]
pub fn url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (plain, rest) = url.split_at_checked(end).unwrap_or((url, ""));
    let (scheme, target) = plain.split_once("://").unwrap_or(("", plain));
    let (authority, path) = target.split_at_checked(target.find('/').unwrap_or(target.len())).unwrap_or((target, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = if rest.is_empty() { "" } else { "?…" };
    let masked = text(&format!("{scheme}://{host}{path}")).masked;
    format!("{masked}{query}")
}
