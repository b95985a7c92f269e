//! Lengths of time and sizes as arguments write them.

use super::{
    condition::{Measured, Range},
    lexicon::cut,
    truth::{Truth, yes},
};
use crate::base::{
    Decimal,
    json::{Kind, View},
};

/// Units with what one of them is in seconds.
const TIMES: &[(&[&str], i64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 3600),
    (&["d", "day", "days"], 86_400),
    (&["w", "week", "weeks"], 604_800),
    (&["month", "months"], 2_592_000),
    (&["y", "year", "years"], 31_536_000),
];
/// Units with what one of them is in bytes.
const SIZES: &[(&[&str], i64)] = &[
    (&["b", "byte", "bytes"], 1),
    (&["kb", "kib", "kilobyte", "kilobytes"], 1_000),
    (&["mb", "mib", "megabyte", "megabytes"], 1_000_000),
    (&["gb", "gib", "gigabyte", "gigabytes"], 1_000_000_000),
    (&["tb", "tib", "terabyte", "terabytes"], 1_000_000_000_000),
];
/// Names of arguments that hold lengths of time or sizes, in seconds and bytes unless they say otherwise.
const DURATIONS: &[&str] =
    &["duration", "ttl", "timeout", "length", "lifetime", "validity", "expiry", "retention", "age", "lasts"];
const LENGTHS: &[&str] = &["size", "bytes", "filesize", "capacity", "volume", "storage", "disk"];

/// What a unit measures and how much one of it is, in seconds or bytes.
#[must_use]
pub fn unit(word: &str) -> Option<(Measured, i64)> {
    let find = |units: &[(&[&str], i64)]| units.iter().find(|(names, _)| names.contains(&word)).map(|(_, one)| *one);
    find(TIMES).map(|one| (Measured::Duration, one)).or_else(|| find(SIZES).map(|one| (Measured::Size, one)))
}

/// A number with a unit behind it: `90 minutes`, `25MB`; of a bare number the unit is absent.
#[must_use]
pub fn read(text: &str) -> Option<(Decimal, Option<(Measured, i64)>)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    let number = Decimal::parse(&number.replace(',', ""))?;
    let rest = rest.trim().to_lowercase();
    match rest.as_str() {
        "" => Some((number, None)),
        word => unit(word).map(|unit| (number, Some(unit))),
    }
}

/// Whether an argument measures so much; `None` when it does not measure it.
#[must_use]
pub fn measured(of: Measured, range: &Range, key: &str, value: View<'_>) -> Option<Truth> {
    let words = cut(key);
    let named = if of == Measured::Duration { DURATIONS } else { LENGTHS };
    let by_unit = words.iter().rev().find_map(|word| unit(word).filter(|(what, _)| word.len() > 1 && *what == of));
    let named = words.iter().any(|word| named.contains(&word.as_str()));
    if !named && by_unit.is_none() {
        return None;
    }
    let text = match value.kind() {
        Kind::Number(text) | Kind::String(text) => text,
        Kind::Null | Kind::Bool(_) => return Some(Truth::Unclear),
        Kind::Array | Kind::Object => return None,
    };
    let Some((number, own)) = read(text) else { return named.then_some(Truth::Unclear) };
    let one = match own.or(by_unit) {
        Some((what, _)) if what != of => return None,
        Some((_, one)) => one,
        None => 1,
    };
    Some(number.times(Decimal::whole(one)).map_or(Truth::Unclear, |number| yes(range.holds(number))))
}

#[cfg(test)]
mod tests {
    use super::measured;
    use crate::{
        base::{Decimal, json::Doc},
        policy::{
            condition::{Measured, Range},
            truth::Truth,
        },
    };

    #[test]
    fn units_stand_in_names_and_values() {
        let hours = |arguments: &str| {
            let doc = Doc::parse(arguments.as_bytes()).unwrap();
            let range = Range::over(Decimal::whole(7200));
            doc.root().members().find_map(|member| measured(Measured::Duration, &range, member.key(), member))
        };
        assert_eq!(hours(r#"{"duration_minutes":121}"#), Some(Truth::Yes));
        assert_eq!(hours(r#"{"duration":"2 hours"}"#), Some(Truth::No));
        assert_eq!(hours(r#"{"ttl":"3h"}"#), Some(Truth::Yes));
        assert_eq!(hours(r#"{"duration":"long"}"#), Some(Truth::Unclear));
        assert_eq!(hours(r#"{"title":"3 hours"}"#), None);
    }
}
