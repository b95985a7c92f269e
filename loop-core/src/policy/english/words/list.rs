//! Lists of words that say something where they stand, read from `words.txt`.

use std::sync::LazyLock;

use hashbrown::HashMap;

use super::TEXT;

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        /// A list of words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum List {
            $($(#[$doc])* $name,)*
        }

        impl List {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $file),)*];
        }
    };
}

lists! {
    /// Begins what is waited for: `until the treasurer agrees`.
    WaitLead = "wait_lead";
    /// Begins a condition of its own, where what is waited for ends.
    ConditionLead = "condition_lead";
    /// Says that somebody is asked: `without checking`.
    Asking = "asking";
    /// May end what is waited for: `without asking first`.
    AskedEnd = "asked_end";
    /// Says that something is refused.
    Refusing = "refusing";
    /// Stands between who decides and the deciding: `finance must always approve`.
    DecideHelper = "decide_helper";
    /// Stands behind the deciding: `signs it off`.
    DecideTail = "decide_tail";
    /// Stands before what is to be done by whoever reads: `please ask`.
    ImperativeLead = "imperative_lead";
    /// Stands behind what somebody handles: `deal with that`.
    HandleTail = "handle_tail";
    /// Stands before a verb of holding: `always hold`.
    HoldLead = "hold_lead";
    /// Verbs that hand something to somebody who decides.
    Hand = "hand";
    /// Stands before whom something is held for.
    HoldLink = "hold_link";
    /// Stands before whom something goes to.
    TargetLink = "target_link";
    /// Stands within the words for whom something goes to.
    TargetPart = "target_part";
    /// Joins the words of a name of somebody who decides.
    PhraseLink = "phrase_link";
    /// Stands before whom something is asked from: `approval from finance`.
    TailLink = "tail_link";
    /// Stands behind `to approve`: `to approve it first`.
    ApproveTail = "approve_tail";
    /// Stands before a verb of asking: `must first`.
    MustLead = "must_lead";
    /// `approval is needed`.
    Needed = "needed";
    /// Stands before `needed`: `is always needed`.
    NeededLead = "needed_lead";
    /// Stands within what is needed: `a prior written approval`.
    GivenPart = "given_part";
    /// Stands before `approved`: `must first be`.
    PassiveLead = "passive_lead";
    /// Makes it something that must be.
    PassiveMust = "passive_must";
    /// Says of a call that somebody gets it, where somebody is named: `must be routed to finance`.
    Handled = "handled";
    /// `needs approval`.
    Needs = "needs";
    /// Says so where what is asked for is named: `takes a signature`.
    WeakNeeds = "weak_needs";
    /// Stands behind `needs`: `needs to first get`.
    NeedsTail = "needs_tail";
    /// Whose it is who decides: `is the board's call`.
    Matter = "matter";
    /// Says what an argument is: `the carrier is X`.
    Equals = "equals";
    /// Stands before a value: `is set to one of`.
    ValueLead = "value_lead";
    /// Speaks of what was not named: `all others`.
    Rest = "rest";
    /// Says that something is attached: `with an attachment`.
    Carrying = "carrying";
    /// Begins a condition behind `or`: `or to a new payee`.
    OtherLead = "other_lead";
    /// Stands before a quoted name that is no tool's: `tagged "x"`.
    NameLead = "name_lead";
    /// Says that commands are spoken of.
    Shell = "shell";
    /// Stands before a program as a place: `to docker`.
    ProgramLead = "program_lead";
    /// Programs whose names are words of their own.
    ProgramWord = "program_word";
    /// Makes a thing of a program's name: `SSH keys`.
    ProgramThing = "program_thing";
    /// The words of `without a WHERE clause`.
    UnboundedPart = "unbounded_part";
    /// Says that branches are spoken of.
    Merging = "merging";
    /// Says that data is in something: `containing card numbers`.
    Holding = "holding";
    /// Whose things are personal without data in them: `personal accounts`.
    PersonalThing = "personal_thing";
    /// Stands before an environment: `in test`.
    EnvironmentLead = "environment_lead";
    /// Stands behind an environment: `test servers`.
    EnvironmentNoun = "environment_noun";
    /// What SQL statements begin with, as written.
    SqlVerb = "sql_verb";
    /// Stands behind `go right`: `ahead`.
    Onward = "onward";
    /// Ways of calling that are doings in a list: `issue or renew licences`.
    CallingVerb = "calling_verb";
    /// Small words that are a doing with an object behind them: `ending a lease`.
    SmallVerb = "small_verb";
    /// Stands before a noun.
    Determiner = "determiner";
    /// Ways of calling that are things or doings as well: `close a case`.
    CallingThing = "calling_thing";
    /// Stands between an unknown verb and its object.
    UnknownArticle = "unknown_article";
    /// Stands before an unknown verb.
    UnknownLead = "unknown_lead";
    /// Stands before how something seems: `looks odd`.
    SeemsLead = "seems_lead";
    /// Begins how something is: `is off brand`.
    SeemsPart = "seems_part";
    /// What an adjective says nothing of by itself: `turbulent times`.
    Manner = "manner";
    /// Verbs whose particle may stand behind their object: `turn alerts off`.
    Phrasal = "phrasal";
    /// That particle.
    Particle = "particle";
    /// Stands before what is done to something: `is deleted`.
    Passive = "passive";
    /// Stands between a verb and its object, or is the object.
    ObjectLead = "object_lead";
    /// Stands before a verb: `may not`, `the agent`.
    VerbLead = "verb_lead";
    /// No object stands behind these.
    ObjectEnd = "object_end";
    /// Who does it: `the bot deletes`.
    ThirdPerson = "third_person";
    /// Stands before a name that says where, for whom or of what.
    NameAt = "name_at";
    /// The verb of an explanation: `they are`.
    ExplainVerb = "explain_verb";
    /// The subject of an explanation.
    ExplainSubject = "explain_subject";
    /// The verb of an aside: `the rolls are expensive`.
    AsideVerb = "aside_verb";
    /// Stands before a path.
    PathLead = "path_lead";
    /// Stands before the ending of a file's name.
    FileNoun = "file_noun";
    /// Says how much there may be.
    Limit = "limit";
    /// Stands between a number and what is counted.
    CountBetween = "count_between";
    /// How often, which says nothing of one call: `per day`.
    Period = "period";
    /// Counted as recipients where something is told.
    Persons = "persons";
    /// Stands behind a provider of mail: `gmail accounts`.
    PublicMail = "public_mail";
    /// Stands between who receives and their domain.
    DomainLead = "domain_lead";
    /// Stands before `read-only`: `must stay`.
    ReadOnlyLead = "read_only_lead";
    /// Stands before `forbidden`, as much as is no more than its beginning.
    StatedBack = "stated_back";
    /// Says of something that it is `forbidden`.
    StatedPassive = "stated_passive";
    /// Stands between `not` and `allowed`.
    NotTail = "not_tail";
    /// Stands before `block` as an order.
    ForbidLead = "forbid_lead";
    /// May, must and the like, before `not exceed`.
    Modal = "modal";
    /// Stands before `not` and goes with it.
    NotLead = "not_lead";
    /// Stands behind `never` and goes with it.
    NeverTail = "never_tail";
    /// Stands before `fine`, as much as is no more than its beginning.
    FineBack = "fine_back";
    /// Says of something that it is `fine`.
    FineLead = "fine_lead";
    /// Stands before `but` as an exception: `all but`.
    Everyone = "everyone";
    /// Stands behind what begins an exception.
    ExceptTail = "except_tail";
    /// Stands before a path that may look like alternatives: `under legal/hr`.
    PathPlace = "path_place";
    /// Stands between a comparison and its number.
    BoundLink = "bound_link";
    /// What programs are told.
    Told = "told";
    /// Ends the name of somebody who decides.
    NameEnd = "name_end";
    /// The other side of a payment, whatever a tool calls it.
    Party = "party";
    /// Names of arguments whose values are words of the language.
    Kind = "kind";
    /// A name stands before them: `the ledger service`.
    Named = "named";
    /// Of databases: their names stand in statements.
    Table = "table";
    /// Endings of domains that rules are likely to name.
    TopLevel = "top_level";
    /// Last words of agents' names.
    AgentEnd = "agent_end";
    /// Makers: before a product they say less than its name.
    Maker = "maker";
    /// Months written out.
    LongMonth = "long_month";
    /// Behind `no`: it may be done. `smaller ones are no problem`
    Harmless = "harmless";
    /// Asks somebody; where it is denied, what follows is allowed.
    Asks = "asks";
    /// Says that something is known to whoever speaks.
    Familiar = "familiar";
    /// Speaks of whom something goes to.
    Addressed = "addressed";
    /// What programs keep, so that they are no commands: `helm releases`.
    Kept = "kept";
    /// The last word of what has a number: `commission rate`.
    Measure = "measure";
}

