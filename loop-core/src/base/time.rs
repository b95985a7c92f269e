//! Instants, truncated to microseconds, and their one text form.

use std::fmt;

/// An instant in UTC with microsecond precision.
///
/// The text form is RFC 3339 with exactly six fraction digits and `Z`, so it sorts as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Microseconds in one second.
const SECOND: i64 = 1_000_000;

impl Time {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);
    /// Earliest instant with a text form: year 0000.
    const MIN: i64 = -62_167_219_200 * SECOND;
    /// Latest instant with a text form: end of year 9999.
    const MAX: i64 = 253_402_207_200 * SECOND - 1;

    /// An instant from microseconds since the Unix epoch, clamped to the years 0 to 9999.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN {
            Self(Self::MIN)
        } else if micros > Self::MAX {
            Self(Self::MAX)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the Unix epoch, never negative (the form a UUIDv7 carries).
    #[must_use]
    pub const fn unix_millis(self) -> u64 {
        if self.0 <= 0 { 0 } else { self.0.unsigned_abs() / 1_000 }
    }

    /// The instant `seconds` later (or earlier, when negative), clamped to the representable range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(SECOND)))
    }

    /// The instant `micros` later, clamped to the representable range.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant cut to whole milliseconds, towards the past.
    #[must_use]
    pub const fn to_millis(self) -> Self {
        Self::from_micros(self.0.div_euclid(1_000).saturating_mul(1_000))
    }

    /// The same instant for calendar work.
    #[must_use]
    pub fn to_timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }

    /// Reads any RFC 3339 text with an offset or `Z`; finer fractions are cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(Self::from)
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(at: jiff::Timestamp) -> Self {
        Self::from_micros(at.as_microsecond())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.to_timestamp())
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not an RFC 3339 time")))
    }
}

/// The text form with three fraction digits, for fields that say `#[serde(with = "millis")]`. What is written so must
/// have been cut with [`Time::to_millis`] before, or it is read back as another instant.
pub mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Time;

    /// Writes an instant.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(at: &Time, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:.3}", at.to_timestamp()))
    }

    /// Reads an instant.
    ///
    /// # Errors
    /// Text that is no RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        Time::deserialize(from)
    }

    /// The same for an instant that may be missing.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer};

        use super::Time;

        /// Writes an instant or null.
        ///
        /// # Errors
        /// The serializer's.
        pub fn serialize<S: Serializer>(at: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, to),
                None => to.serialize_none(),
            }
        }

        /// Reads an instant or null.
        ///
        /// # Errors
        /// Text that is no RFC 3339 time.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
            Option::deserialize(from)
        }
    }
}

impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn text_form_has_six_digits_and_sorts() {
        let a = Time::from_micros(1_700_000_000_000_000);
        assert_eq!(a.to_string(), "2023-11-14T22:13:20.000000Z");
        assert!(a.plus_micros(1).to_string() > a.to_string());
        assert_eq!(Time::parse(&a.plus_micros(7).to_string()), Some(a.plus_micros(7)));
    }

    #[test]
    fn offsets_are_read_and_finer_fractions_cut() {
        assert_eq!(Time::parse("2023-11-14T23:13:20.0000019+01:00"), Time::parse("2023-11-14T22:13:20.000001Z"));
        assert_eq!(Time::parse("yesterday"), None);
        assert_eq!(Time::parse("2023-11-14T22:13:20"), None);
    }

    #[test]
    fn the_short_form_has_three_digits_and_cuts_towards_the_past() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Two(#[serde(with = "super::millis")] Time, #[serde(with = "super::millis::option")] Option<Time>);
        let at = Time::from_micros(1_700_000_000_123_999).to_millis();
        let text = serde_json::to_string(&Two(at, None)).unwrap();
        assert_eq!(text, r#"["2023-11-14T22:13:20.123Z",null]"#);
        assert_eq!(serde_json::from_str::<Two>(&text).unwrap(), Two(at, None));
        assert_eq!(Time::from_micros(-1).to_millis(), Time::from_micros(-1_000));
    }

    #[test]
    fn arithmetic_clamps_instead_of_wrapping() {
        let far = Time::from_micros(i64::MAX);
        assert_eq!(far.plus_seconds(i64::MAX), far);
        assert!(far.to_string().starts_with("9999-"));
    }
}
