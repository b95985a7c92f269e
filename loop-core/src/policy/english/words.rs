//! The groups of small words, read from `words.txt`.

mod list;

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::policy::lexicon::{Slips, lexicon, read_word};
pub use list::List;

/// The data file; its head documents the format.
static TEXT: &str = include_str!("words.txt");

/// The groups that a word belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Groups(u64);

macro_rules! groups {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        /// A group of words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Group {
            $($(#[$doc])* $name,)*
        }

        impl Group {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $file),)*];
        }
    };
}

groups! {
    /// Says nothing about the call.
    Small = "small";
    /// Words of asking and refusing that need others beside them.
    Frame = "frame";
    /// Agents in general.
    Actors = "actors";
    /// How a call is made.
    Calling = "calling";
    /// What is asked for: approval, a nod.
    Approval = "approval";
    /// `approved`, `signed off`.
    Approved = "approved";
    /// `approve`, `sign off`.
    Approve = "approve";
    /// Who decides.
    People = "people";
    /// Stands before who decides: `senior`, `duty`.
    Rank = "rank";
    /// `block`, `stop`.
    Forbid = "forbid";
    /// `blocked`, `off limits`.
    Forbidden = "forbidden";
    /// `fine`, `allowed`.
    Fine = "fine";
    /// `hold`, `route`.
    Hold = "hold";
    /// `ask`, `check with`.
    Ask = "ask";
    /// `except`, `unless`.
    Except = "except";
    /// `excepted`, `aside`.
    Excepted = "excepted";
    /// `over`, `more`.
    Over = "over";
    /// `under`, `less`.
    Under = "under";
    /// `least`, `minimum`.
    AtLeast = "at_least";
    /// `most`, `maximum`.
    AtMost = "at_most";
    /// Recipients.
    Receivers = "receivers";
    /// Rows and the like.
    Units = "units";
    /// Personal data.
    Personal = "personal";
    /// Payment cards.
    Card = "card";
    /// Passwords.
    Secrets = "secrets";
    /// Keys and tokens.
    ApiKeys = "api_keys";
    /// Social security and national insurance numbers.
    Social = "social";
    /// Bank accounts.
    Bank = "bank";
    /// Phone numbers.
    Phones = "phones";
    /// E-mail addresses.
    EmailsIn = "emails_in";
    /// Production.
    Production = "production";
    /// Staging.
    Staging = "staging";
    /// Development.
    Development = "development";
    /// Testing.
    Testing = "testing";
    /// Preview.
    Preview = "preview";
    /// Saturday and Sunday.
    Weekend = "weekend";
    /// Monday to Friday.
    Weekday = "weekday";
    /// A day of the week.
    Monday = "monday";
    /// A day of the week.
    Tuesday = "tuesday";
    /// A day of the week.
    Wednesday = "wednesday";
    /// A day of the week.
    Thursday = "thursday";
    /// A day of the week.
    Friday = "friday";
    /// A day of the week.
    Saturday = "saturday";
    /// A day of the week.
    Sunday = "sunday";
    /// Business hours.
    Hours = "hours";
    /// Night.
    Night = "night";
    /// Endings of files' names that are words of their own.
    Endings = "endings";
    /// Endings of files' names that are none.
    MoreEndings = "more_endings";
    /// Files known by their names.
    FileNames = "file_names";
    /// Programs.
    Programs = "programs";
    /// Products and services.
    Services = "services";
    /// Products whose names are words of their own.
    Products = "products";
    /// `destructive`.
    Destructive = "destructive";
    /// How something seems to somebody.
    Vague = "vague";
    /// Nouns with the ending of an adjective.
    Nounlike = "nounlike";
}

impl Groups {
    /// Whether a group is among them.
    #[must_use]
    pub const fn has(self, group: Group) -> bool {
        self.0 >> group as u32 & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

type Table = HashMap<&'static str, Groups, foldhash::fast::FixedState>;

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table::default();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, words)) = line.split_once(" : ") else { continue };
            let Some((group, _)) = Group::ALL.iter().find(|(_, file)| *file == name.trim()) else { continue };
            for word in words.split_whitespace() {
                table.entry(word).or_default().0 |= 1 << *group as u32;
            }
        }
        table
    });
    &TABLE
}

/// The groups of a lower-case word or of a phrase joined by `_`.
#[must_use]
pub fn groups(word: &str) -> Groups {
    table().get(word).copied().unwrap_or_default()
}

/// Whether a lower-case word belongs to a group.
#[must_use]
pub fn is(group: Group, word: &str) -> bool {
    groups(word).has(group)
}

/// Whether any group or the lexicon lists a word.
#[must_use]
pub fn is_known(word: &str) -> bool {
    !groups(word).is_empty() || read_word(word).is_some()
}

/// The listed word, or form of one, that differs from this one by one slip of the pen.
#[must_use]
pub fn corrected(word: &str) -> Option<&'static str> {
    // What is done and to what matters more than small words.
    static SLIPS: LazyLock<[Slips; 2]> = LazyLock::new(|| {
        let mut listed: Vec<String> = Vec::new();
        for word in lexicon().words().filter(|word| !word.contains('_')) {
            let stem = word.strip_suffix('e').unwrap_or(word);
            listed.extend([word.to_owned(), format!("{word}s"), format!("{stem}ing"), format!("{stem}ed")]);
        }
        let compares = |groups: &Groups| groups.has(Group::Over) || groups.has(Group::Under);
        let says_little = |groups: &Groups| groups.has(Group::Small) && !compares(groups);
        let told = |groups: &Groups| !says_little(groups) && !groups.has(Group::Vague) && !groups.has(Group::Nounlike);
        let small = table().iter().filter(|(word, groups)| !word.contains('_') && told(groups));
        let small = small.map(|(word, _)| (*word).to_owned()).collect();
        [Slips::of(listed), Slips::of(small)]
    });
    SLIPS.iter().find_map(|slips| slips.closest(word))
}

#[cfg(test)]
mod tests {
    use super::{Group, TEXT, corrected, is, is_known};

    #[test]
    fn every_group_of_the_file_is_known_and_there() {
        let names: Vec<&str> = TEXT
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" : "))
            .map(|(name, _)| name.trim())
            .collect();
        assert!(Group::ALL.len() <= 64);
        for (_, file) in Group::ALL {
            assert!(names.contains(file), "{file}");
        }
        for name in names {
            assert!(Group::ALL.iter().any(|(_, file)| *file == name), "{name}");
        }
    }

    #[test]
    fn groups_are_found() {
        assert!(is(Group::Fine, "allowed") && !is(Group::Fine, "refund"));
        assert!(is_known("sign_off") && is_known("deleting") && !is_known("frobnicate"));
        assert_eq!(corrected("paymant"), Some("payment"));
        assert_eq!(corrected("zzzzzzzz"), None);
    }
}
