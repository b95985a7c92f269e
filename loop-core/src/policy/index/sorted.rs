//! Rules with what is left of their condition for some tools, sorted by what a call has to say for them to hold.

use std::{cmp::Ordering, sync::Arc};

use smallvec::SmallVec;

use super::{
    heard::{Asked, Heard},
    said::{Said, Wanted},
    sieve::Sieve,
};
use crate::{
    base::Decimal,
    policy::{
        condition::{Condition, Limit},
        facts::Amounts,
        money::Currency,
        snapshot::CompiledRule,
        truth::{Call, Truth},
    },
};

/// For how many rules what is left of their condition is kept. With more, few are found, and those are judged by their
/// whole condition: a large policy has many such lists.
const KEPT: usize = 64;

/// Rules with what is left of their condition.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Rules that hang on one amount being over a limit, by currency.
    pub limits: SmallVec<[Limits; 1]>,
    /// All other rules, with what is left of their condition where that is kept.
    rest: Vec<(u32, Option<Box<Condition>>)>,
    sieve: Sieve,
    reads_amounts: bool,
    wanted: Wanted,
}

/// Rules of one currency, by rising limit.
#[derive(Debug)]
pub struct Limits {
    /// The currency; any when absent.
    pub currency: Option<Currency>,
    /// The first of `rising`: an amount that does not pass it passes none.
    pub lowest: Limit,
    /// The limits with their rules.
    pub rising: Vec<(Limit, u32)>,
}

impl Sorted {
    /// Sorts rules; those that hold for no call are left out.
    pub(super) fn of(rules: Vec<(u32, Condition)>) -> Self {
        let mut sorted = Self::default();
        let mut rest = Vec::new();
        for (at, condition) in rules {
            match condition {
                Condition::Amount { range, currency } if range.to.is_none() => {
                    let Some(limit) = range.from else {
                        rest.push((at, Condition::Amount { range, currency }));
                        continue;
                    };
                    match sorted.limits.iter_mut().find(|limits| limits.currency == currency) {
                        Some(limits) => limits.rising.push((limit, at)),
                        None => sorted.limits.push(Limits { currency, lowest: limit, rising: vec![(limit, at)] }),
                    }
                }
                never if never == Condition::NEVER => {}
                left => rest.push((at, left)),
            }
        }
        for limits in &mut sorted.limits {
            // At one value an inclusive limit is passed first.
            limits.rising.sort_by(|(a, x), (b, y)| (a.value, !a.inclusive, x).cmp(&(b.value, !b.inclusive, y)));
            if let Some((lowest, _)) = limits.rising.first() {
                limits.lowest = *lowest;
            }
        }
        sorted.sieve = Sieve::of(&rest);
        sorted.sieve.wants(&mut sorted.wanted);
        let keeps = rest.len() <= KEPT;
        sorted.rest = rest.into_iter().map(|(at, left)| (at, keeps.then(|| Box::new(left)))).collect();
        sorted.reads_amounts = !sorted.limits.is_empty() || sorted.sieve.reads_amounts();
        sorted
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.limits.iter().map(|limits| limits.rising.len()).sum::<usize>().saturating_add(self.rest.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty() && self.rest.is_empty()
    }

    /// Whether [`Sorted::matching`] needs the amounts of a call.
    #[must_use]
    pub const fn reads_amounts(&self) -> bool {
        self.reads_amounts
    }

    /// What of names and counts [`Sorted::matching`] asks for.
    pub(super) const fn asked(&self) -> Asked {
        self.wanted.asked
    }

    /// Every rule but those of `limits`, with a condition that says as much of a call as its own does. `rules` are those
    /// of the index.
    pub fn rest<'s>(&'s self, rules: &'s [Arc<CompiledRule>]) -> impl Iterator<Item = (u32, Option<&'s Condition>)> {
        self.rest.iter().map(|(at, left)| (*at, condition(rules, *at, left)))
    }

    /// Adds the rules of both that a live call matches; one may be added twice. `amounts` are those of the call, `heard` is
    /// what was heard of it before, `rules` are those of the index.
    pub fn matching(
        both: [&Self; 2],
        call: &Call<'_>,
        amounts: &Amounts,
        heard: &Heard,
        rules: &[Arc<CompiledRule>],
        matched: &mut SmallVec<[u32; 8]>,
    ) {
        let [one, other] = both;
        both.iter().flat_map(|sorted| &sorted.limits).for_each(|limits| over(limits, amounts, matched));
        if one.rest.is_empty() && other.rest.is_empty() {
            return;
        }
        // What is read of a call serves both.
        let said = Said::new(call, amounts, heard, [&one.wanted, &other.wanted]);
        both.iter().for_each(|sorted| sorted.of_rest(&said, rules, matched));
    }

    fn of_rest(&self, said: &Said<'_>, rules: &[Arc<CompiledRule>], matched: &mut SmallVec<[u32; 8]>) {
        let mut found = SmallVec::new();
        self.sieve.find(said, &mut found);
        found.sort_unstable();
        found.dedup();
        let found = found.iter().filter_map(|place| self.rest.get(*place as usize));
        // A rule that is not there cannot be judged: it is told as matched, and then as missing.
        let holds = |(at, left): &&(u32, Option<Box<Condition>>)| {
            condition(rules, *at, left).is_none_or(|condition| said.call.judge(condition).most != Truth::No)
        };
        matched.extend(found.filter(holds).map(|(at, _)| *at));
    }
}

fn condition<'s>(rules: &'s [Arc<CompiledRule>], at: u32, left: &'s Option<Box<Condition>>) -> Option<&'s Condition> {
    left.as_deref().or_else(|| rules.get(at as usize).map(|rule| &rule.condition))
}

/// Rules whose limit an amount passes. All match when no amount stands there, one cannot be read, or one is in
/// another currency.
fn over(limits: &Limits, amounts: &Amounts, matched: &mut SmallVec<[u32; 8]>) {
    let passes = |most: Decimal, limit: &Limit| match most.cmp(&limit.value) {
        Ordering::Greater => true,
        Ordering::Equal => limit.inclusive,
        Ordering::Less => false,
    };
    let passed = match hull(amounts, limits.currency) {
        Some((_, most)) if !passes(most, &limits.lowest) => return,
        Some((_, most)) => limits.rising.partition_point(|(limit, _)| passes(most, limit)),
        None => limits.rising.len(),
    };
    matched.extend(limits.rising.iter().take(passed).map(|(_, at)| *at));
}

/// The least and the largest amount of a call. `None` when no amount stands there, one cannot be read, or one is in
/// another currency: then every limit may be passed.
pub(super) fn hull(amounts: &Amounts, currency: Option<Currency>) -> Option<(Decimal, Decimal)> {
    let foreign = |found| matches!((currency, found), (Some(wanted), Some(found)) if wanted != found);
    let mut hull: Option<(Decimal, Decimal)> = None;
    for (value, found) in amounts {
        let value = value.filter(|_| !foreign(*found))?;
        hull = Some(hull.map_or((value, value), |(least, most)| (least.min(value), most.max(value))));
    }
    hull
}
