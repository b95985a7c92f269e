//! What a live call says, as rules are found by it. What cannot be told of a call finds every rule that asks for it.

use std::cell::OnceCell;

use smallvec::SmallVec;

use super::sorted::hull;
use crate::{
    base::{Decimal, json::View},
    policy::{
        action::Action,
        arguments,
        condition::{Condition, Limit, Range, Whom},
        counting,
        facts::{self, Amounts, Counted, Fact, FactKind},
        lexicon::cut,
        mentions,
        money::Currency,
        truth::{Call, Source, agent_key, agent_keys},
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

pub(super) type Names = SmallVec<[String; 4]>;

/// By which names a call is found that a part of a condition may hold for.
pub(super) fn names(part: &Condition) -> Option<(Name, Vec<String>)> {
    let lower = |texts: &[String]| texts.iter().map(|text| text.to_ascii_lowercase()).collect();
    Some(match part {
        Condition::Agent(names) => (Name::Agent, names.iter().flat_map(|name| agent_keys(name)).collect()),
        Condition::Recipient(Whom::In(domains)) => (Name::Domain, lower(domains)),
        Condition::Recipient(Whom::Address(addresses)) => (Name::Address, lower(addresses)),
        Condition::Place(places) => (Name::Place, lower(places)),
        Condition::Party(names) => (Name::Party, lower(names)),
        Condition::Named(names) => {
            let firsts = names.iter().filter_map(|name| name.split('_').next()).flat_map(arguments::aliases);
            let joined = names.iter().map(|name| name.split('_').collect());
            (Name::Product, firsts.map(str::to_owned).chain(joined).collect())
        }
        Condition::Mentions(phrases) if !phrases.iter().any(|phrase| mentions::has_kind(phrase)) => {
            (Name::Word, mentions::any_words(phrases))
        }
        // Kinds may be meant without a word, and a verb that no concept stands for changes what a name says.
        Condition::Deed(deed)
            if !deed.nouns.is_empty()
                && deed.things.is_empty()
                && deed.verbs.is_empty()
                && !deed.nouns.iter().any(|noun| mentions::has_kind(noun)) =>
        {
            (Name::Word, mentions::any_words(&deed.nouns))
        }
        _ => return None,
    })
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
    named: [OnceCell<Option<Names>>; 7],
}

impl<'a> Said<'a> {
    pub(super) fn new(call: &'a Call<'a>, amounts: &'a Amounts) -> Self {
        Self { call, amounts, named: Default::default() }
    }

    const fn action(&self) -> Option<&'a Action<'a>> {
        match self.call.source {
            Source::Live(action) => Some(action),
            Source::Stored(..) => None,
        }
    }

    /// The names that a call says; `None` when it cannot be told which.
    pub(super) fn names(&self, name: Name) -> Option<&Names> {
        self.named.get(name as usize)?.get_or_init(|| self.read(name)).as_ref()
    }

    fn read(&self, name: Name) -> Option<Names> {
        let action = self.action()?;
        let mut names = Names::new();
        let mut sure = true;
        match name {
            Name::Agent => names.push(agent_key(self.call.agent?)),
            Name::Domain => facts::each(action, FactKind::Recipients, &mut |fact| {
                let Fact::Recipient { domain, .. } = fact else { return };
                let Some(domain) = domain else {
                    sure = false;
                    return;
                };
                let domain = domain.to_ascii_lowercase();
                let parents = domain.match_indices('.').filter_map(|(at, _)| domain.get(at + 1..));
                names.extend(parents.map(str::to_owned));
                names.push(domain);
            }),
            Name::Address => facts::each(action, FactKind::Recipients, &mut |fact| match fact {
                Fact::Recipient { text: Some(text), .. } => names.push(text.to_ascii_lowercase()),
                _ => sure = false,
            }),
            Name::Place => facts::each(action, FactKind::Places, &mut |fact| {
                if let Fact::Place(place) = fact {
                    names.push(place.to_ascii_lowercase());
                }
            }),
            Name::Party => each_argument(action, &mut |key, value| {
                if let Some(party) = arguments::party_of(key, value) {
                    names.push(party.to_ascii_lowercase());
                }
            }),
            Name::Word => return self.words(action),
            Name::Product => {
                names.extend(self.call.class.words.iter().cloned());
                each_argument(action, &mut |key, value| {
                    let names_one = arguments::names_something(key) || arguments::carries_command(key);
                    if let Some(text) = value.as_str().filter(|_| names_one) {
                        names.extend(cut(text));
                    }
                });
                return Some(names);
            }
        }
        (sure && !names.is_empty()).then_some(names)
    }

    /// All words that the call may be said to speak of; `None` when it leaves open what it speaks of.
    fn words(&self, action: &Action<'_>) -> Option<Names> {
        if self.call.may_mean_anything() {
            return None;
        }
        let mut names = Names::new();
        let mut whole = true;
        let mut add = |word: &str| mentions::roots(word, &mut |root| names.push(root));
        mentions::each_in(&self.call.class.words, &mut add);
        each_argument(action, &mut |key, value| whole &= mentions::each_word(key, value, &mut add));
        if !whole {
            return None;
        }
        names.sort_unstable();
        names.dedup();
        Some(names)
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
                let number = self
                    .call
                    .counted(*of, noun.as_deref())
                    .and_then(|number| i64::try_from(number).ok())
                    .map(Decimal::whole)?;
                Some((number, number))
            }
        }
    }
}

fn each_argument(action: &Action<'_>, each: &mut dyn FnMut(&str, View<'_>)) {
    facts::each_argument(action.arguments, &mut |key, value, _| each(key, value));
    if let Some(body) = action.forward.and_then(|forward| forward.body) {
        facts::each_argument(body, &mut |key, value, _| each(key, value));
    }
}
