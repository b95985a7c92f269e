//! Numbers, in figures and words, with their currency: `five thousand dollars`, `10 k`, `USD 500`.

use super::{Kind, Token};
use crate::{
    base::Decimal,
    policy::money::{self, Currency},
};

/// Words for numbers.
const NUMBERS: &[(&str, i64)] = &[
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("thirteen", 13),
    ("fourteen", 14),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("hundred", 100),
    ("thousand", 1000),
    ("dozen", 12),
];

/// Joins `five thousand dollars`, `10 k`, `USD 500`, `20 per cent` into one piece each.
pub(super) fn join_numbers(tokens: &[Token]) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        let article = matches!(token.word.as_str(), "a" | "an" | "half" | "quarter");
        let scaled = article && counts_on(token, &tokens);
        let Some(mut value) = number_of(token).or(scaled.then_some(Decimal::ZERO)) else {
            joined.push(token.clone());
            continue;
        };
        let mut raw = token.raw.clone();
        let mut currency = if let Kind::Money(_, currency) = token.kind { Some(currency) } else { None };
        let mut percent = matches!(token.kind, Kind::Percent(_));
        let spelt = token.kind == Kind::Word;
        if matches!(token.word.as_str(), "a" | "an") {
            // `a hundred`, `a dozen`: the article counts only before such a word.
            value = Decimal::whole(1);
        }
        if matches!(token.word.as_str(), "half" | "quarter") {
            let part = if token.word == "half" { "0.5" } else { "0.25" };
            value = Decimal::parse(part).unwrap_or(Decimal::ZERO);
            while tokens.peek().is_some_and(|next| matches!(next.word.as_str(), "a" | "of")) {
                raw.push_str(" a");
                tokens.next();
            }
        }
        // `25 000`
        let figures = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let mut grouped = figures(&token.raw) && token.raw.len() <= 3;
        while grouped && let Some(next) = tokens.next_if(|next| next.raw.len() == 3 && figures(&next.raw)) {
            let thousands = value.shifted(3);
            let more = Decimal::parse(&next.raw);
            match thousands.zip(more).and_then(|(thousands, more)| thousands.plus(more)) {
                Some(sum) => value = sum,
                None => grouped = false,
            }
            raw = format!("{raw} {}", next.raw);
        }
        while let Some(next) = tokens.clone().next().filter(|next| next.kind == Kind::Word) {
            let word = next.word.as_str();
            if word == "dozen" {
                value = value.times(Decimal::whole(12)).unwrap_or(value);
            } else if let Some(power) = money::multiplier(word).and_then(|power| value.shifted(power)) {
                value = power;
            } else if spelt && word == "and" && ahead_small(&tokens) {
                // `two hundred and fifty`
            } else if spelt && let Some(more) = small(word).and_then(|more| value.plus(Decimal::whole(more))) {
                value = more;
            } else if word == "percent" || word == "per_cent" {
                percent = true;
            } else if word == "per" {
                break;
            } else if let Some(found) = Currency::known(word).filter(|_| currency.is_none()) {
                currency = Some(found);
            } else {
                break;
            }
            raw = format!("{raw} {}", next.raw);
            tokens.next();
        }
        // `USD 500`
        if currency.is_none()
            && let Some(before) = joined.last().filter(|before| before.kind == Kind::Word && before.raw.len() == 3)
            && let Some(found) = Currency::known(&before.word)
        {
            currency = Some(found);
            joined.pop();
        }
        let kind = match currency {
            _ if percent => Kind::Percent(value),
            Some(currency) => Kind::Money(value, currency),
            None => Kind::Number(value),
        };
        joined.push(Token::new(kind, &raw, raw.to_lowercase(), false));
    }
    joined
}

type Ahead<'a> = std::iter::Peekable<std::slice::Iter<'a, Token>>;

/// Whether a small number in words stands behind the `and` that comes next.
fn ahead_small(tokens: &Ahead<'_>) -> bool {
    let mut ahead = tokens.clone();
    ahead.next();
    ahead.next().is_some_and(|next| next.kind == Kind::Word && small(&next.word).is_some_and(|number| number < 100))
}

/// Whether `a`, `half` begins a number: `a hundred`, `a dozen`, `half a million`.
fn counts_on(token: &Token, tokens: &Ahead<'_>) -> bool {
    let mut ahead = tokens.clone().filter(|next| !matches!(next.word.as_str(), "a" | "of"));
    let Some(next) = ahead.next().filter(|next| next.kind == Kind::Word) else { return false };
    let scale = matches!(next.word.as_str(), "hundred" | "thousand" | "million" | "billion" | "dozen" | "grand");
    scale && matches!(token.word.as_str(), "half" | "quarter" | "a" | "an")
}

fn number_of(token: &Token) -> Option<Decimal> {
    match token.kind {
        Kind::Number(value) | Kind::Money(value, _) | Kind::Percent(value) => Some(value),
        Kind::Word => small(&token.word).map(Decimal::whole),
        _ => None,
    }
}

fn small(word: &str) -> Option<i64> {
    NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}
