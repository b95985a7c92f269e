//! What stands in a datum's place, and the count of what was masked.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Redacted, SUBJECTS_MAX};
use crate::tool::sensitive::{DataClass, Finding, SECRET_MASK, scan};

/// Marks what was cut off or left out.
pub(super) const CUT: &str = "…";
/// How often a masked text is looked at again: what was masked may have hidden where a neighbour begins.
const PASSES: usize = 4;
/// The longest domain an e-mail keeps.
const DOMAIN_MAX: usize = 80;

/// Masks texts and remembers what it found.
#[derive(Default)]
pub(super) struct Masks {
    personal: u32,
    secrets: u32,
    subjects: Vec<String>,
    /// One bit for each [`DataClass`].
    classes: u16,
    /// Kept for its memory.
    found: Vec<Finding>,
}

impl Masks {
    pub(super) fn finish(self, masked: String) -> Redacted {
        let classes = if self.classes == 0 {
            Vec::new()
        } else {
            DataClass::ALL.into_iter().filter(|class| self.classes & (1 << *class as u16) != 0).collect()
        };
        Redacted { masked, personal: self.personal, secrets: self.secrets, subjects: self.subjects, classes }
    }

    /// The text with everything sensitive masked.
    pub(super) fn mask<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        let mut found = std::mem::take(&mut self.found);
        for _ in 0..PASSES {
            found.clear();
            scan(&masked, &mut found);
            if found.is_empty() {
                break;
            }
            masked = Cow::Owned(self.replace(&masked, &found));
        }
        self.found = found;
        masked
    }

    fn replace(&mut self, text: &str, found: &[Finding]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for finding in found {
            out.push_str(text.get(at..finding.start).unwrap_or(""));
            let raw = text.get(finding.start..finding.end).unwrap_or("");
            self.note(finding.class, raw);
            write_mask(finding.class, raw, &mut out);
            at = finding.end;
        }
        out.push_str(text.get(at..).unwrap_or(""));
        out
    }

    /// Counts a datum.
    pub(super) fn note(&mut self, class: DataClass, raw: &str) {
        self.classes |= 1 << class as u16;
        if !class.is_personal() {
            self.secrets = self.secrets.saturating_add(1);
            return;
        }
        self.personal = self.personal.saturating_add(1);
        if self.subjects.len() < SUBJECTS_MAX {
            let subject = normal_form(class, raw);
            if !self.subjects.contains(&subject) {
                self.subjects.push(subject);
            }
        }
    }
}

/// Appends what a datum is shown as.
pub(super) fn write_mask(class: DataClass, raw: &str, out: &mut String) {
    let _ = match class {
        DataClass::Email => match shown_domain(raw) {
            Some(domain) => write!(out, "[email @{domain}]"),
            None => write!(out, "[email]"),
        },
        DataClass::Phone => write!(out, "[phone …{}]", tail(raw, 2)),
        DataClass::Card => write!(out, "[card …{}]", tail(raw, 4)),
        DataClass::Iban => {
            let country: String = raw.chars().take(2).collect();
            write!(out, "[IBAN {}…{}]", country.to_ascii_uppercase(), tail(raw, 4))
        }
        DataClass::UsSsn => write!(out, "[US social security number]"),
        DataClass::UkNino => write!(out, "[UK national insurance number]"),
        DataClass::ApiKey | DataClass::Secret => write!(out, "{SECRET_MASK}"),
    };
}

/// The last `n` letters or digits.
fn tail(raw: &str, n: usize) -> String {
    let kept: Vec<char> = raw.chars().rev().filter(char::is_ascii_alphanumeric).take(n).collect();
    kept.into_iter().rev().collect()
}

/// An e-mail's domain, unless it is itself sensitive or long.
fn shown_domain(raw: &str) -> Option<&str> {
    let domain = raw.rsplit_once('@').map(|(_, domain)| domain).or_else(|| Some(raw.rsplit_once("%40")?.1))?;
    let mut found = Vec::new();
    scan(domain, &mut found);
    (found.is_empty() && domain.len() <= DOMAIN_MAX).then_some(domain)
}

/// The form in which the same datum is always the same text.
fn normal_form(class: DataClass, raw: &str) -> String {
    match class {
        DataClass::Email => {
            let address = if raw.starts_with('"') { raw } else { raw.rsplit(' ').next().unwrap_or(raw) };
            address.replace("%40", "@").trim_matches(['"', '(']).to_lowercase()
        }
        DataClass::Phone => phone(raw),
        _ => raw.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect(),
    }
}

/// The digits of a phone number as dialled from abroad, as far as its shape tells the country.
fn phone(raw: &str) -> String {
    let digits: String = raw.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    if raw.contains('+') {
        return digits;
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return rest.to_owned();
    }
    match (digits.strip_prefix('0'), digits.len()) {
        (Some(rest), _) => format!("44{rest}"),
        (None, 10) => format!("1{digits}"),
        (None, _) => digits,
    }
}

/// The text, cut at a character's end so that it holds at most `most` bytes besides the mark of the cut.
pub(super) fn cut<'t>(text: &'t str, most: usize) -> Cow<'t, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let kept = (0..=most).rev().find_map(|at| text.get(..at)).unwrap_or("");
    Cow::Owned(format!("{kept}{CUT}"))
}
