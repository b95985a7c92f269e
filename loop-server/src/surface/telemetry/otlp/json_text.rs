//! The values of protocol buffers as JSON spells them: texts, ids in hex, 64-bit integers as text or number, doubles that may be
//! `"NaN"`.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text, lent by the body where nothing in it is escaped; empty for `null`.
#[derive(Default)]
pub(super) struct Text<'b>(pub(super) Cow<'b, str>);

/// An id in hex, in either case.
pub(super) struct Id<const N: usize> {
    /// `None` when the text is not hex of this length.
    bytes: Option<[u8; N]>,
    empty: bool,
}

/// An integer of 64 bits; `None` for a number or text that is none.
pub(super) struct Integer(Option<i128>);

/// A number that may be infinite or none.
pub(super) struct Double(pub(super) f64);

/// A truth value.
pub(super) struct Bool(pub(super) bool);

impl<const N: usize> Id<N> {
    /// The id, if it is one.
    pub(super) const fn filled(self) -> Option<[u8; N]> {
        self.bytes
    }

    /// The id, or zeros when there is none.
    pub(super) fn or_zeros(self) -> Option<[u8; N]> {
        if self.empty { Some([0; N]) } else { self.bytes }
    }
}

impl Integer {
    pub(super) fn unsigned(&self) -> Option<u64> {
        u64::try_from(self.0?).ok()
    }

    pub(super) fn signed(&self) -> Option<i64> {
        i64::try_from(self.0?).ok()
    }
}

struct TextVisitor;

impl<'b> Visitor<'b> for TextVisitor {
    type Value = Text<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'b str) -> Result<Text<'b>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'b>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Text<'b>, E> {
        Ok(Text::default())
    }
}

impl<'b> Deserialize<'b> for Text<'b> {
    fn deserialize<D: Deserializer<'b>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(TextVisitor)
    }
}

struct IdVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for IdVisitor<N> {
    type Value = Id<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id in hex")
    }

    fn visit_str<E>(self, text: &str) -> Result<Id<N>, E> {
        Ok(Id { bytes: hex(text), empty: text.is_empty() })
    }

    fn visit_unit<E>(self) -> Result<Id<N>, E> {
        Ok(Id { bytes: None, empty: true })
    }
}

impl<'b, const N: usize> Deserialize<'b> for Id<N> {
    fn deserialize<D: Deserializer<'b>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(IdVisitor)
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer, as a number or a string")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Integer, E> {
        Ok(Integer(Some(number.into())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Integer, E> {
        Ok(Integer(Some(number.into())))
    }

    /// Some clients write whole numbers with an exponent.
    fn visit_f64<E>(self, number: f64) -> Result<Integer, E> {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and within the bounds asked for")]
        let whole = (number.fract() == 0.0 && number.abs() < 2e19).then_some(number as i128);
        Ok(Integer(whole))
    }

    /// Digits beyond what fits are a number that no field holds; a word is no number at all.
    fn visit_str<E: Error>(self, text: &str) -> Result<Integer, E> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(E::custom("an integer is no number"));
        }
        Ok(Integer(if text.len() <= 20 { text.parse().ok() } else { None }))
    }

    fn visit_unit<E>(self) -> Result<Integer, E> {
        Ok(Integer(Some(0)))
    }
}

impl<'b> Deserialize<'b> for Integer {
    fn deserialize<D: Deserializer<'b>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(IntegerVisitor)
    }
}

struct DoubleVisitor;

impl Visitor<'_> for DoubleVisitor {
    type Value = Double;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a string that is one")
    }

    fn visit_f64<E>(self, number: f64) -> Result<Double, E> {
        Ok(Double(number))
    }

    #[expect(clippy::cast_precision_loss, reason = "a double has no more")]
    fn visit_u64<E>(self, number: u64) -> Result<Double, E> {
        Ok(Double(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "a double has no more")]
    fn visit_i64<E>(self, number: i64) -> Result<Double, E> {
        Ok(Double(number as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
        match text {
            "NaN" => Ok(Double(f64::NAN)),
            "Infinity" => Ok(Double(f64::INFINITY)),
            "-Infinity" => Ok(Double(f64::NEG_INFINITY)),
            _ if text.len() <= 400 => text.parse().map(Double).map_err(|_| E::custom("a `doubleValue` is no number")),
            _ => Err(E::custom("a `doubleValue` is no number")),
        }
    }
}

impl<'b> Deserialize<'b> for Double {
    fn deserialize<D: Deserializer<'b>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(DoubleVisitor)
    }
}

impl<'b> Deserialize<'b> for Bool {
    fn deserialize<D: Deserializer<'b>>(reader: D) -> Result<Self, D::Error> {
        bool::deserialize(reader).map(Self)
    }
}
