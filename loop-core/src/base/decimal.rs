//! Exact decimal numbers: amounts are compared by what was written, never through binary floating point.

use std::{cmp::Ordering, fmt};

/// A decimal number `digits · 10^exponent`. Two spellings of one value are equal (`1`, `1.0`, `1e0`).
#[derive(Clone, Copy)]
pub struct Decimal {
    digits: i128,
    exponent: i32,
}

/// The most digits behind the point, and in front of it, that the text form spells out; beyond it an exponent is
/// written.
const SPELT_MAX: i32 = 36;

impl Decimal {
    /// Nothing at all.
    pub const ZERO: Self = Self { digits: 0, exponent: 0 };

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i64) -> Self {
        Self { digits: number as i128, exponent: 0 }
    }

    /// Reads `[+-]digits[.digits][e[+-]digits]`; a digit must stand before or behind the point. `None` for
    /// anything else (NaN and infinity among it), for more than 38 significant digits and for exponents of more
    /// than five digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        plain(text).map(Self::whole).or_else(|| Self::parse_any(text))
    }

    fn parse_any(text: &str) -> Option<Self> {
        let mut bytes = text.bytes().peekable();
        let negative = match bytes.peek() {
            Some(b'-') => bytes.next().is_some(),
            Some(b'+') => bytes.next().is_none(),
            _ => false,
        };
        let (mut digits, mut exponent, mut any, mut point) = (0_i128, 0_i32, false, false);
        while let Some(byte) = bytes.peek().copied() {
            match byte {
                b'0'..=b'9' => {
                    let digit = byte - b'0';
                    // Almost every number fits 64 bits, where this is many times faster.
                    digits = match i64::try_from(digits) {
                        Ok(few) if few < i64::MAX / 10 - 1 => i128::from(few * 10 + i64::from(digit)),
                        _ => digits.checked_mul(10)?.checked_add(i128::from(digit))?,
                    };
                    any = true;
                    exponent -= i32::from(point);
                }
                b'.' if !point => point = true,
                b'e' | b'E' if any => break,
                _ => return None,
            }
            bytes.next();
        }
        if !any {
            return None;
        }
        if bytes.next().is_some() {
            let sign = match bytes.peek() {
                Some(b'-') => bytes.next().map_or(-1, |_| -1),
                Some(b'+') => bytes.next().map_or(1, |_| 1),
                _ => 1,
            };
            let mut power = None;
            for byte in bytes {
                if !byte.is_ascii_digit() {
                    return None;
                }
                let next = power.unwrap_or(0) * 10 + i32::from(byte - b'0');
                power = (next < 100_000).then_some(next);
                power?;
            }
            exponent = exponent.checked_add(sign * power?)?;
        }
        Some(Self { digits: if negative { -digits } else { digits }, exponent })
    }

    /// The number times `10^power`; `None` when the exponent leaves its range.
    #[must_use]
    pub fn shifted(self, power: i32) -> Option<Self> {
        Some(Self { digits: self.digits, exponent: self.exponent.checked_add(power)? })
    }

    /// The exact product; `None` when it has too many digits.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self { digits, exponent: self.exponent.checked_add(other.exponent)? })
    }

    /// The exact sum; `None` when it has too many digits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let digits = high.digits_at(low.exponent)?.checked_add(low.digits)?;
        Some(Self { digits, exponent: low.exponent })
    }

    /// Whether the number is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// Without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self { digits: self.digits.saturating_abs(), exponent: self.exponent }
    }

    /// The digits that express the same value with a smaller exponent, when they fit.
    fn digits_at(self, exponent: i32) -> Option<i128> {
        if self.exponent == exponent || self.digits == 0 {
            return Some(self.digits);
        }
        let zeros = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(zeros)?)
    }

    /// Without trailing zeros in the digits.
    fn reduced(mut self) -> Self {
        if self.digits == 0 {
            return Self::ZERO;
        }
        loop {
            // Almost every number fits 64 bits, where this is many times faster.
            let (tenth, rest) = match i64::try_from(self.digits) {
                Ok(few) => (i128::from(few / 10), few % 10 != 0),
                Err(_) => (self.digits / 10, self.digits % 10 != 0),
            };
            if rest {
                return self;
            }
            self.digits = tenth;
            self.exponent = self.exponent.saturating_add(1);
        }
    }
}

