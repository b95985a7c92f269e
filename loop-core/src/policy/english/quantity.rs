//! Numbers with their comparison: amounts, counts, percentages.

use super::{clause::Words, token::Kind, words::is};
use crate::{
    base::Decimal,
    policy::{
        condition::{Condition, Limit, Measured, Range},
        facts::Counted,
        lexicon::{Form, lexicon, read_word},
        measure,
        money::Currency,
    },
};

/// What a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Money(Option<Currency>),
    Percent,
    Count(Counted),
    Of(Measured),
}

/// Takes every number out of the words. Numbers without a comparison are left.
#[must_use]
pub fn take(words: &mut Words) -> Vec<Condition> {
    let mut found: Vec<(Measure, Range)> = Vec::new();
    for at in 0..words.len() {
        let Some(value) = number(words, at) else { continue };
        let Some(range) = range(words, at, value) else { continue };
        let measure = measure(words, at);
        let (measure, range) = scaled(words, at, measure, range);
        words.take(at);
        period(words, at + 1);
        // `over X and under Y` is one range; two of a kind otherwise are alternatives.
        let fitting = found.iter_mut().find(|(other, before)| {
            *other == measure
                && ((before.from.is_none() && range.to.is_none()) || (before.to.is_none() && range.from.is_none()))
                && lower_first(before, &range)
        });
        match fitting {
            Some((_, before)) => *before = Range { from: before.from.or(range.from), to: before.to.or(range.to) },
            None => found.push((measure, range)),
        }
    }
    let mut groups: Vec<(Measure, Vec<Condition>)> = Vec::new();
    for (measure, range) in found {
        let condition = match measure {
            Measure::Money(currency) => Condition::Amount { range, currency },
            Measure::Percent => Condition::Percent(range),
            Measure::Count(of) => Condition::Count { of, range },
            Measure::Of(of) => Condition::Measure { of, range },
        };
        let same = |other: &Measure| std::mem::discriminant(other) == std::mem::discriminant(&measure);
        match groups.iter_mut().find(|(other, _)| same(other)) {
            Some((_, conditions)) => conditions.push(condition),
            None => groups.push((measure, vec![condition])),
        }
    }
    groups.into_iter().map(|(_, conditions)| Condition::any(conditions)).collect()
}

/// A length of time or a size, in its own unit: `2 hours`, `25 MB`.
fn scaled(words: &mut Words, at: usize, measure: Measure, range: Range) -> (Measure, Range) {
    let behind = if words.word(at + 1) == "working" { at + 2 } else { at + 1 };
    let word = words.word(behind).to_owned();
    let Some((of, one)) = measure::unit(&word).filter(|_| word.len() > 1 && matches!(measure, Measure::Money(None)))
    else {
        return (measure, range);
    };
    let times = |limit: Option<Limit>| {
        limit.map(|limit| Limit { value: limit.value.times(Decimal::whole(one)).unwrap_or(limit.value), ..limit })
    };
    (at + 1..=behind).for_each(|at| drop(words.take(at)));
    (Measure::Of(of), Range { from: times(range.from), to: times(range.to) })
}

/// Takes `a day`, `per month`, `each`: how often says nothing of one call.
fn period(words: &mut Words, at: usize) {
    let lead = words.word(at).to_owned();
    let unit = words.word(at + 1).to_owned();
    let single = unit.strip_suffix('s').unwrap_or(&unit);
    let periods = matches!(
        single,
        "hour" | "day" | "week" | "month" | "quarter" | "year" | "call" | "request" | "transaction" | "time" | "order"
    );
    if matches!(lead.as_str(), "a" | "an" | "per" | "each" | "every") && periods {
        words.take(at);
        words.take(at + 1);
    } else if matches!(
        lead.as_str(),
        "daily" | "weekly" | "monthly" | "yearly" | "annually" | "incl" | "inclusive" | "each" | "net" | "gross"
    ) {
        words.take(at);
    }
}

fn lower_first(a: &Range, b: &Range) -> bool {
    let from = a.from.or(b.from);
    let to = a.to.or(b.to);
    matches!((from, to), (Some(from), Some(to)) if from.value < to.value)
}

fn number(words: &Words, at: usize) -> Option<Decimal> {
    match words.kind(at)? {
        Kind::Number(value) | Kind::Money(value, _) | Kind::Percent(value) => Some(*value),
        _ => None,
    }
}

