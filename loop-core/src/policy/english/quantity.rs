//! Numbers with their comparison: amounts, counts, percentages, sizes, lengths of time.

use super::{
    item::singular,
    tape::{Place, Tape},
    token::Kind,
    words::{Group, List, is},
};
use crate::{
    base::Decimal,
    policy::{
        condition::{Condition, Limit, Measured, Range},
        facts::Counted,
        lexicon::{Concepts, Form, read_word},
        measure,
        money::Currency,
    },
};

/// What a number measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Money(Option<Currency>),
    Percent,
    /// Of what, and where the word for it stands.
    Count(Counted, Option<usize>),
    Of(Measured),
}

/// How a number bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Over,
    AtLeast,
    Under,
    AtMost,
    /// `between A and B`: the lower end.
    Opens,
    /// The upper end.
    Closes,
}

/// The most words of a comparison.
const COMPARISON_MAX: usize = 6;

/// A number in the text.
struct Found {
    place: Place,
    unit: Unit,
    range: Range,
}

/// Takes every number with a comparison. `limits` when the text says how much there may be rather than what is
/// guarded: then what lies beyond is meant.
pub fn take(tape: &mut Tape, limits: bool) -> Vec<(Place, Condition)> {
    let mut all: Vec<Found> = Vec::new();
    let mut opened = false;
    if limits {
        // `the limit for purchases is $100`
        let named = (0..3).find(|at| {
            matches!(tape.word(*at), "limit" | "cap" | "maximum" | "ceiling")
                && matches!(tape.raw_word(*at + 1), "for" | "on" | "of")
        });
        named.into_iter().for_each(|at| drop(tape.take(at)));
    }
    for at in 0..tape.len() {
        let Some(value) = number(tape, at) else { continue };
        // `past 31 January 2027`: a day is no amount.
        let month = |word: &str| word != "may" && List::LongMonth.has(word);
        if month(tape.raw_word(at + 1)) || month(tape.before(at, 1)) {
            continue;
        }
        let Some((bound, from, mut to)) = bound(tape, at, opened, limits) else { continue };
        opened = bound == Bound::Opens;
        let unit = unit(tape, at);
        let (unit, value) = in_units(tape, at, unit, value, &mut to);
        tape.take_all(from..to);
        tape.take(at);
        to = period(tape, to);
        let limit = |inclusive| Some(Limit { value, inclusive });
        let range = match bound {
            Bound::Over => Range { from: limit(false), to: None },
            Bound::AtLeast | Bound::Opens => Range { from: limit(true), to: None },
            Bound::Under => Range { from: None, to: limit(false) },
            Bound::AtMost | Bound::Closes => Range { from: None, to: limit(true) },
        };
        let range = if limits && !matches!(bound, Bound::Opens | Bound::Closes) { beyond(range) } else { range };
        let place = Place { first: from, last: to.saturating_sub(1).max(at) };
        // Both ends of one range; the unit may stand behind the second only.
        let other_end = all.last_mut().filter(|before| {
            let ends = before.range.to.is_none()
                && range.from.is_none()
                && before.range.from.is_some_and(|low| low.value < value);
            ends && (bound == Bound::Closes || before.place.last + 3 >= from)
                && (same(before.unit, unit) || before.unit == Unit::Money(None))
        });
        match other_end {
            Some(before) => {
                before.range.to = range.to;
                before.place.last = place.last;
                if before.unit == Unit::Money(None) {
                    before.unit = unit;
                }
            }
            None => all.push(Found { place, unit, range }),
        }
    }
    let mut told: Vec<(Unit, Place, Vec<Condition>)> = Vec::new();
    for found in all {
        let one = condition(&found, tape);
        // Two of a kind are alternatives: no text asks for two amounts of one call.
        let alike = |unit: Unit| same(unit, found.unit) && matches!(unit, Unit::Money(_) | Unit::Percent);
        match told.iter_mut().find(|(unit, ..)| alike(*unit)) {
            Some((_, place, others)) => {
                place.last = place.last.max(found.place.last);
                others.push(one);
            }
            None => told.push((found.unit, found.place, vec![one])),
        }
    }
    told.into_iter().map(|(_, place, any)| (place, Condition::any(any))).collect()
}