/// Reads digits alone, as long as they fit: almost every number is such a one.
#[inline]
fn plain(text: &str) -> Option<i64> {
    if !(1..=18).contains(&text.len()) {
        return None;
    }
    text.bytes().try_fold(0_i64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number.wrapping_mul(10).wrapping_add(i64::from(digit)))
    })
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.exponent == other.exponent {
            return self.digits.cmp(&other.digits);
        }
        if self.digits.signum() != other.digits.signum() {
            return self.digits.signum().cmp(&other.digits.signum());
        }
        let swapped = self.exponent < other.exponent;
        let (high, low) = if swapped { (other, self) } else { (self, other) };
        // What does not fit once scaled is larger in size than anything that does.
        let order = match high.digits_at(low.exponent) {
            Some(digits) => digits.cmp(&low.digits),
            None if high.digits < 0 => Ordering::Less,
            None => Ordering::Greater,
        };
        if swapped { order.reverse() } else { order }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { digits, exponent } = self.reduced();
        let sign = if digits < 0 { "-" } else { "" };
        let text = digits.unsigned_abs().to_string();
        let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
        if exponent < -SPELT_MAX || (exponent > 0 && length.saturating_add(exponent) > SPELT_MAX) {
            return write!(f, "{sign}{text}e{exponent}");
        }
        if exponent >= 0 {
            let zeros = usize::try_from(exponent).unwrap_or(0);
            return write!(f, "{sign}{text}{:0<zeros$}", "");
        }
        let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
        match text.len().checked_sub(places).and_then(|at| text.split_at_checked(at)) {
            Some((whole, fraction)) => {
                f.write_str(sign)?;
                f.write_str(if whole.is_empty() { "0" } else { whole })?;
                f.write_str(".")?;
                f.write_str(fraction)
            }
            None => write!(f, "{sign}0.{text:0>places$}"),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not a decimal number")))
    }
}

impl schemars::JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?(e-?[0-9]+)?$"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Decimal;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn compares_exactly_what_floats_would_mix_up() {
        assert!(of("9007199254740993") > of("9007199254740992"));
        assert!(of("0.1") < of("0.1000000000000000055511151231257827"));
        assert!(of("1000.01") > of("1000"));
        assert_eq!(of("1e3"), of("1000.00"));
        assert_eq!(of("-0"), of("0.00"));
        assert!(of("-2") < of("-1.5"));
        assert!(of("1e400") > of("99999999999999999999999999999999999999"));
        assert!(of("-1e400") < of("1e-400"));
        assert!(of("0") < of("1e-99999"));
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in ["", "-", ".", "e5", "NaN", "inf", "1e", "1e+", "1.2.3", "1,000", " 1", "0x10", "1e123456"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(39)), None);
        assert_eq!(of(".5"), of("0.5"));
        assert_eq!(of("+5."), of("5"));
    }

    #[test]
    fn prints_plainly() {
        for (text, plain) in [("1e3", "1000"), ("0.50", "0.5"), ("-1.25", "-1.25"), ("5e-3", "0.005"), ("0e9", "0")] {
            assert_eq!(of(text).to_string(), plain);
        }
        assert_eq!(of("1e400").to_string(), "1e400");
    }

    #[test]
    fn arithmetic_is_exact_or_nothing() {
        assert_eq!(of("45").times(of("4")), Some(of("180")));
        assert_eq!(of("0.1").plus(of("0.2")), Some(of("0.3")));
        assert_eq!(of("612000").shifted(-2), Some(of("6120")));
        assert_eq!(
            of("1e20").times(of("99999999999999999999999999999999999999")),
            Some(of("99999999999999999999999999999999999999e20"))
        );
        assert_eq!(of("1e99999").plus(of("1")), None);
    }

    proptest! {
        #[test]
        fn digits_alone_read_as_any_number_does(text in "[+-]?[0-9]{0,20}") {
            let any = Decimal::parse_any(&text).map(|number| (number.digits, number.exponent));
            prop_assert_eq!(Decimal::parse(&text).map(|number| (number.digits, number.exponent)), any);
        }

        #[test]
        fn orders_like_integers_over_a_common_scale(a in -1_000_000_i64..1_000_000, b in -1_000_000_i64..1_000_000, s in 0_i32..6, t in 0_i32..6) {
            let left = Decimal::whole(a).shifted(-s).unwrap();
            let right = Decimal::whole(b).shifted(-t).unwrap();
            let scaled = |n: i64, s: i32| i128::from(n) * 10_i128.pow(6 - s.unsigned_abs());
            prop_assert_eq!(left.cmp(&right), scaled(a, s).cmp(&scaled(b, t)));
        }

        #[test]
        fn text_comes_back(digits in any::<i64>(), exponent in -50_i32..50) {
            let number = Decimal::whole(digits).shifted(exponent).unwrap();
            prop_assert_eq!(Decimal::parse(&number.to_string()), Some(number));
        }
    }
}