type Table = HashMap<&'static str, u128, foldhash::fast::FixedState>;

fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table::default();
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, words)) = line.split_once(" = ") else { continue };
            let Some((list, _)) = List::ALL.iter().find(|(_, file)| *file == name) else { continue };
            for word in words.split_whitespace() {
                *table.entry(word).or_default() |= 1 << *list as u32;
            }
        }
        table
    });
    &TABLE
}

impl List {
    /// Whether it holds a word, spelt as it stands in the file.
    #[must_use]
    pub fn has(self, word: &str) -> bool {
        !word.is_empty() && table().get(word).is_some_and(|lists| lists >> self as u32 & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{List, TEXT};

    #[test]
    fn every_list_of_the_file_is_known_and_there() {
        let names: Vec<&str> = TEXT
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name)
            .collect();
        assert!(List::ALL.len() <= 128);
        for (_, file) in List::ALL {
            assert_eq!(names.iter().filter(|name| *name == file).count(), 1, "{file}");
        }
        for name in names {
            assert!(List::ALL.iter().any(|(_, file)| *file == name), "{name}");
        }
    }

    #[test]
    fn a_word_is_found_in_its_lists_only() {
        assert!(List::Equals.has("=") && List::Equals.has("is") && !List::Equals.has("over") && !List::Equals.has(""));
        assert!(List::SqlVerb.has("DROP") && !List::SqlVerb.has("drop"));
    }
}
