//! What a live call says, as rules are found by it. What cannot be told of a call finds every rule that asks for it.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::{
    heard::{Asked, Heard},
    sorted::hull,
};
use crate::{
    base::Decimal,
    policy::{
        action::Action,
        arguments,
        condition::{Condition, Limit, Range, Whom},
        counting,
        facts::{self, Amounts, Counted, Fact, FactKind},
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
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) asked: Asked,
    starts: Starts,
}

impl Wanted {
    pub(super) fn add_name(&mut self, name: Name, starts: &Starts) {
        self.asked.names |= 1 << name as u8;
        self.starts.merge(starts);
    }

    pub(super) fn add_number(&mut self, number: &Number) {
        self.asked.counts |= matches!(number, Number::Count(..));
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
    wanted: [&'a Wanted; 2],
    asked: Asked,
    agent: OnceCell<Option<u64>>,
    before: &'a Heard,
    heard: OnceCell<Heard>,
    words: OnceCell<Option<Prints>>,
}

impl<'a> Said<'a> {
    /// Asks a call for what is `wanted`; anything else is not to be asked for.
    pub(super) fn new(call: &'a Call<'a>, amounts: &'a Amounts, before: &'a Heard, wanted: [&'a Wanted; 2]) -> Self {
        let [one, other] = wanted;
        let asked = one.asked.with(other.asked);
        let (agent, heard, words) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { call, amounts, wanted, asked, agent, before, heard, words }
    }

    const fn action(&self) -> Option<&'a Action<'a>> {
        match self.call.source {
            Source::Live(action) => Some(action),
            Source::Stored(..) => None,
        }
    }

    /// Calls `each` with the prints of the names that a call says; false when it cannot be told which.
    pub(super) fn each_name(&self, name: Name, each: &mut dyn FnMut(u64)) -> bool {
        let Some(action) = self.action().filter(|_| self.asked.has(name)) else { return false };
        match name {
            Name::Agent => {
                let agent = self.agent.get_or_init(|| self.call.agent.map(print_of_agent));
                agent.iter().for_each(|print| each(*print));
                agent.is_some()
            }
            Name::Word => {
                let Some(words) = self.words.get_or_init(|| self.words(action)) else { return false };
                words.iter().for_each(|word| each(*word));
                true
            }
            Name::Product => {
                self.call.class.words.iter().for_each(|word| each(Print::of(word.bytes())));
                self.heard(action).each(name, each);
                true
            }
            Name::Domain | Name::Address | Name::Place | Name::Party => self.heard(action).each(name, each),
        }
    }

    /// What was read in the walk before, if that is all that is asked for.
    fn heard(&self, action: &Action<'_>) -> &Heard {
        if self.before.covers(self.asked) {
            return self.before;
        }
        self.heard.get_or_init(|| Heard::of(action, self.asked))
    }

    /// All words that the call may be said to speak of, of those that are wanted; `None` when it leaves open what it
    /// speaks of.
    fn words(&self, action: &Action<'_>) -> Option<Prints> {
        if self.call.may_mean_anything() {
            return None;
        }
        let [one, other] = self.wanted;
        let mut starts = one.starts;
        starts.merge(&other.starts);
        let starts = &starts;
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
                let action = self.action().filter(|_| self.asked.counts)?;
                let heard = self.heard(action);
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
