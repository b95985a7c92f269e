//! Numbers of a call: amounts of money, percentages, and how many there are of something.

use super::{
    Fact,
    fact::Counted,
    keys::{self, Roles},
    leaf::{Beside, Leaf},
};
use crate::{
    base::{
        Decimal,
        json::{Kind, View},
    },
    policy::money::{self, Currency, Written},
};

/// Roles of arguments that may be amounts of money.
pub(super) const MONEY: Roles = Roles::AMOUNT.with(Roles::WORTH);

/// Money. Something unreadable where money belongs is a fact too.
#[inline]
pub(super) fn amount(leaf: Leaf<'_, '_>, each: &mut impl FnMut(Fact<'_>)) {
    if !leaf.roles.any(MONEY) {
        return;
    }
    let sure = leaf.roles.any(Roles::AMOUNT);
    let written = match leaf.value.kind() {
        Kind::Number(text) => Decimal::parse(text).map(|value| Written { value, currency: None, percent: false }),
        Kind::String(text) => match money::read(text) {
            Some(written) if written.percent => return,
            written => written,
        },
        Kind::Object | Kind::Array => return,
        Kind::Null | Kind::Bool(_) => None,
    };
    let Some(written) = written else {
        if sure {
            each(Fact::Amount(None, None));
        }
        return;
    };
    let sibling = || leaf.beside.and_then(Beside::currency).and_then(View::as_str).and_then(Currency::parse);
    let own = || if leaf.roles.any(Roles::HOLDS_CURRENCY) { keys::currency(leaf.key) } else { None };
    let currency = written.currency.or_else(own).or_else(sibling);
    let mut value = Some(written.value);
    if leaf.roles.any(Roles::MINOR) {
        value = written.value.shifted(-currency.map_or(2, Currency::minor_digits));
    }
    let each_costs = leaf.roles.any(Roles::UNIT) && !leaf.roles.any(Roles::WHOLE);
    if each_costs
        && let Some(quantity) = leaf.beside.and_then(Beside::quantity)
        && !matches!(quantity.kind(), Kind::Null)
    {
        let quantity = quantity.as_number().or_else(|| quantity.as_str()).and_then(Decimal::parse);
        value = value.zip(quantity).and_then(|(value, quantity)| value.times(quantity));
    }
    // A payment of -5000 is as large as one of 5000.
    each(Fact::Amount(value.map(Decimal::abs), currency));
}

pub(super) fn percent(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    if !leaf.roles.any(Roles::PERCENT) && !leaf.value.as_str().is_some_and(is_percentage) {
        return;
    }
    let value = match leaf.value.kind() {
        Kind::Number(text) => Decimal::parse(text),
        Kind::String(text) => {
            let number = text.split(|c: char| !c.is_ascii_digit() && c != '.').find(|part| !part.is_empty());
            number.and_then(Decimal::parse)
        }
        Kind::Object | Kind::Array => return,
        Kind::Null | Kind::Bool(_) => None,
    };
    // A rate of 0.3 is 30 per cent.
    let fraction = keys::is_rate(leaf.key) && value.is_some_and(|value| value.abs() <= Decimal::whole(1));
    each(Fact::Percent(value.and_then(|value| if fraction { value.shifted(2) } else { Some(value) })));
}

/// `25%`, `10% off`: whatever its argument is called.
fn is_percentage(text: &str) -> bool {
    let number = text.split_once('%').map(|(number, rest)| (number.trim(), rest.trim()));
    number.is_some_and(|(number, rest)| Decimal::parse(number).is_some() && matches!(rest, "" | "off" | "discount"))
}

pub(super) fn count(leaf: Leaf<'_, '_>, each: &mut dyn FnMut(Fact<'_>)) {
    let of = if leaf.roles.any(Roles::RECIPIENT) { Counted::Recipients } else { Counted::Items };
    let mut tell = |number, plain| each(Fact::Count { of, number, key: leaf.key, plain });
    let counts = leaf.roles.any(Roles::COUNT);
    // `pages: 400` counts pages, `subscribers: 90000` those who receive it.
    let names = !counts && leaf.roles.any(Roles::NAMES_MANY);
    let plain = counts || of == Counted::Recipients;
    match leaf.value.kind() {
        Kind::Array => {
            tell(length(leaf.value), true);
            if let Some((key, sum)) = ordered(leaf.value) {
                each(Fact::Count { of: Counted::Items, number: sum, key, plain: true });
            }
        }
        Kind::Number(text) if counts || names => {
            let number = || Decimal::parse(text).filter(|number| !number.is_negative()).map_or(u64::MAX, whole);
            tell(if is_number(text) { text.parse().unwrap_or(u64::MAX) } else { number() }, plain);
        }
        Kind::String(text) if (counts || names) && text.starts_with(|c: char| c.is_ascii_digit()) => {
            if let Some(written) = money::read(text).filter(|written| !written.percent && written.currency.is_none()) {
                tell(whole(written.value), plain);
            }
        }
        Kind::String(text) if of == Counted::Recipients && leaf.member => {
            let number = text.split([',', ';']).filter(|part| !part.trim().is_empty()).count();
            tell(number as u64, true);
        }
        Kind::String(text) if leaf.roles.any(Roles::SHELL) => flags(text, each),
        _ => {}
    }
}

/// How many the lines of a list order together: the sum of their quantities, under the name of the first.
fn ordered<'a>(list: View<'a>) -> Option<(&'a str, u64)> {
    let mut sum: Option<(&str, u64)> = None;
    for line in list.items().filter(|line| matches!(line.kind(), Kind::Object)) {
        let quantity = line.members().find(|member| keys::roles(member.key()).any(Roles::QUANTITY));
        let number =
            quantity.and_then(|member| member.as_number().or_else(|| member.as_str()).map(|text| (member.key(), text)));
        let Some((key, number)) = number else { continue };
        let number = Decimal::parse(number).filter(|number| !number.is_negative()).map_or(u64::MAX, whole);
        sum = Some(sum.map_or((key, number), |(key, before)| (key, before.saturating_add(number))));
    }
    sum
}

/// The most flags of a command that are read.
const FLAGS_MAX: usize = 64;

/// Numbers that flags of a command give: `--replicas=5`, `--max-instances 8`.
fn flags(text: &str, each: &mut dyn FnMut(Fact<'_>)) {
    let mut before = "";
    for word in text.split_whitespace().filter(|word| word.starts_with("--") || is_number(word)).take(FLAGS_MAX) {
        let (flag, value) = word.split_once('=').unwrap_or((before, word));
        let flag = flag.trim_start_matches('-');
        before = word;
        let counts = keys::roles(flag).any(Roles::COUNT);
        if flag.is_empty() || !is_number(value) || !(counts || is_plural(flag)) {
            continue;
        }
        let number = Decimal::parse(value).map_or(u64::MAX, whole);
        each(Fact::Count { of: Counted::Items, number, key: flag, plain: counts });
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a name's last word is a plural.
pub(super) fn is_plural(name: &str) -> bool {
    let word = name.rsplit(['_', '-', '.', ' ']).next().unwrap_or_default();
    let ends = |end: &str| word.ends_with(end);
    word.len() > 3 && ends("s") && !ends("ss") && !ends("us") && !ends("is")
}

fn length(array: View<'_>) -> u64 {
    array.len() as u64
}

/// The whole part, rounded up, at most `u64::MAX`.
fn whole(number: Decimal) -> u64 {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    whole.parse::<u64>().map_or(u64::MAX, |whole| whole.saturating_add(u64::from(!fraction.is_empty())))
}
