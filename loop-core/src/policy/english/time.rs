//! When it happens: days, business hours, `after 6pm`.

use super::{
    tape::Tape,
    token::Kind,
    words::{Group, List, is},
};
use crate::policy::condition::{Condition, TimeTest};

/// Days by their groups, 1 is Monday.
const DAYS: &[(Group, &[u8])] = &[
    (Group::Weekend, &[6, 7]),
    (Group::Weekday, &[1, 2, 3, 4, 5]),
    (Group::Monday, &[1]),
    (Group::Tuesday, &[2]),
    (Group::Wednesday, &[3]),
    (Group::Thursday, &[4]),
    (Group::Friday, &[5]),
    (Group::Saturday, &[6]),
    (Group::Sunday, &[7]),
];
/// Months by the first three letters.
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const OFFICE: (u16, u16) = (9 * 60, 17 * 60);

/// Takes times.
pub fn times(tape: &mut Tape) -> Option<Condition> {
    let mut days: Vec<u8> = Vec::new();
    let mut tests = Vec::new();
    let (mut from, mut to) = (None, None);
    let (mut either, mut beyond) = (false, false);
    for at in 0..tape.len() {
        if tape.is_taken(at) {
            continue;
        }
        let word = tape.word(at).to_owned();
        let near = |back: usize| match tape.before(at, back) {
            "outside" | "beyond" => true,
            "out" => tape.before(at, back - 1) == "of",
            _ => false,
        };
        // `outside the maintenance window from 2am to 4am`
        let clock = minute(tape.raw(at)).is_some();
        let clear = |back: &usize| at.checked_sub(*back).is_some_and(|at| !tape.is_mark(at));
        let outside = (1..=if clock { 8 } else { 3 }).take_while(clear).any(near);
        either |= word == "or" && (from.is_some() || to.is_some() || !days.is_empty());
        if let Some((_, found)) = DAYS.iter().find(|(group, _)| tape.raw_is(at, *group)) {
            tape.take(at);
            let through = matches!(tape.before(at, 1), "to" | "through" | "until" | "till") && !days.is_empty();
            match (through, days.last().copied(), found.first().copied()) {
                // `Monday to Friday`
                (true, Some(first), Some(last)) => {
                    days.extend((1..=7).map(|ahead| (first + ahead - 1) % 7 + 1).take_while(|day| *day != last % 7 + 1))
                }
                _ => days.extend(*found),
            }
        } else if tape.phrase(at, 2).is_some_and(|phrase| is(Group::Hours, &phrase)) || tape.is(at, Group::Hours) {
            tape.take_all(at..at + 1 + usize::from(!tape.is(at, Group::Hours)));
            tests.extend(hours(OFFICE, outside));
        } else if word == "hours" && (near(1) || near(2) && !counts(tape, at) || tape.before(at, 1) == "after") {
            tape.take(at);
            tests.extend(hours(OFFICE, true));
        } else if tape.is(at, Group::Night) && !counts(tape, at) {
            tape.take(at);
            tests.push(TimeTest { from: Some(20 * 60), to: Some(6 * 60), ..TimeTest::default() });
        } else if let Some((first, last)) =
            tape.raw(at).split_once(['-', '–']).and_then(|(a, b)| Some((minute(a)?, minute(b)?)))
        {
            // `09:00-17:30`
            tape.take(at);
            let (first, last) = if outside { (last, first) } else { (first, last) };
            tests.push(TimeTest { from: Some(first), to: Some(last), ..TimeTest::default() });
        } else if let Some((month, day)) =
            date(tape, at).filter(|_| !(1..=2).any(|back| matches!(tape.before(at, back), "until" | "till" | "by")))
        {
            dated(tape, at, month, day, &mut tests);
        } else if let Some(minute) = minute(tape.raw(at)).or_else(|| named(&word)) {
            match tape.before(at, 1) {
                "after" | "from" | "between" | "past" | "since" | "outside" => from = Some(minute),
                "before" | "until" | "till" | "to" | "and" | "by" => to = Some(minute),
                _ => continue,
            }
            beyond |= outside;
            tape.take(at);
        }
    }
    if beyond {
        // `outside 9am to 5pm`
        std::mem::swap(&mut from, &mut to);
    }
    days.sort_unstable();
    days.dedup();
    if either && (from.is_some() || to.is_some()) && !days.is_empty() {
        // `after 6pm or on Fridays`
        tests.push(TimeTest { days: std::mem::take(&mut days), ..TimeTest::default() });
    }
    if from.is_some() || to.is_some() {
        tests.push(TimeTest { days: std::mem::take(&mut days), from, to, ..TimeTest::default() });
    } else if !days.is_empty() {
        tests.push(TimeTest { days, ..TimeTest::default() });
    }
    (!tests.is_empty()).then_some(Condition::Time(tests))
}

