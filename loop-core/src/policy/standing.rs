//! Where loops stand: what a decision has to know of a loop and its ancestors.
//!
//! What holds for a loop together with all its ancestors is folded when the loop, or one above it, changes, so that a
//! decision looks one thing up however deep the loop stands.

use std::{hash::BuildHasher as _, sync::Arc};

use hashbrown::{HashTable, hash_table::Entry};
use smallvec::SmallVec;

use crate::{
    access::{MAX_LINE, Plan},
    base::{Risk, id::LoopId},
};

type Shard<T> = HashTable<(LoopId, T)>;
/// A loop and its ancestors, itself first.
type Line = SmallVec<[LoopId; MAX_LINE]>;

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

/// What is kept of a loop: at hand what every decision reads, apart what only a change of loops does.
#[derive(Debug, Clone)]
struct Place {
    tag: Arc<str>,
    /// What holds for the whole line; `None` when one of it is unknown or it is too long.
    folded: Option<Folded>,
    own: Arc<Own>,
}

/// What the narrowest of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Folded {
    plan: Plan,
    suspended: bool,
    ceiling: Option<Risk>,
    spend_limit: Option<u64>,
}

/// A loop itself, and the line that was folded.
#[derive(Debug)]
struct Own {
    member: Member,
    line: Line,
}

/// The loops of a tenant. A clone shares everything; a change copies few shards.
#[derive(Debug, Clone, Default)]
pub struct Loops {
    hasher: foldhash::fast::RandomState,
    /// Empty until there is a loop.
    shards: Box<[Arc<Shard<Place>>]>,
    /// The loops directly under each loop.
    below: Box<[Arc<Shard<Vec<LoopId>>>]>,
}

impl Loops {
    /// Adds a loop, or replaces what is known of it. Where it and all loops under it stand is folded anew.
    pub fn put(&mut self, id: LoopId, member: Member) {
        if self.shards.is_empty() {
            self.shards = std::iter::repeat_with(Arc::default).take(SHARDS).collect();
            self.below = std::iter::repeat_with(Arc::default).take(SHARDS).collect();
        }
        let before = find(&self.hasher, &self.shards, id);
        let parent = before.map(|known| known.own.member.parent);
        // As it was folded before: whether that is still right is told below.
        let (folded, line) = before.map_or((None, Line::new()), |known| (known.folded, known.own.line.clone()));
        if parent != Some(member.parent) {
            if let Some(old) = parent.flatten() {
                self.children(old, |children| children.retain(|child| *child != id));
            }
            if let Some(parent) = member.parent {
                self.children(parent, |children| children.push(id));
            }
        }
        let tag = Arc::clone(&member.tag);
        self.place(id, Place { tag, folded, own: Arc::new(Own { member, line }) });
        // Loops can come before those above them. A loop whose fold does not change changes nothing under it, so that
        // this ends even where loops stand in a circle.
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            if self.refold(id) {
                todo.extend(find(&self.hasher, &self.below, id).into_iter().flatten());
            }
        }
    }

    /// Folds one loop's line anew; answers whether that made a difference.
    fn refold(&mut self, id: LoopId) -> bool {
        let (folded, line) = self.walk(id).map_or((None, Line::new()), |(folded, line)| (Some(folded), line));
        let Some(known) = find(&self.hasher, &self.shards, id) else { return false };
        if known.folded == folded && known.own.line == line {
            return false;
        }
        let own = Own { member: known.own.member.clone(), line };
        let place = Place { tag: Arc::clone(&known.tag), folded, own: Arc::new(own) };
        self.place(id, place);
        true
    }

    /// What is known of one loop itself.
    #[must_use]
    pub fn get(&self, id: LoopId) -> Option<&Member> {
        find(&self.hasher, &self.shards, id).map(|place| &place.own.member)
    }

    /// The loop and its ancestors, itself first. `None` when one of them is unknown or the line is too long, so
    /// that nothing can be said of it.
    #[must_use]
    pub fn lineage(&self, id: LoopId) -> Option<&[LoopId]> {
        find(&self.hasher, &self.shards, id).map(|place| place.own.line.as_slice()).filter(|line| !line.is_empty())
    }

    /// Where a loop stands with its ancestors; `None` as with [`Self::lineage`].
    #[must_use]
    pub fn standing(&self, id: LoopId) -> Option<Standing<'_>> {
        let place = find(&self.hasher, &self.shards, id)?;
        let Folded { plan, suspended, ceiling, spend_limit } = place.folded?;
        Some(Standing { tag: &place.tag, plan, suspended, ceiling, spend_limit })
    }

    /// Follows a line to its root.
    fn walk(&self, id: LoopId) -> Option<(Folded, Line)> {
        let first = self.get(id)?;
        let mut all = first.folded();
        let mut line = Line::new();
        line.push(id);
        let mut next = first.parent;
        while let Some(id) = next {
            if line.len() == MAX_LINE {
                return None;
            }
            let above = self.get(id)?;
            let own = above.folded();
            all = Folded {
                plan: all.plan.min(own.plan),
                suspended: all.suspended | own.suspended,
                ceiling: least(all.ceiling, own.ceiling),
                spend_limit: least(all.spend_limit, own.spend_limit),
            };
            line.push(id);
            next = above.parent;
        }
        Some((all, line))
    }

    fn place(&mut self, id: LoopId, place: Place) {
        put(&self.hasher, &mut self.shards, id, |known| *known = Some(place));
    }

    fn children(&mut self, id: LoopId, edit: impl FnOnce(&mut Vec<LoopId>)) {
        put(&self.hasher, &mut self.below, id, |known| edit(known.get_or_insert_default()));
    }
}

