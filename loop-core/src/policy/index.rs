//! Rules by the tools they can match, and of those by what a call has to say for them to hold: a decision looks at few
//! rules, however many there are.

mod heard;
mod said;
mod sieve;
mod sorted;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use hashbrown::{Equivalent, HashMap};
use smallvec::SmallVec;

use super::{
    condition::{Condition, Deed},
    deed::{Class, classify},
    facts::Said,
    glob,
    kill_switch::MAX_TOOL_NAME,
    lexicon::Concepts,
    mentions,
    snapshot::CompiledRule,
    truth::{Truth, does},
};
use crate::tool::{Risk, name::tokens, risk};

pub use heard::{Heard, survey};
pub use sorted::Sorted;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// How the cache of plans is split, so that threads seldom wait for each other.
const SHARDS: usize = 16;
/// How many plans one shard keeps, and how many rules in all of them; a full shard starts afresh.
const SHARD_MAX: usize = 1024;
const SHARD_RULES_MAX: usize = 262_144;

/// A tool's name as a key. Most stand beside what they lead to: with many tools every memory that is looked at is one
/// that the processor has to wait for.
type Name = SmallVec<[u8; 32]>;

/// The rules of a policy, findable by tool.
#[derive(Debug)]
pub struct Index {
    rules: Vec<Arc<CompiledRule>>,
    /// Tools that rules or the kill switch name, with their plan once it was needed.
    named: Map<Name, Named>,
    /// Rules about doing, by concept.
    by_deed: Vec<Vec<u32>>,
    /// Rules about doing, by verbs that the lexicon lacks.
    by_verb: Map<String, Vec<u32>>,
    /// Rules about things, whatever is done to them, by concept.
    by_thing: Vec<Vec<u32>>,
    /// Whether a condition names a kind of doing or thing anywhere.
    reads_deeds: bool,
    /// Rules that may match any tool, but each in its way.
    others: Vec<u32>,
    /// Rules to which all tools are alike: for calls that do more than looking, and for those that only look.
    doing: Sorted,
    looking: Sorted,
    /// Rules with a pattern for the tool's name.
    patterns: Vec<(String, u32)>,
    /// Plans of other tools, and of tools whose arguments say more than their name.
    seen: Vec<RwLock<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    plans: Map<Key, Arc<Plan>>,
    /// How many rules stand in them.
    rules: usize,
}

#[derive(Debug, Default)]
struct Named {
    blocked: bool,
    rules: Vec<u32>,
    plan: OnceLock<Plan>,
}

/// What is left to judge for one tool.
#[derive(Debug)]
pub struct Plan {
    /// The kill switch names it.
    pub blocked: bool,
    /// The risk its name tells, [`Risk::Medium`] where it tells nothing.
    pub risk: Risk,
    /// The risk its name tells, if any.
    pub told: Option<Risk>,
    /// What its name, and arguments where they did, say it does.
    pub class: Class,
    /// Rules with what is left of their condition, besides those of [`Index::common`].
    pub rules: Sorted,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    tool: Box<str>,
    said: (Concepts, Concepts),
}

#[derive(Hash)]
struct KeyRef<'a> {
    tool: &'a str,
    said: (Concepts, Concepts),
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.tool == *key.tool && self.said == key.said
    }
}

/// What a condition needs of a tool, to find it by.
#[derive(Default)]
struct Needs {
    tools: Vec<String>,
    patterns: Vec<String>,
    does: Concepts,
    verbs: Vec<String>,
    things: Concepts,
    anything: bool,
}

impl Index {
    /// Builds the index.
    #[must_use]
    pub fn build(rules: Vec<Arc<CompiledRule>>, blocked: Vec<String>) -> Self {
        let concepts = Concepts::ALL.iter().count();
        let mut index = Self {
            named: Map::default(),
            by_deed: vec![Vec::new(); concepts],
            by_verb: Map::default(),
            by_thing: vec![Vec::new(); concepts],
            others: Vec::new(),
            doing: Sorted::default(),
            looking: Sorted::default(),
            reads_deeds: rules.iter().any(|rule| {
                rule.condition.any_part(&|part| {
                    matches!(
                        part,
                        Condition::Deed(_)
                            | Condition::Money
                            | Condition::Command(_)
                            | Condition::Named(_)
                            | Condition::Mentions(_)
                            | Condition::Path(_)
                            | Condition::Count { .. }
                    )
                })
            }),
            patterns: Vec::new(),
            seen: (0..SHARDS).map(|_| RwLock::default()).collect(),
            rules: Vec::new(),
        };
        let (mut doing, mut looking) = (Vec::new(), Vec::new());
        for (at, rule) in (0_u32..).zip(&rules) {
            if is_common(&rule.condition) {
                doing.push((at, common(&rule.condition, Truth::Yes, Condition::DEPTH_MAX)));
                looking.push((at, common(&rule.condition, Truth::No, Condition::DEPTH_MAX)));
                continue;
            }
            let mut needs = Needs::default();
            needs_of(&rule.condition, &mut needs);
            if needs.anything {
                index.others.push(at);
                continue;
            }
            for tool in needs.tools {
                let named = index.named.entry(Name::from_slice(tool.as_bytes())).or_default();
                if named.rules.last() != Some(&at) {
                    named.rules.push(at);
                }
            }
            for verb in needs.verbs {
                let list = index.by_verb.entry(verb).or_default();
                if list.last() != Some(&at) {
                    list.push(at);
                }
            }
            index.patterns.extend(needs.patterns.into_iter().map(|pattern| (pattern, at)));
            for (concepts, lists) in [(needs.does, &mut index.by_deed), (needs.things, &mut index.by_thing)] {
                for concept in concepts.iter() {
                    if let Some(list) = lists.get_mut(concept.index()) {
                        list.push(at);
                    }
                }
            }
        }
        for tool in blocked {
            index.named.entry(Name::from_slice(tool.as_bytes())).or_default().blocked = true;
        }
        (index.doing, index.looking) = (Sorted::of(doing), Sorted::of(looking));
        index.rules = rules;
        index
    }

