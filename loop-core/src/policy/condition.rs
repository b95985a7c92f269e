//! What a rule's text means: a typed, closed tree.

use super::{
    facts::{Counted, DataKind, Environment},
    lexicon::Concepts,
    money::Currency,
};
use crate::base::Decimal;

/// A condition on a call. It is true, false or unclear; unclear never loosens: it stays unclear under `not`, and a
/// rule whose condition is unclear matches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// All of them; true when empty.
    All(Vec<Condition>),
    /// One of them at least; false when empty.
    Any(Vec<Condition>),
    /// Not that one.
    Not(Box<Condition>),
    /// The tool has exactly this name.
    Tool(String),
    /// The tool's name fits a pattern of `*` and `?`.
    ToolLike(String),
    /// The call does one of these.
    Deed(Deed),
    /// One of these proper names is among the words of the tool's name, or in an argument that names a kind or party.
    Named(Vec<String>),
    /// The call's risk is not low.
    Risky,
    /// The call moves money or carries an amount.
    Money,
    /// An amount of money lies in the range. An amount in another currency is unclear.
    Amount {
        /// The range.
        range: Range,
        /// Its currency; any when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<Currency>,
    },
    /// A percentage lies in the range.
    Percent(Range),
    /// A count lies in the range.
    Count {
        /// Of what.
        of: Counted,
        /// What is counted, in the singular; `_` joins the words of a phrase. With it a number that counts something
        /// else (`page_count` for replicas) says nothing. Whatever is worked on when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noun: Option<String>,
        /// The range.
        range: Range,
    },
    /// Someone it goes to.
    Recipient(Whom),
    /// Data of one of these classes is in the arguments.
    Data(Vec<DataKind>),
    /// It touches one of these environments.
    Environment(Vec<Environment>),
    /// It touches a path that fits one of these.
    Path(Vec<PathTest>),
    /// It goes to one of these channels.
    Place(Vec<String>),
    /// One of these agents asks.
    Agent(Vec<String>),
    /// It happens in one of these times, by its own schedule or now.
    Time(Vec<TimeTest>),
    /// Something is attached.
    Attachment,
    /// An SQL statement does one of these without a WHERE clause.
    Unbounded(Concepts),
    /// A shell command starts with one of these words and holds the others of its list.
    Command(Vec<Vec<String>>),
    /// One of these is the other side: payee, vendor, customer.
    Party(Vec<String>),
    /// It works on, or merges into, a branch whose name fits one of these patterns of `*` and `?`.
    Branch(Vec<String>),
    /// One of these words stands in the tool's name, in the name of an argument that is set, or in a short argument
    /// that is no free text. Singular and plural are one; a phrase of several words must stand in one place. Unclear
    /// when the tool's name says nothing of what it works on.
    Mentions(Vec<String>),
    /// As [`Condition::Mentions`] for how something is (`urgent`, `public`): false only when the call says something
    /// else of the kind (`priority: low`), unclear when it says nothing.
    State(Vec<String>),
    /// One of these texts stands in an argument, as whole words, without regard to case.
    Text(Vec<String>),
    /// A size or a length of time lies in the range.
    Measure {
        /// Of what, and so in which unit.
        of: Measured,
        /// The range.
        range: Range,
    },
    /// An argument fits a test.
    Argument {
        /// Its name; every one whose words include all words of this.
        name: String,
        /// The test.
        test: ArgumentTest,
    },
}

/// What can be measured besides money, with the unit of the numbers in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// How long something takes or lasts, in seconds.
    Duration,
    /// How large it is, in bytes.
    Size,
}

/// Kinds of doing to kinds of things. Words stand beside kinds for what the lexicon lacks.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deed {
    /// One of these is done, or one of `verbs`; anything that is more than looking when both are empty.
    pub does: Concepts,
    /// Verbs in their base form that stand in the tool's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// To one of these, or to one of `nouns`; to anything when both are empty.
    pub things: Concepts,
    /// Things by their names, in the singular; `_` joins the words of a phrase, the last of which is its head. They
    /// are looked for as [`Condition::Mentions`] looks for its phrases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nouns: Vec<String>,
}

impl Deed {
    /// Kinds of doing to kinds of things.
    #[must_use]
    pub const fn of(does: Concepts, things: Concepts) -> Self {
        Self { does, verbs: Vec::new(), things, nouns: Vec::new() }
    }

