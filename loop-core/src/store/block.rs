//! Values of the operations on [`Blocks`].

use super::{Blocks, Order, StoreError};
use crate::base::Time;

impl Blocks {
    /// The most parts that a block may have.
    pub const MAX_PARTS: usize = 4_096;
    /// The longest mark, in bytes.
    pub const MAX_MARK: usize = 512;

    /// Checks that a block has as many parts as it may and that its marks point at them.
    ///
    /// # Errors
    /// [`StoreError::Misuse`] naming what is wrong.
    pub fn check(&self, block: &NewBlock<'_>) -> Result<(), StoreError> {
        let wrong = |what: &str| Err(StoreError::Misuse(format!("a block of `{}` {what}", self.name)));
        if block.parts.len() > Self::MAX_PARTS {
            return wrong("has too many parts");
        }
        if block.last < block.first {
            return wrong("ends before it begins");
        }
        match block
            .marks
            .iter()
            .find(|mark| mark.part as usize >= block.parts.len() || mark.mark.len() > Self::MAX_MARK)
        {
            Some(_) => wrong("has a mark of no part, or too long a mark"),
            None => Ok(()),
        }
    }
}

/// A block to write.
#[derive(Debug, Clone)]
pub struct NewBlock<'a> {
    /// The earliest time in it.
    pub first: Time,
    /// The latest time in it: blocks are found by this one.
    pub last: Time,
    /// What walking a window reads.
    pub head: &'a [u8],
    /// The rest, each part read on its own; [`Blocks::MAX_PARTS`] at most.
    pub parts: &'a [&'a [u8]],
    /// What its parts are found by. The same mark twice on one part is kept once, with the last note.
    pub marks: &'a [NewMark<'a>],
}

/// A mark to write.
#[derive(Debug, Clone, Copy)]
pub struct NewMark<'a> {
    /// What the part is found by, [`Blocks::MAX_MARK`] bytes at most.
    pub mark: &'a [u8],
    /// The part, counted from 0.
    pub part: u32,
    /// What is known of the part without reading it.
    pub note: &'a [u8],
}

/// Where a part stands: by block, then by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The block's number within its group.
    pub block: u64,
    /// The part, counted from 0.
    pub part: u32,
}

/// A stored mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What it marks.
    pub place: Place,
    /// What is known of the part without reading it.
    pub note: Vec<u8>,
}

/// A stored block, lent for as long as it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct LentBlock<'a> {
    /// Its number within its group.
    pub no: u64,
    /// The earliest time in it.
    pub first: Time,
    /// The latest time in it.
    pub last: Time,
    /// Its head.
    pub head: &'a [u8],
}

/// Which blocks of a group to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockQuery {
    /// Blocks whose latest time is this or later.
    pub since: Option<Time>,
    /// By latest time, then by number.
    pub order: Order,
    /// The position to continue behind: latest time and number.
    pub after: Option<(Time, u64)>,
    /// How many at most.
    pub limit: u32,
}
