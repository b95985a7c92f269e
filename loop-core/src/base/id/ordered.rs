//! Short ids in the form of a cuid2 that sort by the time they were drawn: one letter for what it names, ten digits to
//! base 36 of the microseconds since the epoch, thirteen random ones.

use crate::base::{Seed, Time};

/// How many characters an id of this form has.
pub const LEN: usize = 24;
/// The longest id of any kind, those that the program itself names included.
pub const MAX: usize = 48;
/// How many of them tell the time: enough until the year 2085.
const TIME_DIGITS: usize = 10;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The text of an id. Bytes past its end are zero, so comparing all of them is comparing texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    bytes: [u8; MAX],
    len: u8,
}

impl Word {
    /// A fresh id that begins with `letter` and sorts after every id of its kind drawn in an earlier microsecond.
    #[must_use]
    pub fn draw(letter: &str, now: Time, seed: &mut Seed) -> Self {
        let mut bytes = [0; MAX];
        let mut rest = now.as_micros().max(0).unsigned_abs();
        let (time, random) = bytes.split_at_mut(TIME_DIGITS + 1);
        for place in time.iter_mut().rev() {
            *place = digit(rest % 36);
            rest /= 36;
        }
        time.iter_mut().zip(letter.bytes()).for_each(|(to, from)| *to = from);
        // 128 bits for 67: no digit is favoured to speak of.
        let mut pool = u128::from_be_bytes(seed.draw16());
        for place in random.iter_mut().take(LEN - TIME_DIGITS - 1) {
            *place = digit(u64::try_from(pool % 36).unwrap_or(0));
            pool /= 36;
        }
        Self { bytes, len: 24 }
    }

    /// Reads an id that begins with `letter`, or with the prefix of those that the program itself names.
    #[must_use]
    pub fn parse(letter: &str, named: Option<&str>, text: &str) -> Option<Self> {
        let plain = |rest: &str| rest.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        let drawn = text.len() == LEN && text.starts_with(letter) && plain(text);
        let known = named.and_then(|prefix| text.strip_prefix(prefix)).is_some_and(|rest| {
            !rest.is_empty() && rest.split('_').all(|word| !word.is_empty() && plain(word)) && text.len() <= MAX
        });
        if !drawn && !known {
            return None;
        }
        let mut bytes = [0; MAX];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Some(Self { bytes, len: u8::try_from(text.len()).ok()? })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

fn digit(value: u64) -> u8 {
    usize::try_from(value).ok().and_then(|at| DIGITS.get(at)).copied().unwrap_or(b'0')
}

/// Declares an id newtype over a [`Word`] with its text, serde and schema forms: its letter, and the prefix of ids that
/// the program itself names, if there are any.
macro_rules! ordered_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        ordered_id!($(#[$doc])* $name, $letter, None, "[0-9a-z]{23}");
    };
    ($(#[$doc:meta])* $name:ident, $letter:literal, $prefix:literal) => {
        ordered_id!($(#[$doc])* $name, $letter, Some($prefix), "[0-9a-z_]{1,47}");
    };
    ($(#[$doc:meta])* $name:ident, $letter:literal, $named:expr, $rest:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($crate::base::id::ordered::Word);

        impl $name {
            /// A fresh id that sorts after every one drawn in an earlier microsecond.
            #[must_use]
            pub fn draw(now: $crate::base::Time, seed: &mut $crate::base::Seed) -> Self {
                Self($crate::base::id::ordered::Word::draw($letter, now, seed))
            }

            /// Reads the text form; anything else is `None`, which callers answer as not found.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $crate::base::id::ordered::Word::parse($letter, $named, text).map(Self)
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not an id that begins with `", $letter, "`")))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": concat!("^", $letter, $rest, "$")})
            }
        }
    };
}

ordered_id!(
    /// One issue.
    IssueId,
    "i"
);
ordered_id!(
    /// One project.
    ProjectId,
    "p"
);
ordered_id!(
    /// One goal.
    GoalId,
    "g"
);
ordered_id!(
    /// One label.
    LabelId,
    "l"
);
ordered_id!(
    /// One comment on an issue.
    CommentId,
    "c"
);
ordered_id!(
    /// One relation between two issues.
    RelationId,
    "r"
);
ordered_id!(
    /// One signal.
    SignalId,
    "s"
);
ordered_id!(
    /// One prompt template; those that every tenant starts with have names of their own.
    TemplateId,
    "t",
    "tpl_default_"
);
ordered_id!(
    /// One version of a prompt template; those that every tenant starts with have names of their own.
    VersionId,
    "v",
    "ver_default_"
);
ordered_id!(
    /// One review of a prompt.
    ReviewId,
    "w"
);

#[cfg(test)]
mod tests {
    use super::{IssueId, TemplateId, VersionId};
    use crate::base::{Seed, Time};

    const NOW: Time = Time::from_micros(1_795_000_000_123_456);

    #[test]
    fn ids_have_the_form_of_a_cuid_and_sort_by_their_microsecond() {
        let mut seed = Seed::new([1; 32]);
        let ids: Vec<IssueId> = (0..500).map(|n| IssueId::draw(NOW.plus_micros(n), &mut seed)).collect();
        assert!(ids.is_sorted() && ids.iter().map(|id| id.as_str()).is_sorted());
        for id in &ids {
            let text = id.to_string();
            assert_eq!((text.len(), IssueId::parse(&text)), (24, Some(*id)), "{text}");
            assert!(text.starts_with('i') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            assert_eq!(serde_json::from_value::<IssueId>(serde_json::json!(text)).ok(), Some(*id));
            assert_eq!(TemplateId::parse(&text), None);
        }
        let same: std::collections::HashSet<_> = (0..2_000).map(|_| IssueId::draw(NOW, &mut seed)).collect();
        assert_eq!(same.len(), 2_000);
    }

    #[test]
    fn other_texts_are_no_ids() {
        let good = IssueId::draw(NOW, &mut Seed::new([2; 32])).to_string();
        for bad in [
            "",
            "nope",
            &good.to_uppercase(),
            &format!("{good}0"),
            &good.replacen('i', "p", 1),
            &good.replacen('i', "é", 1),
        ] {
            assert_eq!(IssueId::parse(bad), None, "{bad}");
        }
        for at in [Time::from_micros(i64::MIN), Time::EPOCH, Time::from_micros(i64::MAX)] {
            let id = IssueId::draw(at, &mut Seed::new([3; 32]));
            assert_eq!(IssueId::parse(id.as_str()), Some(id));
        }
    }

    #[test]
    fn the_programs_own_names_are_ids_too() {
        let own = TemplateId::parse("tpl_default_task_execution").map(|id| id.to_string());
        assert_eq!(own.as_deref(), Some("tpl_default_task_execution"));
        assert!(VersionId::parse("ver_default_hypothesis_planning_v1").is_some());
        for bad in [
            "tpl_default_",
            "tpl_default__x",
            "tpl_default_X",
            "ver_default_a",
            &format!("tpl_default_{}", "a".repeat(40)),
        ] {
            assert_eq!(TemplateId::parse(bad), None, "{bad}");
        }
    }
}
