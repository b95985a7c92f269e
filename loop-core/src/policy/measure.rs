//! Lengths of time and sizes as arguments write them.

use super::{
    condition::{Measured, Range},
    lexicon::cut,
    truth::{Truth, yes},
};
use crate::base::{
    Decimal, Time,
    json::{Kind, View},
};

/// Units with what one of them is in seconds.
const TIMES: &[(&[&str], i64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 3600),
    (&["d", "day", "days"], 86_400),
    (&["w", "wk", "wks", "week", "weeks"], 604_800),
    (&["mo", "mth", "mths", "month", "months"], 2_592_000),
    (&["y", "yr", "yrs", "year", "years"], 31_536_000),
];
/// Units with what one of them is in bytes.
const SIZES: &[(&[&str], i64)] = &[
    (&["b", "byte", "bytes"], 1),
    (&["kb", "kilobyte", "kilobytes"], 1_000),
    (&["kib", "kibibyte", "kibibytes"], 1_024),
    (&["mb", "megabyte", "megabytes"], 1_000_000),
    (&["mib", "mebibyte", "mebibytes"], 1_048_576),
    (&["gb", "gig", "gigs", "gigabyte", "gigabytes"], 1_000_000_000),
    (&["gib", "gibibyte", "gibibytes"], 1_073_741_824),
    (&["tb", "terabyte", "terabytes"], 1_000_000_000_000),
    (&["tib", "tebibyte", "tebibytes"], 1_099_511_627_776),
];
/// Parts of a second, as powers of ten.
const PARTS: &[(&[&str], i32)] = &[
    (&["ms", "msec", "milli", "millis", "millisecond", "milliseconds"], -3),
    (&["us", "µs", "micros", "microsecond", "microseconds"], -6),
    (&["ns", "nanos", "nanosecond", "nanoseconds"], -9),
];
/// Names of arguments that hold lengths of time or sizes.
const DURATIONS: &[&str] =
    &["duration", "ttl", "timeout", "length", "lifetime", "validity", "expiry", "retention", "age", "lasts", "period"];
const LENGTHS: &[&str] = &["size", "filesize", "capacity", "volume", "storage", "disk"];
/// Pairs of names whose instants lie so long apart.
const SPANS: &[(&str, &str)] =
    &[("start", "end"), ("starts", "ends"), ("begin", "end"), ("from", "to"), ("from", "until")];

/// What a unit measures and how much one of it is, in seconds or bytes.
#[must_use]
pub fn unit(word: &str) -> Option<(Measured, i64)> {
    let find = |units: &[(&[&str], i64)]| units.iter().find(|(names, _)| names.contains(&word)).map(|(_, one)| *one);
    find(TIMES).map(|one| (Measured::Duration, one)).or_else(|| find(SIZES).map(|one| (Measured::Size, one)))
}

/// As [`unit`], with parts of a second.
fn exact(word: &str) -> Option<(Measured, Decimal)> {
    let part = || PARTS.iter().find(|(names, _)| names.contains(&word)).map(|(_, power)| *power);
    match unit(word) {
        Some((of, one)) => Some((of, Decimal::whole(one))),
        None => Some((Measured::Duration, Decimal::whole(1).shifted(part()?)?)),
    }
}

/// The most pieces of `1h 30m` that are read.
const PIECES_MAX: usize = 8;

/// What a text measures: `90 minutes`, `25MB`, `1,5 GB`, `1h30m`, `PT2H`; of a bare number the unit is absent. `None`
/// when it cannot be read.
fn read(text: &str) -> Option<(Decimal, Option<Measured>)> {
    let text = text.trim().to_lowercase();
    if let Some(rest) = text.strip_prefix('p').filter(|rest| rest.starts_with(|c: char| c == 't' || c.is_ascii_digit()))
    {
        return period(rest);
    }
    let mut rest = text.as_str();
    let mut sum: Option<(Decimal, Option<Measured>)> = None;
    for _ in 0..PIECES_MAX {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace()).trim_start_matches("and ");
        if rest.is_empty() {
            return sum;
        }
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len());
        let (number, behind) = rest.split_at_checked(end)?;
        let number = decimal(number)?;
        let behind = behind.trim_start_matches(|c: char| c.is_whitespace() || c == '-');
        let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (word, left) = behind.split_at_checked(end)?;
        rest = left.trim_start_matches([',', '.']);
        if word.is_empty() {
            // A number without a unit stands alone.
            return (rest.is_empty() && sum.is_none()).then_some((number, None));
        }
        // Of lengths of time `m` is a minute.
        let (of, one) = exact(word).or_else(|| (word == "m").then_some((Measured::Duration, Decimal::whole(60))))?;
        let more = number.times(one)?;
        sum = match sum {
            None => Some((more, Some(of))),
            Some((before, Some(what))) if what == of => Some((before.plus(more)?, Some(of))),
            Some(_) => return None,
        };
    }
    None
}

