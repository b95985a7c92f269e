//! Masking a JSON document while writing it.

use std::collections::BTreeSet;

use super::mask::{CUT, Masks, cut, write_mask};
use super::{Redacted, STRING_MAX, TOTAL_MAX};
use crate::base::json::{Kind, View, write_string};
use crate::tool::name::tokens;
use crate::tool::sensitive::{DataClass, SECRET_MASK, is_card, names_secret};

/// The longest member name kept.
const NAME_MAX: usize = 256;
/// Deeper than any document the reader lets in.
const DEPTH_MAX: u32 = 128;
/// Numbers shorter than this are never data of a person.
const NUMBER_MIN: usize = 7;

/// Room for most documents, so that the text need not move while it grows.
const ROOM: usize = 512;

pub(super) struct Writer {
    out: String,
    masks: Masks,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { out: String::with_capacity(ROOM), masks: Masks::default() }
    }

    pub(super) fn finish(self) -> Redacted {
        self.masks.finish(self.out)
    }

    fn is_full(&self) -> bool {
        self.out.len() >= TOTAL_MAX
    }

    /// Writes a value masked. `key` is the nearest member's name: the items of `phones` are phones.
    pub(super) fn value(&mut self, key: &str, view: View<'_>, depth: u32) {
        if depth > DEPTH_MAX {
            write_string(CUT, &mut self.out);
            return;
        }
        match view.kind() {
            Kind::Null => self.out.push_str("null"),
            Kind::Bool(true) => self.out.push_str("true"),
            Kind::Bool(false) => self.out.push_str("false"),
            Kind::Number(text) => self.number(key, text),
            Kind::String(text) => self.string(key, text),
            Kind::Array => self.array(key, view, depth),
            Kind::Object => self.object(view, depth),
        }
    }

    fn array(&mut self, key: &str, view: View<'_>, depth: u32) {
        self.out.push('[');
        for (at, item) in view.items().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            if self.is_full() {
                write_string(CUT, &mut self.out);
                break;
            }
            self.value(key, item, depth + 1);
        }
        self.out.push(']');
    }

    fn object(&mut self, view: View<'_>, depth: u32) {
        let mut names = Names { view, taken: None, number: 1 };
        self.out.push('{');
        for (at, member) in view.members().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            if self.is_full() {
                let name = names.free(CUT.to_owned());
                write_string(&name, &mut self.out);
                self.out.push(':');
                write_string(CUT, &mut self.out);
                break;
            }
            self.name(member.key(), &mut names);
            self.out.push(':');
            if names_secret(member.key()) && holds_something(member) {
                self.masks.note(DataClass::Secret, "");
                write_string(SECRET_MASK, &mut self.out);
            } else {
                self.value(member.key(), member, depth + 1);
            }
        }
        self.out.push('}');
    }

    fn name(&mut self, key: &str, names: &mut Names<'_>) {
        let masked = self.masks.mask(key);
        let shown = cut(&masked, NAME_MAX);
        if shown == key {
            write_string(key, &mut self.out);
        } else {
            let name = names.free(shown.into_owned());
            write_string(&name, &mut self.out);
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        let masked = self.masks.mask(text);
        if masked == text
            && let Some(class) = class_by_name(key, text)
        {
            return self.mask(class, text);
        }
        write_string(&cut(&masked, STRING_MAX), &mut self.out);
    }

    fn number(&mut self, key: &str, text: &str) {
        if text.len() >= NUMBER_MIN {
            if integer(text).is_some_and(|digits| is_card(&digits)) {
                return self.mask(DataClass::Card, &integer(text).unwrap_or_default());
            }
            if let Some(class) = class_by_name(key, text) {
                return self.mask(class, text);
            }
        }
        self.out.push_str(text);
    }

    fn mask(&mut self, class: DataClass, raw: &str) {
        self.masks.note(class, raw);
        let mut mask = String::new();
        write_mask(class, raw, &mut mask);
        write_string(&mask, &mut self.out);
    }
}

/// Whether there is anything to hide in a value.
fn holds_something(view: View<'_>) -> bool {
    match view.kind() {
        Kind::Null | Kind::Bool(_) => false,
        Kind::String(text) => !text.is_empty() && text != SECRET_MASK,
        Kind::Number(_) => true,
        Kind::Array | Kind::Object => !view.is_empty(),
    }
}

/// The class a member's name gives to digits that tell nothing by themselves, such as `{"ssn": "078051120"}`.
fn class_by_name(key: &str, value: &str) -> Option<DataClass> {
    if value.len() < NUMBER_MIN || value.len() > 40 {
        return None;
    }
    if !value.bytes().all(|byte| byte.is_ascii_digit() || b" -.()+/".contains(&byte)) {
        return None;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if digits < NUMBER_MIN {
        return None;
    }
    let name = tokens(key);
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["ssn"]) || (name.contains("social") && name.contains("security")) {
        (digits == 9).then_some(DataClass::UsSsn)
    } else if has(&["phone", "phones", "mobile", "telephone", "tel", "cellphone", "fax", "whatsapp", "msisdn"]) {
        (digits <= 15).then_some(DataClass::Phone)
    } else if has(&["card", "cards", "pan", "cc", "creditcard", "cardnumber"]) {
        (12..=19).contains(&digits).then_some(DataClass::Card)
    } else {
        None
    }
}

/// The digits of a number that is a whole one, however it is written: `4.1e15`, `41.0`.
fn integer(text: &str) -> Option<String> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let zeros = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let mut digits = format!("{whole}{fraction}");
    if zeros >= 0 {
        let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros < 20)?;
        digits.extend(std::iter::repeat_n('0', zeros));
    } else {
        // Only zeros may stand behind the point.
        let kept = digits.len().checked_sub(usize::try_from(zeros.unsigned_abs()).ok()?)?;
        let (head, tail) = digits.split_at_checked(kept)?;
        if tail.bytes().any(|byte| byte != b'0') {
            return None;
        }
        digits = head.to_owned();
    }
    Some(digits.trim_start_matches('0').to_owned())
}

/// The member names of one object. Two names may be masked to the same text, and a document with a name twice is
/// refused everywhere; the set is built only when a name had to be changed.
struct Names<'d> {
    view: View<'d>,
    taken: Option<BTreeSet<String>>,
    /// The number given last.
    number: u32,
}

impl Names<'_> {
    /// `name`, or with a number behind it when the object has it already.
    fn free(&mut self, name: String) -> String {
        let view = self.view;
        let taken = self.taken.get_or_insert_with(|| view.members().map(|member| member.key().to_owned()).collect());
        let mut free = name.clone();
        while taken.contains(&free) {
            self.number = self.number.saturating_add(1);
            free = format!("{name} {}", self.number);
        }
        taken.insert(free.clone());
        free
    }
}
