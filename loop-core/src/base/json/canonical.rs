//! The canonical form: two documents have the same one exactly when they mean the same call.
//!
//! Objects are sorted by key bytes, numbers are written as their exact decimal value (`1`, `1.0` and `1e0` are
//! one number, 2^53 and 2^53+1 are two), strings keep their code points as they are (no normalisation).

use super::view::{Kind, View};
use super::write::write_string;

/// The canonical form of a value.
#[must_use]
pub fn canonical(view: View<'_>) -> String {
    let mut out = String::new();
    canonical_into(view, &mut out);
    out
}

/// Appends the canonical form of a value.
pub fn canonical_into(view: View<'_>, out: &mut String) {
    match view.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool(true) => out.push_str("true"),
        Kind::Bool(false) => out.push_str("false"),
        Kind::Number(text) => number(text, out),
        Kind::String(text) => write_string(text, out),
        Kind::Array => {
            out.push('[');
            for (at, item) in view.items().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical_into(item, out);
            }
            out.push(']');
        }
        Kind::Object => {
            let mut members: smallvec::SmallVec<[View<'_>; 16]> = view.members().collect();
            members.sort_unstable_by_key(|member| member.key());
            out.push('{');
            for (at, member) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(member.key(), out);
                out.push(':');
                canonical_into(member, out);
            }
            out.push('}');
        }
    }
}

/// Writes `[-]digits[e exponent]` with neither leading nor trailing zeros in the digits; zero is `0`.
fn number(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // The reader bounds exponents to five digits and numbers to 128 characters: no overflow.
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().unwrap_or(i64::MAX);
    let digits: smallvec::SmallVec<[u8; 64]> =
        whole.bytes().chain(fraction.bytes()).skip_while(|byte| *byte == b'0').collect();
    let zeros = digits.iter().rev().take_while(|byte| **byte == b'0').count();
    let kept = digits.len() - zeros;
    if kept == 0 {
        out.push('0');
        return;
    }
    if negative {
        out.push('-');
    }
    out.extend(digits.iter().take(kept).map(|byte| char::from(*byte)));
    let exponent = exponent.saturating_sub(fraction.len() as i64).saturating_add(zeros as i64);
    if exponent != 0 {
        let _ = write!(out, "e{exponent}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::canonical;
    use crate::base::json::Doc;

    fn of(text: &str) -> String {
        canonical(Doc::parse(text.as_bytes()).unwrap().root())
    }

    #[test]
    fn numbers_are_compared_by_exact_value() {
        for (a, b) in [
            ("1", "1.0"),
            ("1", "1e0"),
            ("100", "1E+2"),
            ("-0", "0"),
            ("0.0e5", "0"),
            ("1200", "1.2e3"),
            ("0.5", "5e-1"),
        ] {
            assert_eq!(of(a), of(b), "{a} and {b}");
        }
        for (a, b) in [
            ("9007199254740992", "9007199254740993"),
            ("0.1", "0.1000000000000000055511151231257827"),
            ("1", "-1"),
            ("1", "\"1\""),
            ("1e400", "1e401"),
        ] {
            assert_ne!(of(a), of(b), "{a} and {b}");
        }
    }

    #[test]
    fn key_order_is_nothing_and_every_character_is_something() {
        assert_eq!(of(r#"{"b":[1,2],"a":{"d":1,"c":2}}"#), of(r#"{"a":{"c":2,"d":1.0},"b":[1e0,2]}"#));
        assert_ne!(of(r#"{"a":[1,2]}"#), of(r#"{"a":[2,1]}"#));
        assert_ne!(of(r#"{"to":"acme"}"#), of("{\"to\":\"\u{430}cme\"}"));
        assert_ne!(of("\"é\""), of("\"e\u{301}\""));
        assert_ne!(of(r#"{"a":null}"#), of("{}"));
        assert_eq!(of(r#""\u0041""#), of(r#""A""#));
    }

    proptest! {
        #[test]
        fn is_stable(text in "[ -~é😀]{0,20}", number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let value = serde_json::json!({ "t": text, "n": number });
            let once = of(&value.to_string());
            prop_assert_eq!(of(&once), once);
        }
    }
}
