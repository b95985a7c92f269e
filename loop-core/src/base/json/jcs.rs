//! The canonical form of RFC 8785, which others sign: member names sorted by UTF-16, numbers as JavaScript writes them.
//!
//! What we bind ourselves goes by [`super::canonical()`], which keeps every digit.

use std::fmt::Write as _;

use super::{
    canonical,
    view::{Doc, Kind, View},
};

/// The canonical form of RFC 8785 of a value. `None` when it holds a number that a double does not keep: two documents
/// that differ must not have one form.
#[must_use]
pub fn jcs(view: View<'_>) -> Option<String> {
    let mut out = String::new();
    append(view, &mut out)?;
    Some(out)
}

/// The same of an object without one of its members.
#[must_use]
pub fn jcs_without(view: View<'_>, member: &str) -> Option<String> {
    let mut out = String::new();
    object(view, Some(member), &mut out)?;
    Some(out)
}

fn append(view: View<'_>, out: &mut String) -> Option<()> {
    match view.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool(true) => out.push_str("true"),
        Kind::Bool(false) => out.push_str("false"),
        Kind::Number(text) => number(text, out)?,
        Kind::String(text) => string(text, out),
        Kind::Array => {
            out.push('[');
            for (at, item) in view.items().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                append(item, out)?;
            }
            out.push(']');
        }
        Kind::Object => object(view, None, out)?,
    }
    Some(())
}

fn object(view: View<'_>, without: Option<&str>, out: &mut String) -> Option<()> {
    let mut members: smallvec::SmallVec<[View<'_>; 16]> =
        view.members().filter(|member| Some(member.key()) != without).collect();
    members.sort_unstable_by(|a, b| a.key().encode_utf16().cmp(b.key().encode_utf16()));
    out.push('{');
    for (at, member) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        string(member.key(), out);
        out.push(':');
        append(member, out)?;
    }
    out.push('}');
    Some(())
}

/// Writes a string as `JSON.stringify` does.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// Writes a number as ECMAScript does; `None` when that is another number than was written.
fn number(text: &str, out: &mut String) -> Option<()> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let written = ecma(value);
    let exact = |text: &str| Some(canonical(Doc::parse(text.as_bytes()).ok()?.root()));
    if exact(text)? != exact(&written)? {
        return None;
    }
    out.push_str(&written);
    Some(())
}

/// `Number::toString` of ECMAScript for a finite number.
fn ecma(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that read back as the same number, and the place of the point behind the first.
    let shortest = format!("{:e}", value.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    let point = exponent.parse::<i32>().unwrap_or(0).saturating_add(1);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at_checked(usize::try_from(at).unwrap_or(0)).unwrap_or((&digits, ""));
    let sign = if value < 0.0 { "-" } else { "" };
    if (count..=21).contains(&point) {
        format!("{sign}{digits}{}", zeros(point.saturating_sub(count)))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(point);
        format!("{sign}{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", zeros(point.saturating_neg()))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point.saturating_sub(1);
        let plus = if exponent < 0 { "" } else { "+" };
        format!("{sign}{first}{dot}{rest}e{plus}{exponent}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ecma, jcs, jcs_without};
    use crate::base::json::Doc;

    fn of(text: &str) -> Option<String> {
        jcs(Doc::parse(text.as_bytes()).unwrap().root())
    }

    #[test]
    fn the_samples_of_the_rfc_come_out_as_printed_there() {
        let sorted = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
            "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let names = [
            "\"\\r\":\"Carriage Return\"",
            "\"1\":\"One\"",
            "\"\u{80}\":\"Control\"",
            "\"\u{f6}\":\"Latin Small Letter O With Diaeresis\"",
            "\"\u{20ac}\":\"Euro Sign\"",
            "\"\u{1f600}\":\"Emoji: Grinning Face\"",
            "\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"",
        ];
        assert_eq!(of(sorted).unwrap(), format!("{{{}}}", names.join(",")));
        let literals = r#"{"numbers":[333333333.3333333,1E30,4.50,2e-3,0.000000000000000000000000001],
            "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let wanted = "{\"literals\":[null,true,false],\
            \"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(of(literals).unwrap(), wanted);
    }

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (bits, wanted) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
        ] {
            assert_eq!(ecma(f64::from_bits(bits)), wanted);
        }
    }

    #[test]
    fn a_number_that_a_double_does_not_keep_has_no_form() {
        for text in ["9007199254740993", "0.1000000000000000055511151231257827", "1e400", "[1,[2,9007199254740993]]"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of("[1.50,0.1,-0]").as_deref(), Some("[1.5,0.1,0]"));
        assert_eq!(of(r#""\u0008\u000c\u001F\u007f""#).as_deref(), Some("\"\\b\\f\\u001f\u{7f}\""));
    }

    #[test]
    fn a_member_is_left_out_at_the_top_only() {
        let doc = Doc::parse(br#"{"signature":"x","b":{"signature":"y"},"a":1}"#).unwrap();
        assert_eq!(jcs_without(doc.root(), "signature").unwrap(), r#"{"a":1,"b":{"signature":"y"}}"#);
    }

    proptest! {
        #[test]
        fn every_double_reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(ecma(value).parse::<f64>().unwrap().to_bits(), (value + 0.0).to_bits());
                prop_assert!(of(&ecma(value)).is_some());
            }
        }
    }
}
