//! Where loops stand: what a decision has to know of a loop and its ancestors.

use std::{hash::BuildHasher as _, sync::Arc};

use hashbrown::{HashTable, hash_table::Entry};
use smallvec::SmallVec;

use crate::{
    access::{MAX_LINE, Plan},
    base::{Risk, id::LoopId},
};

type Shard = HashTable<(LoopId, Member)>;

/// How the loops of a tenant are split, so that a change copies few of them.
const SHARDS: usize = 64;

/// What a decision reads of one loop.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its tag, under which rules about agents see it.
    pub tag: Arc<str>,
    /// The loop above it.
    pub parent: Option<LoopId>,
    /// What it pays for.
    pub plan: Plan,
    /// Whether it may do nothing at all.
    pub suspended: bool,
    /// The greatest risk it may take.
    pub ceiling: Option<Risk>,
    /// The most credits one call may cost.
    pub spend_limit: Option<u64>,
}

/// Where one loop stands together with all its ancestors: the narrowest of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Its own tag.
    pub tag: &'a str,
    /// The least plan.
    pub plan: Plan,
    /// Whether any of them is suspended.
    pub suspended: bool,
    /// The lowest ceiling.
    pub ceiling: Option<Risk>,
    /// The lowest limit on what one call may cost, in credits.
    pub spend_limit: Option<u64>,
}

/// The loops of a tenant. A clone shares everything; a change copies one shard.
#[derive(Debug, Clone, Default)]
pub struct Loops {
    hasher: foldhash::fast::RandomState,
    /// None until there is a loop.
    shards: Box<[Arc<Shard>]>,
}

impl Loops {
    /// Adds a loop, or replaces what is known of it.
    pub fn put(&mut self, id: LoopId, member: Member) {
        if self.shards.is_empty() {
            self.shards = std::iter::repeat_with(Arc::default).take(SHARDS).collect();
        }
        let hash = self.hasher.hash_one(id);
        let hasher = self.hasher.clone();
        let Some(shard) = self.shards.get_mut(place(hash)) else { return };
        match Arc::make_mut(shard).entry(hash, |(known, _)| *known == id, |(known, _)| hasher.hash_one(known)) {
            Entry::Occupied(mut known) => known.get_mut().1 = member,
            Entry::Vacant(free) => {
                free.insert((id, member));
            }
        }
    }

    /// What is known of one loop itself.
    #[must_use]
    pub fn get(&self, id: LoopId) -> Option<&Member> {
        // One hash finds the shard and the place in it: a step looks up to five loops up.
        let hash = self.hasher.hash_one(id);
        self.shards.get(place(hash))?.find(hash, |(known, _)| *known == id).map(|(_, member)| member)
    }

    /// The loop and its ancestors, itself first. `None` when one of them is unknown or the line is too long, so
    /// that nothing can be said of it.
    #[must_use]
    pub fn lineage(&self, id: LoopId) -> Option<SmallVec<[LoopId; MAX_LINE]>> {
        let mut line = SmallVec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            if line.len() == MAX_LINE {
                return None;
            }
            line.push(id);
            next = self.get(id)?.parent;
        }
        Some(line)
    }

    /// Where a loop stands with its ancestors; `None` as with [`Self::lineage`].
    #[must_use]
    pub fn standing(&self, id: LoopId) -> Option<Standing<'_>> {
        let first = self.get(id)?;
        let mut standing = Standing {
            tag: &first.tag,
            plan: first.plan,
            suspended: first.suspended,
            ceiling: first.ceiling,
            spend_limit: first.spend_limit,
        };
        let mut next = first.parent;
        for _ in 1..MAX_LINE {
            let Some(id) = next else { return Some(standing) };
            let above = self.get(id)?;
            standing.plan = standing.plan.min(above.plan);
            standing.suspended |= above.suspended;
            standing.ceiling = least(standing.ceiling, above.ceiling);
            standing.spend_limit = least(standing.spend_limit, above.spend_limit);
            next = above.parent;
        }
        next.is_none().then_some(standing)
    }
}

/// The shard of a hash, by bits that the table in it does not go by.
const fn place(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// The smaller of two limits; none is no limit.
fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Loops, Member};
    use crate::{
        access::{MAX_LINE, Plan},
        base::{Risk, Seed, Time, id::LoopId},
    };

    fn ids(count: usize) -> Vec<LoopId> {
        let mut seed = Seed::new([5; 32]);
        (0..count).map(|_| LoopId::draw(Time::from_micros(1_763_800_000_000_000), &mut seed)).collect()
    }

    fn member(parent: Option<LoopId>) -> Member {
        Member { tag: "t".into(), parent, plan: Plan::Business, suspended: false, ceiling: None, spend_limit: None }
    }

    fn risks() -> impl Strategy<Value = Option<Risk>> {
        prop::sample::select(vec![None, Some(Risk::Low), Some(Risk::Medium), Some(Risk::High), Some(Risk::Critical)])
    }

    proptest! {
        #[test]
        fn a_loop_stands_no_wider_than_any_ancestor(
            line in prop::collection::vec(
                (prop::sample::select(vec![Plan::Free, Plan::Pro, Plan::Business]), prop::bool::weighted(0.1), risks()),
                1..=MAX_LINE,
            ),
        ) {
            let ids = ids(line.len());
            let mut loops = Loops::default();
            for (at, (plan, suspended, ceiling)) in line.iter().copied().enumerate() {
                let parent = at.checked_sub(1).map(|above| ids[above]);
                loops.put(ids[at], Member { plan, suspended, ceiling, ..member(parent) });
            }
            let standing = loops.standing(*ids.last().unwrap()).unwrap();
            let most = |ceiling: Option<Risk>| ceiling.unwrap_or(Risk::Critical);
            for (plan, suspended, ceiling) in line {
                prop_assert!(standing.plan <= plan);
                prop_assert!(standing.suspended || !suspended);
                prop_assert!(most(standing.ceiling) <= most(ceiling));
            }
            prop_assert_eq!(loops.lineage(*ids.last().unwrap()).unwrap().len(), ids.len());
        }
    }

    #[test]
    fn nothing_is_said_of_a_broken_line() {
        let ids = ids(8);
        let mut loops = Loops::default();
        loops.put(ids[0], member(Some(ids[7])));
        assert!(loops.standing(ids[0]).is_none() && loops.lineage(ids[0]).is_none(), "the parent is unknown");
        assert!(loops.standing(ids[6]).is_none() && loops.lineage(ids[6]).is_none());
        loops.put(ids[1], member(Some(ids[1])));
        assert!(loops.standing(ids[1]).is_none() && loops.lineage(ids[1]).is_none(), "a circle");
        for at in 2..8 {
            loops.put(ids[at], member((at > 2).then(|| ids[at - 1])));
        }
        assert!(loops.standing(ids[6]).is_some(), "five in a line");
        assert!(loops.standing(ids[7]).is_none() && loops.lineage(ids[7]).is_none(), "six in a line");
    }

    #[test]
    fn a_clone_keeps_what_it_was() {
        let ids = ids(200);
        let mut loops = Loops::default();
        ids.iter().for_each(|id| loops.put(*id, member(None)));
        let before = loops.clone();
        loops.put(ids[0], Member { suspended: true, ..member(None) });
        assert!(loops.standing(ids[0]).unwrap().suspended && !before.standing(ids[0]).unwrap().suspended);
        assert!(ids.iter().all(|id| before.get(*id).is_some()));
    }
}
