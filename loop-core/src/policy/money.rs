//! Amounts of money as people and programs write them.

use std::fmt;

use smallvec::SmallVec;

use crate::base::Decimal;

/// A currency by its ISO 4217 letters, upper case. Letters that ISO does not list are kept: they differ from
/// every currency that a rule names, which tightens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Symbols and words for currencies. A bare `$` means US dollars.
const NAMES: &[(&str, Currency)] = &[
    ("£", Currency(*b"GBP")),
    ("pound", Currency(*b"GBP")),
    ("pounds", Currency(*b"GBP")),
    ("quid", Currency(*b"GBP")),
    ("sterling", Currency(*b"GBP")),
    ("€", Currency(*b"EUR")),
    ("euro", Currency(*b"EUR")),
    ("euros", Currency(*b"EUR")),
    ("$", Currency(*b"USD")),
    ("us$", Currency(*b"USD")),
    ("dollar", Currency(*b"USD")),
    ("dollars", Currency(*b"USD")),
    ("bucks", Currency(*b"USD")),
    ("a$", Currency(*b"AUD")),
    ("au$", Currency(*b"AUD")),
    ("c$", Currency(*b"CAD")),
    ("ca$", Currency(*b"CAD")),
    ("¥", Currency(*b"JPY")),
    ("yen", Currency(*b"JPY")),
    ("₹", Currency(*b"INR")),
    ("rupee", Currency(*b"INR")),
    ("rupees", Currency(*b"INR")),
    ("₩", Currency(*b"KRW")),
    ("₽", Currency(*b"RUB")),
    ("franc", Currency(*b"CHF")),
    ("francs", Currency(*b"CHF")),
    ("krona", Currency(*b"SEK")),
];

/// Codes that stand for currencies when they are written in lower case or glued to a number; any three capitals
/// are taken as a code where a currency is expected.
const CODES: &[&str] = &[
    "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN",
    "INR", "CNY", "HKD", "SGD", "KRW", "BRL", "MXN", "ZAR", "TRY", "ILS", "AED", "SAR", "THB", "IDR", "MYR", "PHP",
    "VND", "UAH", "RUB", "ARS", "CLP", "COP", "NGN", "KES", "EGP",
];

impl Currency {
    /// Reads an ISO code in any case, a symbol or an English name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let capitals = |text: &str| {
            let code = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
            code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
        };
        if let Some(code) = capitals(text) {
            return Some(code);
        }
        let text = text.trim();
        if let Some(code) = capitals(text) {
            return Some(code);
        }
        if let Some((_, currency)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Some(*currency);
        }
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_alphabetic).then(|| Self(code.map(|byte| byte.to_ascii_uppercase())))
    }

    /// As [`Currency::parse`], but of three letters only the well-known codes.
    #[must_use]
    pub fn known(text: &str) -> Option<Self> {
        let letters = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if letters && !CODES.iter().any(|code| code.eq_ignore_ascii_case(text)) && text != "yen" {
            return None;
        }
        Self::parse(text)
    }

    /// The ISO letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How amounts in this currency are shown: `£`, `$`, `€`, or the code and a space.
    #[must_use]
    pub fn prefix(self) -> String {
        match &self.0 {
            b"GBP" => "£".into(),
            b"USD" => "$".into(),
            b"EUR" => "€".into(),
            _ => format!("{} ", self.as_str()),
        }
    }

    /// How many minor units make one: as a power of ten.
    #[must_use]
    pub const fn minor_digits(self) -> i32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" | b"CLP" => 0,
            b"KWD" | b"BHD" | b"JOD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not a currency")))
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Z]{3}$"})
    }
}

/// The power of ten that a suffix or word multiplies by.
#[must_use]
pub fn multiplier(word: &str) -> Option<i32> {
    const POWERS: &[(&str, i32)] = &[
        ("hundred", 2),
        ("k", 3),
        ("thousand", 3),
        ("grand", 3),
        ("m", 6),
        ("mm", 6),
        ("mn", 6),
        ("mio", 6),
        ("million", 6),
        ("b", 9),
        ("bn", 9),
        ("billion", 9),
    ];
    POWERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, power)| *power)
}

/// A number as it stands in text, with its currency where one is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The value in major units.
    pub value: Decimal,
    /// The currency.
    pub currency: Option<Currency>,
    /// It was followed by a per cent sign.
    pub percent: bool,
}

/// The longest text read as an amount, in bytes.
const TEXT_MAX: usize = 64;