fn same(a: Unit, b: Unit) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

fn condition(found: &Found, tape: &Tape) -> Condition {
    let range = found.range;
    match found.unit {
        Unit::Money(currency) => Condition::Amount { range, currency },
        Unit::Percent => Condition::Percent(range),
        Unit::Count(of, noun) => {
            let noun = noun.map(|at| singular(tape.raw_word(at).to_owned()));
            Condition::Count { of, noun, range }
        }
        Unit::Of(of) => Condition::Measure { of, range },
    }
}

/// What lies beyond a limit.
const fn beyond(range: Range) -> Range {
    const fn turned(limit: Option<Limit>) -> Option<Limit> {
        match limit {
            Some(limit) => Some(Limit { inclusive: !limit.inclusive, ..limit }),
            None => None,
        }
    }
    Range { from: turned(range.to), to: turned(range.from) }
}

/// Whether numbers say how much there may be: `no more than 5 …`, `keep … under 250`, `limited to $50`.
#[must_use]
pub fn limits(tape: &Tape) -> bool {
    (0..tape.len()).any(|at| {
        let next = |group| tape.raw_is(at + 1, group);
        match tape.raw_word(at) {
            "limit" | "limited" | "cap" | "capped" | "keep" | "max" | "maximum" | "ceiling" | "limits" | "cannot" => {
                true
            }
            // `bookings need at least 24 hours' notice`
            "need" | "needs" | "require" | "requires" => {
                tape.raw_word(at + 1) == "at"
                    && (tape.raw_is(at + 2, Group::AtLeast) || tape.raw_is(at + 2, Group::AtMost))
            }
            "no" | "not" => next(Group::Over) || next(Group::Under),
            "at" => next(Group::AtMost),
            "up" => tape.raw_word(at + 1) == "to" && at == 0,
            "must" | "should" => {
                tape.raw_word(at + 1) == "be"
                    && (tape.raw_is(at + 2, Group::Under)
                        || tape.raw_is(at + 2, Group::Over)
                        || tape.raw_word(at + 2) == "at")
            }
            _ => false,
        }
    })
}

fn number(tape: &Tape, at: usize) -> Option<Decimal> {
    match tape.kind(at)? {
        Kind::Number(value) | Kind::Money(value, _) | Kind::Percent(value) => Some(*value),
        _ => None,
    }
}

fn is_number(tape: &Tape, at: usize) -> bool {
    matches!(tape.raw_kind(at), Some(Kind::Number(_) | Kind::Money(..) | Kind::Percent(_)))
}

/// How a number bounds, and which words say so.
fn bound(tape: &Tape, at: usize, opened: bool, limits: bool) -> Option<(Bound, usize, usize)> {
    if let Some((bound, to)) = bound_behind(tape, at) {
        return Some((bound, at, to));
    }
    let mut from = at;
    while from.checked_sub(1).is_some_and(|before| List::BoundLink.has(tape.word(before))) {
        from -= 1;
    }
    let last = from.checked_sub(1)?;
    if tape.kind(last) == Some(&Kind::Compare) {
        let bound = match tape.raw_word(last) {
            ">" => Bound::Over,
            ">=" => Bound::AtLeast,
            "<" => Bound::Under,
            _ => Bound::AtMost,
        };
        return Some((bound, last, at + 1));
    }
    let word = tape.word(last);
    if opened && matches!(word, "and" | "to") && is_number(tape, last.saturating_sub(1))
        || opened && matches!(word, "and" | "to") && last >= 2 && is_number(tape, last - 2)
    {
        return Some((Bound::Closes, last, at + 1));
    }
    for length in (1..=COMPARISON_MAX.min(from)).rev() {
        let first = from - length;
        let words: Vec<&str> = (first..from).map(|at| tape.word(at)).collect();
        if words.iter().any(|word| word.is_empty()) {
            continue;
        }
        if let Some(bound) = comparison(&words) {
            return Some((bound, first, at + 1));
        }
    }
    if limits {
        let named = (at.saturating_sub(6)..at).any(|at| List::Limit.has(tape.raw_word(at)))
            || matches!(tape.raw_word(at + 1), "max" | "maximum" | "tops")
            || (at..at + 6).any(|at| tape.raw_word(at) == "ceiling");
        return named.then_some((Bound::AtMost, at, at + 1));
    }
    None
}

