//! Numbers, limits, units and times, each written and read side by side.

use super::{CanonicalError, parse::Parser, render::list};
use crate::{
    base::Decimal,
    policy::condition::{Limit, Measured, Range, TimeTest},
};

/// Units of time in seconds, the largest first.
const TIMES: &[(&str, &str, i64)] =
    &[("day", "days", 86_400), ("hour", "hours", 3_600), ("minute", "minutes", 60), ("second", "seconds", 1)];
/// Units of size in bytes, the largest first.
const SIZES: &[(&str, &str, i64)] = &[
    ("TB", "TB", 1_000_000_000_000),
    ("GB", "GB", 1_000_000_000),
    ("MB", "MB", 1_000_000),
    ("kB", "kB", 1_000),
    ("byte", "bytes", 1),
];

const fn units(of: Measured) -> &'static [(&'static str, &'static str, i64)] {
    match of {
        Measured::Duration => TIMES,
        Measured::Size => SIZES,
    }
}

/// A number, its thousands apart.
pub(super) fn number(value: Decimal) -> String {
    let text = value.to_string();
    let digits = text.trim_start_matches('-');
    let (whole, rest) =
        digits.find(|c: char| !c.is_ascii_digit()).and_then(|at| digits.split_at_checked(at)).unwrap_or((digits, ""));
    let mut out = String::with_capacity(text.len() * 4 / 3 + 1);
    if text.starts_with('-') {
        out.push('-');
    }
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

fn read_number(text: &str) -> Option<Decimal> {
    let value = Decimal::parse(&text.replace(',', ""))?;
    (!text.contains(',') || number(value) == text).then_some(value)
}

/// A length of time or a size in the largest unit that it is a whole number of.
pub(super) fn measure(of: Measured, value: Decimal) -> String {
    let count = value.to_string().parse::<i64>().ok().filter(|count| *count > 0);
    let whole = count.and_then(|count| {
        let (one, many, size) = units(of).iter().find(|(.., size)| count % size == 0)?;
        Some((count / size, one, many))
    });
    match (whole, units(of).last()) {
        (Some((1, one, _)), _) => format!("1 {one}"),
        (Some((count, _, many)), _) => format!("{} {many}", number(Decimal::whole(count))),
        (None, smallest) => format!("{} {}", number(value), smallest.map_or("", |(_, many, _)| many)),
    }
}

/// Limits, each number shown by `show`.
pub(super) fn limits(range: &Range, show: &dyn Fn(Decimal) -> String) -> String {
    let one = |limit: Limit, inside: &str, outside: &str| {
        format!("{} {}", if limit.inclusive { inside } else { outside }, show(limit.value)).trim_start().to_owned()
    };
    match (range.from, range.to) {
        (None, None) => "any number".to_owned(),
        (Some(from), None) => one(from, "at least", "over"),
        (None, Some(to)) => one(to, "at most", "under"),
        (Some(from), Some(to)) if from == to && from.inclusive => one(from, "exactly", ""),
        (Some(from), Some(to)) => format!("from {} to {}", one(from, "", "over"), one(to, "", "under")),
    }
}

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn named(names: &[&str], what: &str, number: u8) -> String {
    let name = usize::from(number).checked_sub(1).and_then(|at| names.get(at));
    name.map_or_else(|| format!("{what} {number}"), |name| (*name).to_owned())
}

/// One of the times that something happens in.
pub(super) fn time(test: &TimeTest) -> String {
    let mut parts = Vec::new();
    match (test.days.as_slice(), test.days.last()) {
        ([], _) | (_, None) => {}
        ([first, _, _, ..], Some(last)) if test.days.iter().copied().eq(*first..=*last) && (1..=7).contains(last) => {
            parts.push(format!("on {} to {}", named(&DAYS, "day", *first), named(&DAYS, "day", *last)));
        }
        (days, _) => parts.push(format!("on {}", list(days.iter().map(|day| named(&DAYS, "day", *day))))),
    }
    if !test.month_days.is_empty() {
        parts.push(format!("on the {} day of the month", list(test.month_days.iter().copied().map(ordinal))));
    }
    if !test.months.is_empty() {
        parts.push(format!("in {}", list(test.months.iter().map(|month| named(&MONTHS, "month", *month)))));
    }
    match (test.from, test.to) {
        (None, None) => {}
        (Some(from), Some(to)) => parts.push(format!("from {} to {}", clock(from), clock(to))),
        (Some(from), None) => parts.push(format!("from {} on", clock(from))),
        (None, Some(to)) => parts.push(format!("until {}", clock(to))),
    }
    if parts.is_empty() { "at any time".to_owned() } else { parts.join(" ") }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn ordinal(day: u8) -> String {
    match (day, day % 10, day / 10 % 10) {
        (0, ..) => "last".to_owned(),
        (_, _, 1) => format!("{day}th"),
        (_, 1, _) => format!("{day}st"),
        (_, 2, _) => format!("{day}nd"),
        (_, 3, _) => format!("{day}rd"),
        _ => format!("{day}th"),
    }
}

impl Parser<'_> {
    /// Limits, each number read by `one`.
    pub(super) fn limits(
        &mut self,
        one: &mut dyn FnMut(&mut Self) -> Option<Decimal>,
    ) -> Result<Range, CanonicalError> {
        let mut limit = |parser: &mut Self, inclusive| {
            let value = one(parser).ok_or_else(|| parser.failure())?;
            Ok::<_, CanonicalError>(Some(Limit { value, inclusive }))
        };
        if self.words("any number") {
            return Ok(Range::default());
        }
        if self.words("exactly") {
            let value = limit(self, true)?;
            return Ok(Range { from: value, to: value });
        }
        for (word, inclusive) in [("over", false), ("at least", true)] {
            if self.words(word) {
                return Ok(Range { from: limit(self, inclusive)?, to: None });
            }
        }
        for (word, inclusive) in [("under", false), ("at most", true)] {
            if self.words(word) {
                return Ok(Range { from: None, to: limit(self, inclusive)? });
            }
        }
        self.expect("from")?;
        let inclusive = !self.words("over");
        let from = limit(self, inclusive)?;
        self.expect("to")?;
        let inclusive = !self.words("under");
        Ok(Range { from, to: limit(self, inclusive)? })
    }

    /// A number.
    pub(super) fn number(&mut self) -> Option<Decimal> {
        self.word(read_number)
    }

    /// A number with a per cent sign.
    pub(super) fn percent(&mut self) -> Option<Decimal> {
        self.word(|word| word.strip_suffix('%').and_then(read_number))
    }

    /// A length of time or a size with its unit.
    pub(super) fn measure(&mut self, of: Measured) -> Option<Decimal> {
        let value = self.number()?;
        let one = self.word(|word| {
            units(of).iter().find(|(one, many, _)| *one == word || *many == word).map(|(.., size)| *size)
        })?;
        value.times(Decimal::whole(one))
    }

    /// The times that something happens in.
    pub(super) fn times(&mut self) -> Result<Vec<TimeTest>, CanonicalError> {
        if self.words("nothing") {
            return Ok(Vec::new());
        }
        let mut tests = vec![self.time()?];
        while self.marked_words(',', "or") {
            tests.push(self.time()?);
        }
        Ok(tests)
    }

    fn time(&mut self) -> Result<TimeTest, CanonicalError> {
        let mut test = TimeTest::default();
        if self.words("at any time") {
            return Ok(test);
        }
        let mut any = false;
        if !self.ahead("on the") && self.words("on") {
            any = true;
            test.days = self.list(&mut |parser| parser.one_of(&DAYS, "day"))?;
            if let ([first], true) = (test.days.as_slice(), self.words("to")) {
                let last = self.one_of(&DAYS, "day").ok_or_else(|| self.failure())?;
                test.days = (*first..=last).collect();
            }
        }
        if self.words("on the") {
            any = true;
            test.month_days = self.list(&mut |parser| parser.word(read_ordinal))?;
            self.expect("day of the month")?;
        }
        if self.words("in") {
            any = true;
            test.months = self.list(&mut |parser| parser.one_of(&MONTHS, "month"))?;
        }
        if self.words("until") {
            any = true;
            test.to = Some(self.word(read_clock).ok_or_else(|| self.failure())?);
        } else if self.words("from") {
            any = true;
            test.from = Some(self.word(read_clock).ok_or_else(|| self.failure())?);
            if !self.words("on") {
                self.expect("to")?;
                test.to = Some(self.word(read_clock).ok_or_else(|| self.failure())?);
            }
        }
        if any { Ok(test) } else { Err(self.failure()) }
    }

    fn one_of(&mut self, names: &[&str], what: &str) -> Option<u8> {
        if self.words(what) {
            return self.word(|word| word.parse().ok());
        }
        self.word(|word| (1..).zip(names).find(|(_, name)| **name == word).map(|(number, _)| number))
    }
}

fn read_clock(word: &str) -> Option<u16> {
    let (hours, minutes) = word.split_once(':')?;
    let minutes: u16 = minutes.parse().ok()?;
    let minute = hours.parse::<u16>().ok()?.checked_mul(60)?.checked_add(minutes)?;
    (clock(minute) == word).then_some(minute)
}

fn read_ordinal(word: &str) -> Option<u8> {
    let day = word.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().unwrap_or(0);
    (ordinal(day) == word).then_some(day)
}
