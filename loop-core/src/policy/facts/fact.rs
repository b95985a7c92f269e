//! One fact, and a set of them as it is stored with a decision.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::{
    base::{Decimal, Time},
    policy::{lexicon::Concepts, money::Currency},
    tool::redact,
};

/// What kind of fact; a condition asks for one kind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// Amounts of money.
    Amounts,
    /// Percentages.
    Percents,
    /// How many of something.
    Counts,
    /// To whom it goes.
    Recipients,
    /// Personal data and secrets within.
    Data,
    /// Files and folders.
    Paths,
    /// Production, staging and so on.
    Environments,
    /// Channels and rooms.
    Places,
    /// Whether something is attached.
    Attachments,
    /// When it shall happen.
    Times,
    /// SQL statements.
    Statements,
}

impl FactKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Amounts,
        Self::Percents,
        Self::Counts,
        Self::Recipients,
        Self::Data,
        Self::Paths,
        Self::Environments,
        Self::Places,
        Self::Attachments,
        Self::Times,
        Self::Statements,
    ];
}

/// A fact, borrowed from wherever it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact<'a> {
    /// Money; without a value when something stands where an amount belongs and cannot be read.
    Amount(Option<Decimal>, Option<Currency>),
    /// Per cent; `None` when it cannot be read.
    Percent(Option<Decimal>),
    /// So many.
    Count {
        /// Of whom or what.
        of: Counted,
        /// How many.
        number: u64,
        /// The name of the argument, which may say of what more closely.
        key: &'a str,
        /// It counts what is worked on, whatever that is called; else only what `key` says (`pages: 400`).
        plain: bool,
    },
    /// An address or another name of a recipient, and its domain when it has one.
    Recipient {
        /// As it stands; absent in stored facts, which keep no address.
        text: Option<&'a str>,
        /// Behind the `@`.
        domain: Option<&'a str>,
    },
    /// Sensitive data of a class.
    Data(DataKind),
    /// A path, as it stands; masked in stored facts.
    Path(&'a str),
    /// The name of an environment that was recognised.
    Environment(Environment),
    /// A channel's name without its mark; masked in stored facts.
    Place(&'a str),
    /// Something is attached, or a place for it is empty.
    Attachment(bool),
    /// An instant at which it shall happen; `None` when unreadable.
    Time(Option<Time>),
    /// An SQL statement: what it does and whether a WHERE clause bounds it.
    Statement {
        /// What it does.
        does: Concepts,
        /// A WHERE clause stands in it.
        bounded: bool,
    },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Those who receive it.
    Recipients,
    /// Rows, records, files: what is worked on.
    Items,
}

/// A class of sensitive data that rules can name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A payment card number.
    Card,
    /// A bank account number.
    BankAccount,
    /// A US social security number.
    SocialSecurity,
    /// A UK national insurance number.
    NationalInsurance,
    /// Other personal data, told by the name of its argument or column.
    Personal,
    /// An API key or token.
    ApiKey,
    /// A password or other secret.
    Secret,
}

impl DataKind {
    /// What counts as personal data.
    pub const PERSONAL: [Self; 7] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::BankAccount,
        Self::SocialSecurity,
        Self::NationalInsurance,
        Self::Personal,
    ];

    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Phone => "phone numbers",
            Self::Card => "card numbers",
            Self::BankAccount => "bank account numbers",
            Self::SocialSecurity => "social security numbers",
            Self::NationalInsurance => "national insurance numbers",
            Self::Personal => "personal data",
            Self::ApiKey => "API keys",
            Self::Secret => "secrets",
        }
    }
}

/// Where something runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The live one.
    Production,
    /// Before production.
    Staging,
    /// For building.
    Development,
    /// For testing.
    Test,
    /// A throw-away copy.
    Preview,
}