/// What the words right before a number say.
fn comparison(words: &[&str]) -> Option<Bound> {
    let (last, before) = words.split_last()?;
    let over = |word: &str| is(Group::Over, word);
    let under = |word: &str| is(Group::Under, word);
    let bound = match (before, *last) {
        // `greater than or equal to`, `equal to or more than`, `at or above`
        ([first, "than", "or", "equal"], "to") if over(first) => Bound::AtLeast,
        ([first, "than", "or", "equal"], "to") if under(first) => Bound::AtMost,
        (["equal", "to", "or", second], "than") if over(second) => Bound::AtLeast,
        (["equal", "to", "or", second], "than") if under(second) => Bound::AtMost,
        (["at", "or"], word) if over(word) => Bound::AtLeast,
        (["at", "or"], word) if under(word) => Bound::AtMost,
        ([one], "than") if over(one) => Bound::Over,
        ([one], "than") if under(one) => Bound::Under,
        (["no" | "not", one], "than") if over(one) => Bound::AtMost,
        (["no" | "not", one], "than") if under(one) => Bound::AtLeast,
        (["no" | "not"], one) if over(one) => Bound::AtMost,
        (["no" | "not"], one) if under(one) => Bound::AtLeast,
        (["at"], one) if is(Group::AtLeast, one) => Bound::AtLeast,
        (["at"], one) if is(Group::AtMost, one) => Bound::AtMost,
        (["up"], "to") | (["limited" | "capped"], "to" | "at") => Bound::AtMost,
        (["as", "much" | "many" | "little"], "as") => Bound::AtLeast,
        ([], "between") => Bound::Opens,
        (["starting"], "at" | "from") => Bound::AtLeast,
        ([], "from") => Bound::Opens,
        ([], "reaching" | "hitting" | "minimum" | "min") => Bound::AtLeast,
        ([], "within" | "max" | "maximum") => Bound::AtMost,
        ([], one) if over(one) && !matches!(one, "more" | "greater" | "larger" | "higher" | "bigger" | "older") => {
            Bound::Over
        }
        ([], one) if under(one) && !matches!(one, "less" | "fewer" | "smaller" | "lower" | "younger") => Bound::Under,
        _ => return None,
    };
    Some(bound)
}

/// `A or more`, `A and above`, `A upwards`, `A recipients or fewer`; and where those words end.
fn bound_behind(tape: &Tape, at: usize) -> Option<(Bound, usize)> {
    for ahead in at + 1..=at + 3 {
        let (word, next) = (tape.word(ahead), tape.word(ahead + 1));
        if matches!(word, "or" | "and") {
            let bound = match next {
                "more" | "above" | "over" | "up" | "higher" | "greater" | "larger" | "upwards" | "bigger"
                | "longer" | "beyond" => Bound::AtLeast,
                "less" | "below" | "under" | "fewer" | "lower" | "smaller" | "down" | "shorter" => Bound::AtMost,
                _ => return None,
            };
            // `or more than`: another comparison begins.
            return (tape.word(ahead + 2) != "than").then_some((bound, ahead + 2));
        }
        if matches!(word, "upwards" | "upward" | "plus") {
            return Some((Bound::AtLeast, ahead + 1));
        }
        // One word for what is counted may stand between.
        let noun = tape.kind(ahead) == Some(&Kind::Word) && ahead < at + 3 && !tape.raw_is(ahead, Group::Small);
        if !noun {
            return None;
        }
    }
    None
}

