//! What a live call says, as rules are found by it. What cannot be told of a call finds every rule that asks for it.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::sorted::hull;
use crate::{
    base::{Decimal, json::Kind},
    policy::{
        action::Action,
        arguments,
        condition::{Condition, Limit, Range, Whom},
        counting,
        facts::{self, Amounts, Counted, Fact, FactKind, Roles},
        lexicon::cut,
        mentions::{self, Starts},
        money::Currency,
        print::Print,
        truth::{Call, Source, agent_keys, print_of_agent},
    },
};

/// What is said by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Agent,
    Domain,
    Address,
    Place,
    Party,
    Word,
    Product,
}

/// What is said as a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Number {
    Amount(Option<Currency>),
    Percent,
    /// Of what, by its name where that says more.
    Count(Counted, Option<Box<str>>),
}

/// Prints of names.
pub(super) type Prints = SmallVec<[u64; 8]>;

/// What is looked for in a call, so that nothing else is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    names: u8,
    counts: bool,
    starts: Starts,
}

impl Wanted {
    pub(super) fn add_name(&mut self, name: Name, starts: &Starts) {
        self.names |= 1 << name as u8;
        self.starts.merge(starts);
    }

    pub(super) fn add_number(&mut self, number: &Number) {
        self.counts |= matches!(number, Number::Count(..));
    }

    pub(super) fn with(mut self, other: &Self) -> Self {
        self.names |= other.names;
        self.counts |= other.counts;
        self.starts.merge(&other.starts);
        self
    }

    const fn has(&self, name: Name) -> bool {
        self.names >> name as u8 & 1 == 1
    }
}

/// By which names a call is found that a part of a condition may hold for. Adds to `starts` with what words begin.
pub(super) fn names(part: &Condition, starts: &mut Starts) -> Option<(Name, Vec<u64>)> {
    let each = |texts: &[String], print: fn(&str) -> u64| texts.iter().map(|text| print(text)).collect();
    Some(match part {
        Condition::Agent(names) => {
            (Name::Agent, names.iter().flat_map(|name| agent_keys(name)).map(|key| Print::of(key.bytes())).collect())
        }
        Condition::Recipient(Whom::In(domains)) => (Name::Domain, each(domains, Print::of_domain)),
        Condition::Recipient(Whom::Address(addresses)) => (Name::Address, each(addresses, Print::of_any_case)),
        Condition::Place(places) => (Name::Place, each(places, Print::of_any_case)),
        Condition::Party(names) => (Name::Party, each(names, Print::of_any_case)),
        Condition::Named(names) => {
            let firsts = names.iter().filter_map(|name| name.split('_').next()).flat_map(arguments::aliases);
            let joined = names.iter().map(|name| name.split('_').collect::<String>());
            let joined = joined.map(|name| Print::of(name.bytes()));
            (Name::Product, firsts.map(|name| Print::of(name.bytes())).chain(joined).collect())
        }
        Condition::Mentions(phrases) => (Name::Word, words(phrases, starts)?),
        // A verb that no concept stands for changes what a name says.
        Condition::Deed(deed) if !deed.nouns.is_empty() && deed.things.is_empty() && deed.verbs.is_empty() => {
            (Name::Word, words(&deed.nouns, starts)?)
        }
        _ => return None,
    })
}

/// By which words phrases are found; `None` when one may be meant without a word of its own.
fn words(phrases: &[String], starts: &mut Starts) -> Option<Vec<u64>> {
    if phrases.iter().any(|phrase| mentions::has_kind(phrase)) {
        return None;
    }
    let mut prints = Vec::new();
    let all = mentions::each_needed(phrases, &mut |word| {
        starts.add(word);
        mentions::roots(word, &mut |print| prints.push(print));
    });
    prints.sort_unstable();
    prints.dedup();
    all.then_some(prints)
}

