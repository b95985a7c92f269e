//! One group of blocks.

use std::cmp::Reverse;

use imbl::OrdMap;

use crate::{
    base::Time,
    store::{BlockQuery, LentBlock, Mark, NewBlock, Order, Place},
};

/// The blocks of one group.
#[derive(Clone, Default)]
pub(super) struct Heap {
    blocks: OrdMap<u64, Block>,
    parts: OrdMap<Place, Vec<u8>>,
    /// The notes, by mark and place.
    marks: OrdMap<(Vec<u8>, Place), Vec<u8>>,
}

#[derive(Clone)]
struct Block {
    first: Time,
    last: Time,
    head: Vec<u8>,
}

impl Block {
    fn lend(&self, no: u64) -> LentBlock<'_> {
        LentBlock { no, first: self.first, last: self.last, head: &self.head }
    }
}

impl Heap {
    pub(super) fn add(&mut self, new: &NewBlock<'_>) -> u64 {
        let no = self.blocks.get_max().map_or(1, |(no, _)| no.saturating_add(1));
        self.blocks.insert(no, Block { first: new.first, last: new.last, head: new.head.to_vec() });
        for (part, body) in (0..).zip(new.parts) {
            self.parts.insert(Place { block: no, part }, body.to_vec());
        }
        for mark in new.marks {
            self.marks.insert((mark.mark.to_vec(), Place { block: no, part: mark.part }), mark.note.to_vec());
        }
        no
    }

    pub(super) fn drop_block(&mut self, no: u64, marks: &[&[u8]]) -> bool {
        if self.blocks.remove(&no).is_none() {
            return false;
        }
        let here = |place: &Place| place.block == no;
        self.parts = self.parts.iter().filter(|(place, _)| !here(place)).map(|(k, v)| (*k, v.clone())).collect();
        let stays = |(mark, place): &(Vec<u8>, Place)| !here(place) || !marks.contains(&mark.as_slice());
        self.marks = self.marks.iter().filter(|(at, _)| stays(at)).map(|(k, v)| (k.clone(), v.clone())).collect();
        true
    }

    pub(super) fn walk(&self, query: &BlockQuery, each: &mut dyn FnMut(&LentBlock<'_>) -> bool) {
        let mut found: Vec<_> = self.blocks.iter().map(|(no, block)| ((block.last, *no), block)).collect();
        found.retain(|((last, _), _)| query.since.is_none_or(|since| *last >= since));
        match query.order {
            Order::Ascending => {
                found.retain(|(at, _)| query.after.is_none_or(|after| *at > after));
                found.sort_by_key(|(at, _)| *at);
            }
            Order::Descending => {
                found.retain(|(at, _)| query.after.is_none_or(|after| *at < after));
                found.sort_by_key(|(at, _)| Reverse(*at));
            }
        }
        for ((_, no), block) in found.into_iter().take(query.limit as usize) {
            if !each(&block.lend(no)) {
                break;
            }
        }
    }

    pub(super) fn look_at(&self, no: u64, each: &mut dyn FnMut(&LentBlock<'_>)) -> bool {
        let found = self.blocks.get(&no);
        if let Some(block) = found {
            each(&block.lend(no));
        }
        found.is_some()
    }

    pub(super) fn part(&self, place: Place) -> Option<Vec<u8>> {
        self.parts.get(&place).cloned()
    }

    pub(super) fn marked(&self, mark: &[u8], after: Option<Place>, limit: u32) -> Vec<Mark> {
        let of_mark = self.marks.iter().filter(|((text, place), _)| text == mark && Some(*place) > after);
        of_mark.take(limit as usize).map(|((_, place), note)| Mark { place: *place, note: note.clone() }).collect()
    }
}