/// What a number measures, by its own mark or the word behind it.
fn unit(tape: &mut Tape, at: usize) -> Unit {
    match tape.kind(at) {
        Some(Kind::Money(_, currency)) => return Unit::Money(Some(*currency)),
        Some(Kind::Percent(_)) => return Unit::Percent,
        _ => {}
    }
    for place in at + 1..=at + 5 {
        let word = tape.raw_word(place);
        if tape.raw_kind(place) != Some(&Kind::Word) {
            break;
        }
        if is(Group::Receivers, word) {
            tape.take(place);
            return Unit::Count(Counted::Recipients, None);
        }
        if is(Group::Units, word) {
            tape.take(place);
            return Unit::Count(Counted::Items, Some(place));
        }
        if measure::unit(word).is_none()
            && let Some(reading) = read_word(word)
            && reading.form == Form::Plural
            && !reading.entry.names.is_empty()
        {
            return counted(persons_are_told(tape, word), place);
        }
        if tape.raw_is(place, Group::People) && word.ends_with('s') && read_word(word).is_none() {
            return counted(false, place);
        }
        let unknown = !super::words::is_known(word) && word.len() > 3 && word.ends_with('s') && !tape.proper(place);
        if unknown && measure::unit(word).is_none() {
            let receive = told(tape, "")
                || matches!(word, "subscribers" | "followers" | "listeners" | "donors" | "alumni" | "households");
            tape.take(place);
            return counted(receive, place);
        }
        let between = tape.raw_is(place, Group::Over)
            || tape.raw_is(place, Group::Under)
            || List::CountBetween.has(word)
            || !super::words::is_known(word)
            || read_word(word).is_some_and(|reading| reading.form == Form::Base && !reading.entry.names.is_empty());
        if !between {
            break;
        }
    }

    // `more recipients than 5`
    if (1..=3).filter_map(|back| at.checked_sub(back)).any(|at| tape.is(at, Group::Receivers)) {
        return Unit::Count(Counted::Recipients, None);
    }
    Unit::Money(None)
}

fn counted(received: bool, at: usize) -> Unit {
    if received { Unit::Count(Counted::Recipients, None) } else { Unit::Count(Counted::Items, Some(at)) }
}

/// A length of time or a size, in its own unit: `2 hours`, `25 MB`.
fn in_units(tape: &mut Tape, at: usize, unit: Unit, value: Decimal, to: &mut usize) -> (Unit, Decimal) {
    let behind = at + 1 + usize::from(tape.word(at + 1) == "working");
    let word = tape.word(behind);
    match measure::unit(word).filter(|_| word.len() > 1 && unit == Unit::Money(None)) {
        Some((of, one)) => {
            *to = (*to).max(behind + 1);
            (Unit::Of(of), value.times(Decimal::whole(one)).unwrap_or(value))
        }
        None => (unit, value),
    }
}

/// Takes `a day`, `per month`, `each`: how often says nothing of one call. Answers where it ends.
fn period(tape: &mut Tape, at: usize) -> usize {
    let (lead, unit) = (tape.word(at), tape.word(at + 1));
    let single = unit.strip_suffix('s').unwrap_or(unit);
    let periods = List::Period.has(single);
    let length = match lead {
        "a" | "an" | "per" | "each" | "every" if periods => 2,
        "daily" | "weekly" | "monthly" | "yearly" | "annually" | "incl" | "inclusive" | "each" | "net" | "gross"
        | "apiece" => 1,
        _ => 0,
    };
    tape.take_all(at..at + length);
    at + length
}

/// Whether the counted ones are people to whom something is sent.
fn persons_are_told(tape: &Tape, counted: &str) -> bool {
    let persons = List::Persons.has(counted);
    persons && told(tape, counted)
}

/// Whether something is sent, by a word other than the counted one.
fn told(tape: &Tape, counted: &str) -> bool {
    let tells = Concepts::named(&["send", "invite"]).with_children();
    tape.any_raw(|word| {
        word != counted
            && read_word(word).is_some_and(|reading| reading.entry.does.with(reading.entry.names).meets(tells))
    })
}