/// Reads a whole text as one number: `5000`, `£142,000`, `$4,999.99`, `5,200 USD`, `usd 9.8k`, `1.250,00 €`, `12%`.
/// `None` when anything else stands in it or when it can be read in two ways (`1.250`).
#[must_use]
pub fn read(text: &str) -> Option<Written> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_MAX {
        return None;
    }
    let digit = |c: char| c.is_ascii_digit();
    let from = text.find(digit)?;
    let from = if text.get(..from)?.ends_with('.') { from - 1 } else { from };
    let to = text.rfind(digit)? + 1;
    let (before, core, after) = (text.get(..from)?, text.get(from..to)?, text.get(to..)?);
    let mut currency = None;
    let mut negative = false;
    let mut rest = before.trim();
    if let Some(cut) = rest
        .strip_prefix('-')
        .or_else(|| rest.strip_suffix('-').filter(|symbol| !symbol.ends_with(char::is_alphabetic)))
    {
        (negative, rest) = (true, cut.trim());
    }
    if !rest.is_empty() {
        currency = Some(Currency::parse(rest)?);
    }
    let mut power = 0;
    let mut percent = false;
    let mut rest = after.trim();
    if !rest.is_empty() {
        if rest == "%" {
            (percent, rest) = (true, "");
        }
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(letters)?;
        if let Some(found) = multiplier(word) {
            (power, rest) = (found, tail.trim());
        }
        if !rest.is_empty() {
            let named = Currency::parse(rest)?;
            if currency.is_some_and(|other| other != named && other.as_str() != "USD") {
                return None;
            }
            currency = Some(named);
        }
    }
    let value = grouped(core)?.shifted(power)?;
    let value = if negative { Decimal::ZERO.plus(value.times(Decimal::whole(-1))?)? } else { value };
    Some(Written { value, currency, percent })
}

/// Reads digits with separators. The last separator is the decimal point, unless it groups three digits.
fn grouped(core: &str) -> Option<Decimal> {
    let mut plain: SmallVec<[u8; TEXT_MAX]> = SmallVec::new();
    let commas = core.matches(',').count();
    let points = core.matches('.').count();
    let decimal = match (commas, points) {
        (0, 0) => None,
        (0, 1) => Some('.'),
        (1, 0) => (core.split(',').next_back().map(str::len) != Some(3)).then_some(','),
        (_, 0) | (0, _) => None,
        _ if core.rfind('.') > core.rfind(',') => (points == 1).then_some('.'),
        _ if commas == 1 => Some(','),
        _ => return None,
    };
    let (whole, fraction) = match decimal {
        Some(point) => core.rsplit_once(point)?,
        None => (core, ""),
    };
    for (at, group) in whole.split([',', '.', '\'', '\u{a0}', '\u{202f}', ' ']).enumerate() {
        if (at > 0 && group.len() != 3) || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        plain.extend_from_slice(group.as_bytes());
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // `1.250` is one and a quarter here and twelve hundred and fifty there.
    if decimal == Some('.') && commas == 0 && fraction.len() == 3 && (1..=3).contains(&whole.len()) && whole != "0" {
        return None;
    }
    if decimal.is_some() {
        plain.push(b'.');
        plain.extend_from_slice(fraction.as_bytes());
    }
    Decimal::parse(std::str::from_utf8(&plain).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Currency, read};
    use crate::base::Decimal;

    #[test]
    fn reads_amounts_as_they_are_written() {
        for (text, value, currency) in [
            ("5000", "5000", None),
            ("£142,000", "142000", Some("GBP")),
            ("$4,999.99", "4999.99", Some("USD")),
            ("5,200 USD", "5200", Some("USD")),
            ("usd 9.8k", "9800", Some("USD")),
            ("12.4k EUR", "12400", Some("EUR")),
            ("€10.000,00", "10000", Some("EUR")),
            ("1.5 million", "1500000", None),
            ("- £20", "-20", Some("GBP")),
            ("A$ 12", "12", Some("AUD")),
            ("$12 CAD", "12", Some("CAD")),
            (".5", "0.5", None),
        ] {
            let written = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(written.value, Decimal::parse(value).unwrap(), "{text}");
            assert_eq!(written.currency, currency.and_then(Currency::parse), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_one_clear_amount() {
        for text in ["", "x", "INV-9921", "1.250", "12,34,5", "10 apples", "£10 or €20", "1..2", "NaN", "£5 EUR"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(read("20%").is_some_and(|written| written.percent));
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,70}") {
            let _ = read(&text);
        }
    }
}