fn hours((from, to): (u16, u16), outside: bool) -> Vec<TimeTest> {
    let office = vec![1, 2, 3, 4, 5];
    if outside {
        let evening = TimeTest { days: office, from: Some(to), to: Some(from), ..TimeTest::default() };
        vec![evening, TimeTest { days: vec![6, 7], ..TimeTest::default() }]
    } else {
        vec![TimeTest { days: office, from: Some(from), to: Some(to), ..TimeTest::default() }]
    }
}

/// `beyond 10 hours`: how long, not when.
fn counts(tape: &Tape, at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| matches!(tape.raw_kind(before), Some(Kind::Number(_))))
}

fn named(word: &str) -> Option<u16> {
    match word {
        "midnight" => Some(0),
        "noon" | "midday" => Some(12 * 60),
        _ => None,
    }
}

/// `20 December`, `December 20`, `December`
fn date(tape: &Tape, at: usize) -> Option<(u8, Option<u8>)> {
    let month = |at: usize| {
        let word = tape.word(at);
        let short = word.get(..3).filter(|_| word.len() == 3 || word.len() > 3 && List::LongMonth.has(word))?;
        let known = MONTHS.iter().position(|month| *month == short)?;
        (word != "may" || tape.proper(at)).then(|| u8::try_from(known + 1).unwrap_or(1))
    };
    let day = |at: usize| {
        let word = tape.raw_word(at);
        let figures = word.trim_end_matches("st").trim_end_matches("nd").trim_end_matches("rd").trim_end_matches("th");
        figures.parse::<u8>().ok().filter(|day| (1..=31).contains(day))
    };
    if let Some(month) = month(at) {
        return Some((month, day(at + 1).filter(|_| !tape.is_taken(at + 1))));
    }
    Some((month(at + 1)?, Some(day(at)?)))
}

/// Takes a date, and the end of the range that it begins.
fn dated(tape: &mut Tape, at: usize, month: u8, day: Option<u8>, tests: &mut Vec<TimeTest>) {
    let length = if day.is_some() { 2 } else { 1 };
    let year = tape.raw_word(at + length).parse::<u16>().is_ok_and(|year| (1900..2200).contains(&year));
    if year {
        // One day of one year cannot be said yet.
        return;
    }
    tape.take_all(at..at + length);
    let linked = matches!(tape.raw_word(at + length), "to" | "until" | "till" | "and" | "through");
    let end = date(tape, at + length + 1).filter(|_| linked);
    let Some((last_month, last_day)) = end else {
        tests.push(TimeTest { months: vec![month], month_days: day.into_iter().collect(), ..TimeTest::default() });
        return;
    };
    tape.take_all(at + length..at + length + 2 + usize::from(last_day.is_some()));
    let mut one = month;
    for _ in 0..12 {
        let first = if one == month { day.unwrap_or(1) } else { 1 };
        let last = if one == last_month { last_day.unwrap_or(31) } else { 31 };
        let month_days = if (first, last) == (1, 31) { Vec::new() } else { (first..=last).collect() };
        tests.push(TimeTest { months: vec![one], month_days, ..TimeTest::default() });
        if one == last_month {
            break;
        }
        one = one % 12 + 1;
    }
}

/// `6pm`, `9:30am`, `18:00`
fn minute(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let (clock, shift) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (lower.as_str(), None),
    };
    let (hour, minute) = clock.split_once(':').or_else(|| shift.map(|_| (clock, "0")))?;
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    let hour = match shift {
        Some(shift) if (1..=12).contains(&hour) => hour % 12 + shift,
        Some(_) => return None,
        None => hour,
    };
    (hour < 24 && minute < 60).then(|| hour * 60 + minute)
}