    /// Whether it names no kind of doing: anything that is more than looking.
    #[must_use]
    pub const fn is_any_doing(&self) -> bool {
        self.does.is_empty() && self.verbs.is_empty()
    }

    /// Whether it names no thing: anything.
    #[must_use]
    pub const fn is_to_anything(&self) -> bool {
        self.things.is_empty() && self.nouns.is_empty()
    }
}

/// A range of numbers; open where a limit is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Range {
    /// The lower limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Limit>,
    /// The upper limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Limit>,
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The number.
    pub value: Decimal,
    /// Whether the number itself belongs to the range.
    #[serde(default)]
    pub inclusive: bool,
}

impl Range {
    /// More than `value`.
    #[must_use]
    pub const fn over(value: Decimal) -> Self {
        Self { from: Some(Limit { value, inclusive: false }), to: None }
    }

    /// Whether a number lies in the range.
    #[must_use]
    pub fn holds(&self, number: Decimal) -> bool {
        let above = self.from.is_none_or(|limit| number > limit.value || (limit.inclusive && number == limit.value));
        let below = self.to.is_none_or(|limit| number < limit.value || (limit.inclusive && number == limit.value));
        above && below
    }
}

/// To whom something goes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Someone in one of these domains or below.
    In(Vec<String>),
    /// Someone in none of these domains.
    Outside(Vec<String>),
    /// One of these addresses.
    Address(Vec<String>),
}

/// What a path may be. Paths are compared by whole segments, without regard to `.` and `..`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathTest {
    /// This absolute folder or anything below it.
    Under(String),
    /// Anything in a folder of this name, wherever it is; several names with `/` are folders within each other.
    Folder(String),
    /// The last segment fits a pattern of `*` and `?`.
    File(String),
    /// The last segments fit as many patterns, cut at `/`.
    Tail(String),
}

/// A time of the day, week, month or year, in the tenant's zone.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeTest {
    /// Days of the week, 1 is Monday; every day when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<u8>,
    /// From this minute of the day; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u16>,
    /// To before this minute of the day. When it lies before `from` the time runs over midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u16>,
    /// Months of the year, 1 is January; every month when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<u8>,
    /// Days of the month, 1 to 31, and 0 for its last day; every day when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub month_days: Vec<u8>,
}

/// A test of one argument.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArgumentTest {
    /// It is one of these texts, without regard to case.
    Is(Vec<String>),
    /// It fits one of these patterns of `*` and `?`.
    Like(Vec<String>),
    /// It is a number in the range; a unit may stand behind it (`40 mg`).
    Number(Range),
    /// It is there and neither null, false nor empty.
    Present,
}

impl Condition {
    /// True for every call.
    pub const ALWAYS: Self = Self::All(Vec::new());
    /// True for none.
    pub const NEVER: Self = Self::Any(Vec::new());

    /// How deep conditions may nest; a deeper one is unclear.
    pub const DEPTH_MAX: usize = 32;

    /// All of them, flattened.
    #[must_use]
    pub fn all(conditions: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(conditions.len());
        for condition in conditions {
            match condition {
                Self::All(inner) => flat.extend(inner),
                never if never == Self::NEVER => return Self::NEVER,
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.pop().unwrap_or(Self::ALWAYS),
            _ => Self::All(flat),
        }
    }

    /// One of them at least, flattened.
    #[must_use]
    pub fn any(conditions: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(conditions.len());
        for condition in conditions {
            match condition {
                Self::Any(inner) => flat.extend(inner),
                always if always == Self::ALWAYS => return Self::ALWAYS,
                other => flat.push(other),
            }
        }
        match flat.len() {
            1 => flat.pop().unwrap_or(Self::NEVER),
            _ => Self::Any(flat),
        }
    }

    /// Not that one.
    #[must_use]
    pub fn negated(condition: Self) -> Self {
        match condition {
            Self::Not(inner) => *inner,
            always if always == Self::ALWAYS => Self::NEVER,
            never if never == Self::NEVER => Self::ALWAYS,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Calls `each` with every part of the tree, itself first.
    pub fn each_part(&self, each: &mut dyn FnMut(&Self)) {
        each(self);
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().for_each(|one| one.each_part(each)),
            Self::Not(one) => one.each_part(each),
            _ => {}
        }
    }

    /// Whether a part of the tree is such a one.
    #[must_use]
    pub fn any_part(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::All(inner) | Self::Any(inner) => inner.iter().any(|one| one.any_part(is)),
            Self::Not(one) => one.any_part(is),
            other => is(other),
        }
    }
}