/// In which range a number lies that a part of a condition may hold for; `denied` when it stands under `not`.
pub(super) fn range(part: &Condition, denied: bool) -> Option<(Number, Range)> {
    let (number, range) = match part {
        Condition::Amount { range, currency } => (Number::Amount(*currency), *range),
        Condition::Percent(range) => (Number::Percent, *range),
        Condition::Count { of, noun, range } => {
            let noun = noun.as_deref().filter(|noun| !counting::says_little(noun));
            (Number::Count(*of, noun.map(Into::into)), *range)
        }
        _ => return None,
    };
    let beyond = |limit: Option<Limit>| limit.map(|limit| Limit { inclusive: !limit.inclusive, ..limit });
    let range = match (denied, range.from, range.to) {
        (false, ..) => range,
        (true, Some(_), None) => Range { from: None, to: beyond(range.from) },
        (true, None, Some(_)) => Range { from: beyond(range.to), to: None },
        (true, ..) => return None,
    };
    (range.from.is_some() || range.to.is_some()).then_some((number, range))
}

/// A live call, with what was asked about it before.
pub(super) struct Said<'a> {
    pub(super) call: &'a Call<'a>,
    amounts: &'a Amounts,
    wanted: Wanted,
    agent: OnceCell<Option<u64>>,
    heard: OnceCell<Heard>,
    words: OnceCell<Option<Prints>>,
}

/// Roles of arguments of which names and counts are read.
const HEARD: Roles = Roles::RECIPIENT
    .with(Roles::PERSONAL)
    .with(Roles::PLACE)
    .with(Roles::COUNT)
    .with(Roles::NAMES_MANY)
    .with(Roles::SHELL)
    .with(Roles::NAMES_PARTY)
    .with(Roles::NAMES_PRODUCT);

/// Names of one sort, and whether there may be others.
#[derive(Default)]
struct Names {
    prints: SmallVec<[u64; 4]>,
    open: bool,
}

/// What stands in the values of a call, read in one go.
#[derive(Default)]
struct Heard {
    domains: Names,
    addresses: Names,
    places: Names,
    parties: Names,
    products: Names,
    /// How many there are, recipients added up and the most of anything else.
    recipients: Option<u64>,
    items: Option<u64>,
}

impl<'a> Said<'a> {
    /// Asks a call for what is `wanted`; anything else is not to be asked for.
    pub(super) fn new(call: &'a Call<'a>, amounts: &'a Amounts, wanted: Wanted) -> Self {
        Self { call, amounts, wanted, agent: OnceCell::new(), heard: OnceCell::new(), words: OnceCell::new() }
    }

    const fn action(&self) -> Option<&'a Action<'a>> {
        match self.call.source {
            Source::Live(action) => Some(action),
            Source::Stored(..) => None,
        }
    }

    /// Calls `each` with the prints of the names that a call says; false when it cannot be told which.
    pub(super) fn each_name(&self, name: Name, each: &mut dyn FnMut(u64)) -> bool {
        let Some(action) = self.action().filter(|_| self.wanted.has(name)) else { return false };
        let heard = || self.heard.get_or_init(|| self.hear(action));
        let names = match name {
            Name::Agent => {
                let agent = self.agent.get_or_init(|| self.call.agent.map(print_of_agent));
                agent.iter().for_each(|print| each(*print));
                return agent.is_some();
            }
            Name::Word => {
                let Some(words) = self.words.get_or_init(|| self.words(action)) else { return false };
                words.iter().for_each(|word| each(*word));
                return true;
            }
            Name::Product => {
                self.call.class.words.iter().for_each(|word| each(Print::of(word.bytes())));
                heard().products.prints.iter().for_each(|print| each(*print));
                return true;
            }
            Name::Domain => &heard().domains,
            Name::Address => &heard().addresses,
            Name::Place => &heard().places,
            Name::Party => &heard().parties,
        };
        names.prints.iter().for_each(|print| each(*print));
        !names.open && !names.prints.is_empty()
    }