impl Environment {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
            Self::Test => "test",
            Self::Preview => "preview",
        }
    }

    /// Reads one lower-case word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        names().get(word).filter(|(_, anywhere)| *anywhere).map(|(found, _)| *found)
    }

    /// Reads one lower-case word of an argument that names an environment.
    #[must_use]
    pub fn of_name(word: &str) -> Option<Self> {
        names().get(word).map(|(found, _)| *found)
    }

    const ALL: [Self; 5] = [Self::Production, Self::Staging, Self::Development, Self::Test, Self::Preview];
}

/// The names of environments; its head documents the format.
static ENVIRONMENTS: &str = include_str!("environments.txt");

/// Environments by their words, and whether a word means one anywhere.
fn names() -> &'static HashMap<&'static str, (Environment, bool), foldhash::fast::FixedState> {
    static NAMES: LazyLock<HashMap<&str, (Environment, bool), foldhash::fast::FixedState>> = LazyLock::new(|| {
        let mut names = HashMap::default();
        for line in ENVIRONMENTS.lines().filter(|line| !line.starts_with('#')) {
            let mut columns = line.split(':').map(str::trim);
            let Some(found) = columns.next().and_then(|name| Environment::ALL.iter().find(|one| one.as_str() == name))
            else {
                continue;
            };
            for (words, anywhere) in columns.zip([true, false]) {
                names.extend(words.split_whitespace().map(|word| (word, (*found, anywhere))));
            }
        }
        names
    });
    &NAMES
}

/// How many facts of one kind are kept.
pub const KEPT: usize = 64;
/// The longest text kept in a fact, in bytes; longer ones are left out and the kind marked as cut.
pub const TEXT_MAX: usize = 256;
/// The longest name of an argument that is kept with a count, in bytes; a longer one says nothing.
const KEY_MAX: usize = 64;

/// Arguments with more text than this, in bytes, may not be stored whole.
pub const ARGUMENTS_MAX: usize = 4 * 1024;

/// What rules can read of one call, stored with the decision so that back-tests need no raw arguments. It holds
/// neither addresses nor free text.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Amounts of money with their currency; no value when unreadable.
    #[serde(rename = "a", skip_serializing_if = "Vec::is_empty")]
    pub amounts: Vec<(Option<Decimal>, Option<Currency>)>,
    /// Percentages.
    #[serde(rename = "p", skip_serializing_if = "Vec::is_empty")]
    pub percents: Vec<Option<Decimal>>,
    /// Counts: of whom or what, how many, the name of the argument, and whether it counts whatever is worked on.
    #[serde(rename = "n", skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<(Counted, u64, String, bool)>,
    /// The domains of recipients; `None` for one without.
    #[serde(rename = "r", skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Option<String>>,
    /// Classes of sensitive data.
    #[serde(rename = "d", skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataKind>,
    /// Paths.
    #[serde(rename = "f", skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Environments.
    #[serde(rename = "e", skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<Environment>,
    /// Channels.
    #[serde(rename = "c", skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Attachments.
    #[serde(rename = "h", skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<bool>,
    /// Instants.
    #[serde(rename = "t", skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<Option<Time>>,
    /// SQL statements.
    #[serde(rename = "q", skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<(Concepts, bool)>,
    /// What the arguments say is done.
    #[serde(rename = "v", skip_serializing_if = "is_none")]
    pub does: Concepts,
    /// What the arguments say it is done to.
    #[serde(rename = "o", skip_serializing_if = "is_none")]
    pub things: Concepts,
    /// The stored arguments are not all that rules could read: the call had a body of its own, or long texts.
    #[serde(rename = "b", skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Some facts did not fit: conditions that miss one cannot be decided.
    #[serde(rename = "x", skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

fn is_none(concepts: &Concepts) -> bool {
    concepts.is_empty()
}