    /// Rules to which all tools are alike, for calls of a class.
    #[must_use]
    pub fn common(&self, class: &Class) -> &Sorted {
        if class.only_looks() { &self.looking } else { &self.doing }
    }

    /// The rules, by id.
    #[must_use]
    pub fn rules(&self) -> &[Arc<CompiledRule>] {
        &self.rules
    }

    /// Whether any rule depends on what is done rather than on a tool's name, so that arguments may matter to which
    /// rules apply.
    #[must_use]
    pub const fn reads_deeds(&self) -> bool {
        self.reads_deeds
    }

    /// The rule at a place of the index.
    #[must_use]
    pub fn rule(&self, at: u32) -> Option<&Arc<CompiledRule>> {
        self.rules.get(at as usize)
    }

    /// Whether the kill switch names a tool.
    #[must_use]
    pub fn is_blocked(&self, tool: &str) -> bool {
        self.named.get(tool.as_bytes()).is_some_and(|named| named.blocked)
    }

    /// Calls `with` with the plan of a tool by its name alone.
    pub fn with_plan<T>(&self, tool: &str, with: impl FnOnce(&Plan) -> T) -> T {
        match self.named.get(tool.as_bytes()) {
            Some(named) => with(named.plan.get_or_init(|| self.plan(tool, classify(tool)))),
            None => self.with_seen(KeyRef { tool, said: Default::default() }, || classify(tool), with),
        }
    }

    /// Calls `with` with the plan of a tool whose arguments say more than its name, which says `class`.
    pub fn with_said<T>(&self, tool: &str, class: &Class, said: Said, with: impl FnOnce(&Plan) -> T) -> T {
        let key = KeyRef { tool, said: (said.does, said.things) };
        self.with_seen(key, || super::deed::combined(class, said), with)
    }

    fn with_seen<T>(&self, key: KeyRef<'_>, class: impl FnOnce() -> Class, with: impl FnOnce(&Plan) -> T) -> T {
        use std::hash::BuildHasher as _;
        // Doors refuse longer names; here they must at least not be kept.
        if key.tool.len() > MAX_TOOL_NAME {
            return with(&self.plan(key.tool, class()));
        }
        let hash = self.named.hasher().hash_one(&key);
        let Some(shard) = self.seen.get(hash as usize % SHARDS) else { return with(&self.plan(key.tool, class())) };
        // No lock is held while `with` runs: it may ask for another plan.
        let known = shard.read().unwrap_or_else(PoisonError::into_inner).plans.get(&key).cloned();
        if let Some(plan) = known {
            return with(&plan);
        }
        let plan = Arc::new(self.plan(key.tool, class()));
        let mut kept = shard.write().unwrap_or_else(PoisonError::into_inner);
        if kept.plans.len() >= SHARD_MAX || kept.rules >= SHARD_RULES_MAX {
            *kept = Shard::default();
        }
        if kept.plans.insert(Key { tool: key.tool.into(), said: key.said }, Arc::clone(&plan)).is_none() {
            kept.rules = kept.rules.saturating_add(plan.rules.len());
        }
        drop(kept);
        with(&plan)
    }

    /// Works out what is left to judge for a tool.
    fn plan(&self, tool: &str, class: Class) -> Plan {
        let named = self.named.get(tool.as_bytes());
        let mut candidates: Vec<u32> = self.others.clone();
        candidates.extend(named.into_iter().flat_map(|named| &named.rules));
        candidates.extend(self.patterns.iter().filter(|(pattern, _)| glob::fits(pattern, tool)).map(|(_, at)| at));
        let lists = |concepts: Concepts, lists: &[Vec<u32>], into: &mut Vec<u32>| {
            for concept in concepts.iter() {
                into.extend(lists.get(concept.index()).into_iter().flatten());
            }
        };
        lists(class.does, &self.by_deed, &mut candidates);
        // By the judge's own comparison: there are few verbs that no concept stands for.
        for (verb, rules) in &self.by_verb {
            if mentions::is_done(std::slice::from_ref(verb), &class) {
                candidates.extend(rules);
            }
        }
        // A name without a known thing may be about any.
        let things = if super::truth::is_thingless(&class) { Concepts::ALL } else { class.things };
        lists(things, &self.by_thing, &mut candidates);
        candidates.sort_unstable();
        candidates.dedup();
        let told = risk::told(&tokens(tool));
        let left = candidates
            .into_iter()
            .filter_map(|at| Some((at, resolve(&self.rule(at)?.condition, tool, &class, Condition::DEPTH_MAX))));
        Plan {
            blocked: named.is_some_and(|named| named.blocked),
            risk: told.unwrap_or(Risk::Medium),
            told,
            rules: Sorted::of(left.collect()),
            class,
        }
    }
}