    fn hear(&self, action: &Action<'_>) -> Heard {
        let mut heard = Heard::default();
        let wanted = &self.wanted;
        let received = wanted.has(Name::Domain) || wanted.has(Name::Address);
        facts::each_leaf(action, &mut |leaf| {
            // Nothing else is read of any value; lists are counted whatever they are called.
            if !leaf.roles.any(HEARD) && !matches!(leaf.value.kind(), Kind::Array) {
                return;
            }
            if received {
                facts::of_leaf(leaf, FactKind::Recipients, &mut |fact| heard.recipient(fact));
            }
            if wanted.has(Name::Place) {
                facts::of_leaf(leaf, FactKind::Places, &mut |fact| {
                    if let Fact::Place(place) = fact {
                        heard.places.prints.push(Print::of_any_case(place));
                    }
                });
            }
            if wanted.counts {
                facts::of_leaf(leaf, FactKind::Counts, &mut |fact| heard.count(fact));
            }
            if wanted.has(Name::Party)
                && leaf.roles.any(Roles::NAMES_PARTY)
                && let Some(party) = arguments::party_of(leaf.key, leaf.value)
            {
                heard.parties.prints.push(Print::of_any_case(party));
            }
            if wanted.has(Name::Product)
                && leaf.roles.any(Roles::NAMES_PRODUCT)
                && let Some(text) = leaf.value.as_str()
            {
                heard.products.prints.extend(cut(text).iter().map(|word| Print::of(word.bytes())));
            }
        });
        if received {
            facts::of_address(action, FactKind::Recipients, &mut |fact| heard.recipient(fact));
        }
        heard
    }

    /// All words that the call may be said to speak of, of those that are wanted; `None` when it leaves open what it
    /// speaks of.
    fn words(&self, action: &Action<'_>) -> Option<Prints> {
        if self.call.may_mean_anything() {
            return None;
        }
        let starts = &self.wanted.starts;
        let mut prints = Prints::new();
        let mut whole = true;
        let mut add = |word: &str| mentions::roots(word, &mut |print| prints.push(print));
        mentions::each_in(&mentions::words_of_all(&self.call.class.words), starts, &mut add);
        facts::each_leaf(action, &mut |leaf| {
            if !leaf.key.is_empty() {
                whole &= mentions::each_word(leaf.key, leaf.value, starts, &mut add);
            }
        });
        if !whole {
            return None;
        }
        prints.sort_unstable();
        prints.dedup();
        Some(prints)
    }

    /// The least and the largest number that a call says; `None` when it cannot be told.
    pub(super) fn hull(&self, number: &Number) -> Option<(Decimal, Decimal)> {
        match number {
            Number::Amount(currency) => hull(self.amounts, *currency),
            Number::Percent => {
                let mut sure = true;
                let mut hull: Option<(Decimal, Decimal)> = None;
                facts::each(self.action()?, FactKind::Percents, &mut |fact| match fact {
                    Fact::Percent(Some(value)) => {
                        hull = Some(hull.map_or((value, value), |(least, most)| (least.min(value), most.max(value))));
                    }
                    _ => sure = false,
                });
                hull.filter(|_| sure)
            }
            Number::Count(of, noun) => {
                let action = self.action().filter(|_| self.wanted.counts)?;
                let heard = self.heard.get_or_init(|| self.hear(action));
                let plain = match of {
                    Counted::Recipients => heard.recipients,
                    Counted::Items => heard.items,
                };
                let number = plain
                    .filter(|_| noun.is_none())
                    .or_else(|| self.call.counted(*of, noun.as_deref()))
                    .and_then(|number| i64::try_from(number).ok())
                    .map(Decimal::whole)?;
                Some((number, number))
            }
        }
    }
}

impl Heard {
    fn recipient(&mut self, fact: Fact<'_>) {
        let Fact::Recipient { text, domain } = fact else { return };
        match domain {
            Some(domain) => Print::each_above(domain, &mut |print| self.domains.prints.push(print)),
            None => self.domains.open = true,
        }
        match text {
            Some(text) => self.addresses.prints.push(Print::of_any_case(text)),
            None => self.addresses.open = true,
        }
    }

    /// As [`Call::counted`] does where nothing is said of what is counted.
    fn count(&mut self, fact: Fact<'_>) {
        let Fact::Count { of, number, plain: true, .. } = fact else { return };
        match of {
            Counted::Recipients => {
                self.recipients = Some(self.recipients.unwrap_or(0).saturating_add(number));
            }
            Counted::Items => self.items = self.items.max(Some(number)),
        }
    }
}
