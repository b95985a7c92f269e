//! Ids: newtypes over UUIDv7 (so ids sort by creation), the short ids of issues and what belongs to them ([`ordered`]),
//! and the tenant's short name.

pub mod ordered;

use std::{fmt, sync::Arc};

pub use ordered::{
    CommentId, GoalId, IssueId, LabelId, ProjectId, RelationId, ReviewId, SignalId, TemplateId, VersionId,
};

use super::{Seed, Time};

/// A UUIDv7 for `now` from drawn bytes.
#[must_use]
pub fn uuid_v7(now: Time, seed: &mut Seed) -> uuid::Uuid {
    let mut ten = [0; 10];
    ten.iter_mut().zip(seed.draw()).for_each(|(to, from)| *to = from);
    uuid::Builder::from_unix_timestamp_millis(now.unix_millis(), &ten).into_uuid()
}

/// Declares an id newtype over a UUIDv7 with its text, serde and schema forms.
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// The id of nothing: all zeros, never drawn.
            pub const NONE: Self = Self(uuid::Uuid::nil());

            /// A fresh id that sorts after every id drawn in an earlier millisecond.
            #[must_use]
            pub fn draw(now: $crate::base::Time, seed: &mut $crate::base::Seed) -> Self {
                Self($crate::base::id::uuid_v7(now, seed))
            }

            /// Reads the hyphenated text form; anything else is `None`, which callers answer as not found.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 36).then(|| uuid::Uuid::try_parse(text).ok()).flatten().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": "uuid"})
            }
        }
    };
}

/// Declares an id newtype over a UUIDv7 whose text is a prefix and 32 lower-case hexadecimal digits.
macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// What its text begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id that sorts after every id drawn in an earlier millisecond.
            #[must_use]
            pub fn draw(now: $crate::base::Time, seed: &mut $crate::base::Seed) -> Self {
                Self($crate::base::id::uuid_v7(now, seed))
            }

            /// Reads the text form; anything else is `None`, which callers answer as not found.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                let plain = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                plain.then(|| uuid::Uuid::try_parse(digits).ok()).flatten().map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($prefix)?;
                std::fmt::Display::fmt(&self.0.simple(), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom(concat!("not an id that begins with `", $prefix, "`")))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": concat!("^", $prefix, "[0-9a-f]{32}$")})
            }
        }
    };
}

prefixed_id!(
    /// One loop: the identity of an agent, a developer or a business.
    LoopId,
    "loop_"
);
prefixed_id!(
    /// One version of a published tool.
    ToolId,
    "tool_"
);
prefixed_id!(
    /// One gated call of a tool.
    InvocationId,
    "inv_"
);
prefixed_id!(
    /// One proof of an outcome.
    ProofId,
    "proof_"
);
prefixed_id!(
    /// One event that moved a trust score.
    TrustEventId,
    "te_"
);
prefixed_id!(
    /// One task.
    TaskId,
    "task_"
);
prefixed_id!(
    /// One job of a task.
    JobId,
    "job_"
);
prefixed_id!(
    /// One transaction between two loops.
    TransactionId,
    "tx_"
);
prefixed_id!(
    /// One message between loops.
    MessageId,
    "msg_"
);
prefixed_id!(
    /// One contract between two loops.
    ContractId,
    "contract_"
);

id_type!(
    /// One API key.
    KeyId
);
id_type!(
    /// One approval rule.
    RuleId
);
id_type!(
    /// One pending or settled approval.
    ApprovalId
);
id_type!(
    /// One notice on its way to a person.
    NoticeId
);

/// A tenant's name: 1 to 48 characters of `a-z`, `0-9`, `-` and `_`.
///
/// It leads every storage key, so it is short text rather than a UUID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The longest accepted name, in bytes.
    pub const MAX: usize = 48;

    /// Reads a tenant's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        (fits && plain && text != Self::DIRECTORY).then(|| Self(text.into()))
    }

    /// The tenant of a single-user sidecar.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self("default".into())
    }

    /// The name behind [`Self::directory`].
    const DIRECTORY: &'static str = "_directory";

    /// The space that no tenant owns: what has to be found before the tenant is known (keys by hash, link
    /// tokens) and the timers that workers walk for all tenants. [`Self::parse`] never answers it.
    #[must_use]
    pub fn directory() -> Self {
        Self(Self::DIRECTORY.into())
    }

    /// Reads a name out of a storage key, the directory's included.
    #[must_use]
    pub fn from_storage(text: &str) -> Self {
        Self(text.into())
    }

    /// A fresh tenant's name.
    #[must_use]
    pub fn draw(now: Time, seed: &mut Seed) -> Self {
        Self(format!("t-{}", uuid_v7(now, seed).simple()).into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for TenantId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for TenantId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not a tenant id")))
    }
}

impl schemars::JsonSchema for TenantId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TenantId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[a-z0-9_-]{1,48}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::{LoopId, RuleId, TaskId, TenantId};
    use crate::base::{Seed, Time};

    #[test]
    fn prefixed_ids_are_read_in_their_one_form_only() {
        let id = LoopId::draw(Time::from_micros(1_700_000_000_000_000), &mut Seed::new([1; 32]));
        let text = id.to_string();
        assert_eq!((text.len(), LoopId::parse(&text)), (37, Some(id)));
        assert_eq!(serde_json::from_value::<LoopId>(serde_json::json!(text)).ok(), Some(id));
        assert_eq!(TaskId::parse(&text), None);
        for bad in [&text.to_uppercase(), &text.replace("loop_", "loop_{"), "loop_none", "", &format!("{text}0")] {
            assert_eq!(LoopId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_sort_by_the_millisecond_they_were_drawn_in() {
        let mut seed = Seed::new([1; 32]);
        let early = RuleId::draw(Time::from_micros(1_700_000_000_000_000), &mut seed);
        let late = RuleId::draw(Time::from_micros(1_700_000_000_001_000), &mut seed);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(RuleId::parse(&early.to_string()), Some(early));
        assert_eq!(RuleId::parse("x"), None);
        assert_eq!(RuleId::parse(&early.to_string().replace('-', "")), None);
    }

    #[test]
    fn no_input_names_the_directory() {
        assert_eq!(TenantId::parse("_directory"), None);
        assert_eq!(TenantId::parse("a/b"), None);
        assert_eq!(TenantId::parse(""), None);
        assert!(TenantId::parse("default").is_some());
    }
}