impl Facts {
    /// Takes in what was read of a value that is a secret: that it is there, never what it says.
    pub(super) fn add_secret(&mut self, fact: Fact<'_>) {
        match fact {
            Fact::Data(_) | Fact::Environment(_) | Fact::Attachment(_) | Fact::Statement { .. } => self.add(fact),
            Fact::Amount(..)
            | Fact::Percent(_)
            | Fact::Count { .. }
            | Fact::Recipient { .. }
            | Fact::Path(_)
            | Fact::Place(_)
            | Fact::Time(_) => self.cut = true,
        }
    }

    /// Takes a fact in, within bounds. Facts say "there is such a one", so repeats are dropped. Texts are masked.
    pub(super) fn add(&mut self, fact: Fact<'_>) {
        let fits = match fact {
            Fact::Amount(value, currency) => keep(&mut self.amounts, (value, currency)),
            Fact::Percent(value) => keep(&mut self.percents, value),
            Fact::Count { of, number, key, plain } => {
                let key = if key.len() <= KEY_MAX && is_bare(key) { key } else { "" };
                keep(&mut self.counts, (of, number, key.to_owned(), plain))
            }
            Fact::Recipient { domain, .. } => {
                domain.is_none_or(short) && keep_counted(&mut self.recipients, domain.map(str::to_ascii_lowercase))
            }
            Fact::Data(kind) => keep(&mut self.data, kind),
            Fact::Path(path) => short(path) && keep(&mut self.paths, redact::text(path).masked),
            Fact::Environment(environment) => keep(&mut self.environments, environment),
            Fact::Place(place) => short(place) && keep(&mut self.places, redact::text(place).masked),
            Fact::Attachment(present) => keep(&mut self.attachments, present),
            Fact::Time(at) => keep(&mut self.times, at),
            Fact::Statement { does, bounded } => keep(&mut self.statements, (does, bounded)),
        };
        self.cut |= !fits;
    }

    /// Calls `each` with every stored fact of a kind.
    pub fn each(&self, kind: FactKind, each: &mut dyn FnMut(Fact<'_>)) {
        match kind {
            FactKind::Amounts => {
                self.amounts.iter().for_each(|(value, currency)| each(Fact::Amount(*value, *currency)))
            }
            FactKind::Percents => self.percents.iter().for_each(|value| each(Fact::Percent(*value))),
            FactKind::Counts => self.counts.iter().for_each(|(of, number, key, plain)| {
                each(Fact::Count { of: *of, number: *number, key, plain: *plain });
            }),
            FactKind::Recipients => self
                .recipients
                .iter()
                .for_each(|domain| each(Fact::Recipient { text: None, domain: domain.as_deref() })),
            FactKind::Data => self.data.iter().for_each(|kind| each(Fact::Data(*kind))),
            FactKind::Paths => self.paths.iter().for_each(|path| each(Fact::Path(path))),
            FactKind::Environments => self.environments.iter().for_each(|found| each(Fact::Environment(*found))),
            FactKind::Places => self.places.iter().for_each(|place| each(Fact::Place(place))),
            FactKind::Attachments => self.attachments.iter().for_each(|present| each(Fact::Attachment(*present))),
            FactKind::Times => self.times.iter().for_each(|at| each(Fact::Time(*at))),
            FactKind::Statements => {
                self.statements
                    .iter()
                    .for_each(|(does, bounded)| each(Fact::Statement { does: *does, bounded: *bounded }));
            }
        }
    }
}

/// Whether a name tells nothing that is masked.
fn is_bare(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') || redact::text(key).masked == key
}

/// Whether masking may have changed a stored text.
#[must_use]
pub fn may_hide(text: &str) -> bool {
    text.contains('[')
}

fn short(text: &str) -> bool {
    text.len() <= TEXT_MAX
}

fn keep<T: PartialEq>(list: &mut Vec<T>, value: T) -> bool {
    list.contains(&value) || keep_counted(list, value)
}

fn keep_counted<T>(list: &mut Vec<T>, value: T) -> bool {
    let fits = list.len() < KEPT;
    if fits {
        list.push(value);
    }
    fits
}