/// `1,5` is one and a half, `1,500` fifteen hundred.
fn decimal(text: &str) -> Option<Decimal> {
    let groups = text.split(',').skip(1).all(|group| group.split('.').next().is_some_and(|group| group.len() == 3));
    match text.split_once(',') {
        Some(_) if groups => Decimal::parse(&text.replace(',', "")),
        Some((whole, part)) if !part.contains([',', '.']) => Decimal::parse(&format!("{whole}.{part}")),
        Some(_) => None,
        None => Decimal::parse(text),
    }
}

/// What stands behind the `P` of ISO 8601 (`T2H`, `1DT12H`, `6M`).
fn period(text: &str) -> Option<(Decimal, Option<Measured>)> {
    let mut sum = Decimal::ZERO;
    let mut of_day = false;
    let mut number = String::new();
    for letter in text.chars() {
        let seconds: i64 = match letter {
            '0'..='9' | '.' if number.len() < 18 => {
                number.push(letter);
                continue;
            }
            't' if number.is_empty() => {
                of_day = true;
                continue;
            }
            'y' => 31_536_000,
            'm' if of_day => 60,
            'm' => 2_592_000,
            'w' => 604_800,
            'd' => 86_400,
            'h' => 3600,
            's' => 1,
            _ => return None,
        };
        sum = sum.plus(Decimal::parse(&std::mem::take(&mut number))?.times(Decimal::whole(seconds))?)?;
    }
    number.is_empty().then_some((sum, Some(Measured::Duration)))
}

/// Whether an argument measures so much; `None` when it does not measure it. A number without any unit is unclear.
/// `object` is what the argument stands in: its unit may stand beside it.
#[must_use]
pub fn measured(of: Measured, range: &Range, key: &str, value: View<'_>, object: Option<View<'_>>) -> Option<Truth> {
    let words = cut(key);
    let holds = |number: Option<Decimal>| number.map_or(Truth::Unclear, |number| yes(range.holds(number)));
    if of == Measured::Duration
        && let Some(lasts) = object.and_then(|object| span(&words, value, object))
    {
        return Some(holds(lasts));
    }
    let named = if of == Measured::Duration { DURATIONS } else { LENGTHS };
    let named = words.iter().any(|word| named.contains(&word.as_str()));
    // `duration_minutes`, `bytes`; but `min_amount` has no minutes.
    let by_unit = words.last().and_then(|word| exact(word).filter(|(what, _)| word.len() > 1 && *what == of));
    let text = match value.kind() {
        Kind::Number(text) | Kind::String(text) => text,
        Kind::Null | Kind::Bool(_) => return (named || by_unit.is_some()).then_some(Truth::Unclear),
        Kind::Array | Kind::Object => return None,
    };
    if !named && by_unit.is_none() {
        // `limit: "2h"` says what it measures itself.
        return None;
    }
    let beside = || object.and_then(|object| sibling(object, &words)).and_then(|word| exact(&word));
    Some(match read(text) {
        None => Truth::Unclear,
        Some((_, Some(what))) if what != of => return None,
        Some((number, Some(_))) => holds(Some(number)),
        Some((number, None)) => match by_unit.or_else(beside) {
            Some((what, _)) if what != of => return None,
            Some((_, one)) => holds(number.times(one)),
            None => Truth::Unclear,
        },
    })
}