impl Member {
    /// What holds for the loop itself, whatever stands above it.
    const fn folded(&self) -> Folded {
        Folded { plan: self.plan, suspended: self.suspended, ceiling: self.ceiling, spend_limit: self.spend_limit }
    }
}

/// What a shard holds of a loop. One hash finds the shard and the place in it.
fn find<'s, T>(hasher: &foldhash::fast::RandomState, shards: &'s [Arc<Shard<T>>], id: LoopId) -> Option<&'s T> {
    let hash = hasher.hash_one(id);
    shards.get(place(hash))?.find(hash, |(known, _)| *known == id).map(|(_, value)| value)
}

/// Changes what a shard holds of a loop, copying the shard where others see it.
fn put<T: Clone>(
    hasher: &foldhash::fast::RandomState,
    shards: &mut [Arc<Shard<T>>],
    id: LoopId,
    edit: impl FnOnce(&mut Option<T>),
) {
    let hash = hasher.hash_one(id);
    let Some(shard) = shards.get_mut(place(hash)) else { return };
    match Arc::make_mut(shard).entry(hash, |(known, _)| *known == id, |(known, _)| hasher.hash_one(known)) {
        Entry::Occupied(known) => {
            let ((_, old), free) = known.remove();
            let mut value = Some(old);
            edit(&mut value);
            if let Some(value) = value {
                free.insert((id, value));
            }
        }
        Entry::Vacant(free) => {
            let mut value = None;
            edit(&mut value);
            if let Some(value) = value {
                free.insert((id, value));
            }
        }
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

    /// One of twelve loops, the one above it, and what is known of it.
    type Put = (usize, Option<usize>, Plan, bool, Option<Risk>, Option<u64>);

    /// What may come to be known, in any order and more than once.
    fn puts() -> impl Strategy<Value = Vec<Put>> {
        let plans = prop::sample::select(vec![Plan::Free, Plan::Pro, Plan::Business]);
        let limits = prop::option::of(0..9_u64);
        let parents = prop::option::weighted(0.8, 0..12_usize);
        prop::collection::vec((0..12_usize, parents, plans, prop::bool::weighted(0.2), risks(), limits), 1..60)
    }

    proptest! {
        #[test]
        fn what_was_folded_is_what_walking_finds(puts in puts()) {
            let ids = ids(12);
            let mut loops = Loops::default();
            for (at, parent, plan, suspended, ceiling, spend_limit) in puts {
                let parent = parent.map(|above| ids[above]);
                loops.put(ids[at], Member { plan, suspended, ceiling, spend_limit, ..member(parent) });
                for id in &ids {
                    let walked = loops.walk(*id);
                    let standing = loops.standing(*id).map(|standing| {
                        (standing.plan, standing.suspended, standing.ceiling, standing.spend_limit)
                    });
                    let wanted = walked.as_ref().map(|(all, _)| (all.plan, all.suspended, all.ceiling, all.spend_limit));
                    prop_assert_eq!(standing, wanted);
                    prop_assert_eq!(loops.lineage(*id), walked.as_ref().map(|(_, line)| line.as_slice()));
                }
            }
        }
    }

    #[test]
    fn a_change_reaches_every_loop_under_it_and_no_earlier_snapshot() {
        let ids = ids(5);
        let mut loops = Loops::default();
        for at in 0..5_usize {
            loops.put(ids[at], member(at.checked_sub(1).map(|above| ids[above])));
        }
        let before = loops.clone();
        loops.put(ids[0], Member { suspended: true, ceiling: Some(Risk::Low), ..member(None) });
        for id in &ids {
            let (old, new) = (before.standing(*id).unwrap(), loops.standing(*id).unwrap());
            assert!(!old.suspended && old.ceiling.is_none());
            assert!(new.suspended && new.ceiling == Some(Risk::Low));
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