/// Whether all tools are alike to a condition, but for looking and doing.
fn is_common(condition: &Condition) -> bool {
    let tells = |part: &Condition| matches!(part, Condition::Tool(_) | Condition::ToolLike(_) | Condition::Deed(_));
    match condition {
        Condition::All(inner) | Condition::Any(inner) => inner.iter().all(is_common),
        Condition::Not(one) => !one.any_part(&tells),
        Condition::Deed(deed) => *deed == Deed::default(),
        other => !tells(other),
    }
}

/// What is left of such a condition once it is known whether a call does more than looking.
fn common(condition: &Condition, doing: Truth, depth: usize) -> Condition {
    let Some(below) = depth.checked_sub(1) else { return condition.clone() };
    let each = |conditions: &[Condition]| conditions.iter().map(|one| common(one, doing, below)).collect();
    match condition {
        Condition::All(all) => Condition::all(each(all)),
        Condition::Any(any) => Condition::any(each(any)),
        Condition::Not(one) => Condition::negated(common(one, doing, below)),
        Condition::Deed(_) if doing == Truth::No => Condition::NEVER,
        Condition::Deed(_) => Condition::ALWAYS,
        other => other.clone(),
    }
}

/// What a rule needs of a tool so that its condition can be anything but false.
fn needs_of(condition: &Condition, needs: &mut Needs) {
    match condition {
        Condition::Tool(name) => needs.tools.push(name.clone()),
        Condition::ToolLike(pattern) => needs.patterns.push(pattern.clone()),
        Condition::Deed(deed) if !deed.is_any_doing() => {
            needs.does = needs.does.with(deed.does);
            needs.verbs.extend(deed.verbs.iter().cloned());
        }
        // Names of things may stand in arguments too, so a deed with any is tried for all.
        Condition::Deed(deed) if !deed.things.is_empty() && deed.nouns.is_empty() => {
            needs.things = needs.things.with(deed.things);
        }
        Condition::Any(any) => any.iter().for_each(|one| needs_of(one, needs)),
        // All must hold, so one of them is enough to find it by: the narrowest.
        Condition::All(all) => {
            let rank = |one: &&Condition| match one {
                Condition::Tool(_) => 0,
                Condition::ToolLike(_) => 1,
                Condition::Deed(deed) if !deed.is_any_doing() => 2,
                Condition::Deed(deed) if !deed.things.is_empty() && deed.nouns.is_empty() => 3,
                Condition::Any(any)
                    if any.iter().all(|one| matches!(one, Condition::Tool(_) | Condition::ToolLike(_))) =>
                {
                    1
                }
                Condition::Any(_) => 4,
                _ => 5,
            };
            match all.iter().min_by_key(rank) {
                Some(one) => needs_of(one, needs),
                None => needs.anything = true,
            }
        }
        _ => needs.anything = true,
    }
}

/// What is left of a condition once the tool and what it does are known.
pub(super) fn resolve(condition: &Condition, tool: &str, class: &Class, depth: usize) -> Condition {
    let Some(below) = depth.checked_sub(1) else { return condition.clone() };
    let each = |conditions: &[Condition]| conditions.iter().map(|one| resolve(one, tool, class, below)).collect();
    let known = |truth: bool| if truth { Condition::ALWAYS } else { Condition::NEVER };
    match condition {
        Condition::All(all) => Condition::all(each(all)),
        Condition::Any(any) => Condition::any(each(any)),
        Condition::Not(one) => Condition::negated(resolve(one, tool, class, below)),
        Condition::Tool(name) => known(name == tool),
        Condition::ToolLike(pattern) => known(glob::fits(pattern, tool)),
        Condition::Deed(deed) => match does(deed, class) {
            Truth::Yes => Condition::ALWAYS,
            Truth::No => Condition::NEVER,
            Truth::Unclear => condition.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::Index;
    use crate::policy::kill_switch::MAX_TOOL_NAME;

    fn kept(index: &Index) -> usize {
        index.seen.iter().map(|shard| shard.read().unwrap().plans.len()).sum()
    }

    #[test]
    fn no_plan_is_kept_for_a_name_that_is_too_long() {
        let index = Index::build(Vec::new(), Vec::new());
        let longest = "x".repeat(MAX_TOOL_NAME);
        for n in 0..100 {
            assert!(!index.with_plan(&format!("{longest}{n}"), |plan| plan.blocked));
        }
        assert_eq!(kept(&index), 0);
        index.with_plan(&longest, |_| ());
        assert_eq!(kept(&index), 1);
    }
}