/// The unit that stands beside a number: `unit`, `size_unit`.
fn sibling(object: View<'_>, words: &[String]) -> Option<String> {
    object.members().find_map(|member| {
        let own = cut(member.key());
        let unit = own.last().is_some_and(|word| matches!(word.as_str(), "unit" | "units" | "uom"));
        let its = own.iter().rev().skip(1).all(|word| words.contains(word));
        (unit && its).then(|| member.as_str().map(|text| text.trim().to_lowercase())).flatten()
    })
}

/// How long something lasts that ends with this argument and starts with one beside it; inside, `None` when that
/// cannot be read.
fn span(words: &[String], value: View<'_>, object: View<'_>) -> Option<Option<Decimal>> {
    let (first, last) = SPANS.iter().find(|(_, last)| words.iter().any(|word| word == last)).copied()?;
    let others = |all: &[String], own: &str| all.iter().filter(|word| *word != own).cloned().collect::<Vec<_>>();
    let rest = others(words, last);
    let start = object.members().find(|member| {
        let own = cut(member.key());
        own.iter().any(|word| word == first) && others(&own, first) == rest
    })?;
    let (from, to) = (Time::parse(start.as_str()?)?, Time::parse(value.as_str()?)?);
    Some(Decimal::whole(to.micros_since(from)).shifted(-6))
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

    fn over(of: Measured, limit: i64, arguments: &str) -> Option<Truth> {
        let doc = Doc::parse(arguments.as_bytes()).unwrap();
        let root = doc.root();
        let range = Range::over(Decimal::whole(limit));
        root.members().find_map(|member| measured(of, &range, member.key(), member, Some(root)))
    }

    #[test]
    fn units_stand_in_names_values_and_beside() {
        for (arguments, truth) in [
            (r#"{"duration_minutes":121}"#, Some(Truth::Yes)),
            (r#"{"duration":"2 hours"}"#, Some(Truth::No)),
            (r#"{"ttl":"3h"}"#, Some(Truth::Yes)),
            (r#"{"ttl":"1h30m"}"#, Some(Truth::No)),
            (r#"{"ttl":"2 hours and 10 minutes"}"#, Some(Truth::Yes)),
            (r#"{"ttl":"90m"}"#, Some(Truth::No)),
            (r#"{"ttl":"PT2H1S"}"#, Some(Truth::Yes)),
            (r#"{"ttl":"P1D"}"#, Some(Truth::Yes)),
            (r#"{"timeout_ms":7200001}"#, Some(Truth::Yes)),
            (r#"{"timeout_ms":7000000}"#, Some(Truth::No)),
            (r#"{"duration":3,"unit":"hours"}"#, Some(Truth::Yes)),
            (r#"{"duration":3,"duration_unit":"minutes"}"#, Some(Truth::No)),
            (r#"{"start":"2026-01-05T09:00:00Z","end":"2026-01-05T12:00:00Z"}"#, Some(Truth::Yes)),
            (r#"{"start_time":"2026-01-05T09:00:00Z","end_time":"2026-01-05T10:00:00Z"}"#, Some(Truth::No)),
            // What cannot be told stops.
            (r#"{"duration":"long"}"#, Some(Truth::Unclear)),
            (r#"{"duration_minutes":"a while"}"#, Some(Truth::Unclear)),
            (r#"{"duration":100}"#, Some(Truth::Unclear)),
            (r#"{"title":"3 hours"}"#, None),
            (r#"{"min_amount":9000}"#, None),
        ] {
            assert_eq!(over(Measured::Duration, 7200, arguments), truth, "{arguments}");
        }
    }

    #[test]
    fn sizes_have_units_of_both_kinds() {
        for (arguments, truth) in [
            (r#"{"size":"1,5 GB"}"#, Some(Truth::Yes)),
            (r#"{"size":"1,500 KB"}"#, Some(Truth::No)),
            (r#"{"size":"1 GiB"}"#, Some(Truth::Yes)),
            (r#"{"size":"1 GB"}"#, Some(Truth::No)),
            (r#"{"size_mb":1001}"#, Some(Truth::Yes)),
            (r#"{"file_size":5}"#, Some(Truth::Unclear)),
            (r#"{"size":"large"}"#, Some(Truth::Unclear)),
        ] {
            assert_eq!(over(Measured::Size, 1_000_000_000, arguments), truth, "{arguments}");
        }
    }
}