fn measure(words: &mut Words, at: usize) -> Measure {
    match words.kind(at) {
        Some(Kind::Money(_, currency)) => return Measure::Money(Some(*currency)),
        Some(Kind::Percent(_)) => return Measure::Percent,
        _ => {}
    }
    // What is counted stands right behind, or behind `or more`.
    for ahead in 1..=4 {
        let word = words.raw_word(at + ahead).to_owned();
        let word = word.as_str();
        if is("receivers", word) {
            words.take(at + ahead);
            return Measure::Count(Counted::Recipients);
        }
        if is("units", word) {
            words.take(at + ahead);
            return Measure::Count(Counted::Items);
        }
        if is("items", word) {
            return Measure::Count(Counted::Items);
        }
        if measure::unit(word).is_none()
            && let Some(reading) = read_word(word)
            && reading.form == Form::Plural
            && !reading.entry.names.without(lexicon().deeds).is_empty()
        {
            return Measure::Count(if persons_are_told(words, word) { Counted::Recipients } else { Counted::Items });
        }
        if ahead == 1
            && measure::unit(word).is_none()
            && !super::words::is_known(word)
            && word.len() > 3
            && word.ends_with('s')
            && !words.proper(at + 1)
        {
            words.take(at + ahead);
            return Measure::Count(Counted::Items);
        }
        if !matches!(
            word,
            "or" | "more" | "of" | "the" | "different" | "and" | "above" | "fewer" | "less" | "external" | "unique"
        ) {
            break;
        }
    }
    // `more recipients than 5`
    let behind = (1..=3).filter_map(|back| at.checked_sub(back)).map(|at| words.word(at));
    if behind.into_iter().any(|word| is("receivers", word)) {
        return Measure::Count(Counted::Recipients);
    }
    Measure::Money(None)
}

/// Whether the counted ones are people to whom something is sent.
fn persons_are_told(words: &Words, word: &str) -> bool {
    let persons = matches!(
        word,
        "customers"
            | "clients"
            | "users"
            | "members"
            | "subscribers"
            | "patients"
            | "employees"
            | "contacts"
            | "leads"
            | "students"
            | "colleagues"
    );
    persons
        && words.any_raw(|word| {
            read_word(word).is_some_and(|reading| {
                reading.entry.does.with(reading.entry.names).meets(crate::policy::deed::known().send)
            })
        })
}

/// The range that the words around a number say; takes those words.
fn range(words: &mut Words, at: usize, value: Decimal) -> Option<Range> {
    let limit = |inclusive| Some(Limit { value, inclusive });
    // `A or more`, `A and above`, `A+`
    let (next, second) = (words.word(at + 1).to_owned(), words.word(at + 2).to_owned());
    if matches!(next.as_str(), "or" | "and") {
        if matches!(second.as_str(), "more" | "above" | "over" | "up" | "higher" | "greater" | "larger" | "upwards") {
            words.take(at + 1);
            words.take(at + 2);
            return Some(Range { from: limit(true), to: None });
        }
        if matches!(second.as_str(), "less" | "below" | "under" | "fewer" | "lower") {
            words.take(at + 1);
            words.take(at + 2);
            return Some(Range { from: None, to: limit(true) });
        }
    }
    let mut back = at;
    for _ in 0..4 {
        let Some(before) = back.checked_sub(1) else { break };
        back = before;
        let word = words.word(back).to_owned();
        let earlier = back.checked_sub(1).map(|at| words.word(at).to_owned()).unwrap_or_default();
        if words.kind(back) == Some(&Kind::Compare) {
            words.take(back);
            return Some(match word.as_str() {
                ">" => Range { from: limit(false), to: None },
                ">=" => Range { from: limit(true), to: None },
                "<" => Range { from: None, to: limit(false) },
                _ => Range { from: None, to: limit(true) },
            });
        }
        let refused = matches!(earlier.as_str(), "no" | "not");
        let mut used = |more: bool| {
            words.take(back);
            if more && let Some(at) = back.checked_sub(1) {
                words.take(at);
            }
        };
        match (earlier.as_str(), word.as_str()) {
            (_, "between") => {
                used(false);
                return Some(Range { from: limit(true), to: None });
            }
            ("up", "to") => {
                used(true);
                return Some(Range { from: None, to: limit(true) });
            }
            ("at", "least") | ("a", "minimum") => {
                used(true);
                return Some(Range { from: limit(true), to: None });
            }
            ("at", "most") | ("a", "maximum") => {
                used(true);
                return Some(Range { from: None, to: limit(true) });
            }
            ("in", "excess") => {
                used(true);
                return Some(Range { from: limit(false), to: None });
            }
            _ => {}
        }
        if is("over", &word) {
            used(refused);
            return Some(if refused {
                Range { from: None, to: limit(true) }
            } else {
                Range { from: limit(false), to: None }
            });
        }
        if is("under", &word) {
            used(refused);
            return Some(if refused {
                Range { from: limit(true), to: None }
            } else {
                Range { from: None, to: limit(false) }
            });
        }
        if is("at_least", &word) {
            used(false);
            return Some(Range { from: limit(true), to: None });
        }
        if is("at_most", &word) {
            used(false);
            return Some(Range { from: None, to: limit(true) });
        }
        // `between A and B`, `from A to B`: the upper end.
        let opened = |words: &Words| {
            let number_at = back.checked_sub(1)?;
            words
                .raw_kind(number_at)
                .filter(|kind| matches!(kind, Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))?;
            let open = (1..=3)
                .filter_map(|back| number_at.checked_sub(back))
                .any(|at| matches!(words.raw_word(at), "between" | "from"));
            open.then_some(())
        };
        if matches!(word.as_str(), "and" | "to") && opened(words).is_some() {
            words.take(back);
            return Some(Range { from: None, to: limit(true) });
        }
        if !matches!(
            word.as_str(),
            "than"
                | "of"
                | "the"
                | "a"
                | "is"
                | "be"
                | "worth"
                | "to"
                | "amount"
                | "value"
                | "are"
                | "excess"
                | "about"
                | "total"
        ) {
            break;
        }
    }
    None
}
