//! Blocks.

use super::{
    New,
    catalog::{BALES, PACKS},
    given::{Any, at, read, tenant, write},
};
use crate::store::{BlockQuery, Blocks, Mark, NewBlock, NewMark, Order, Place, StoreError};

type Outcome = Result<(), StoreError>;

/// Adds a block whose head is its times, with the parts `a` and `b`, `a` marked twice.
fn add(store: &Any, group: &'static str, first: i64, last: i64) -> Result<u64, StoreError> {
    write(store, move |tx| {
        let head = format!("{first}-{last}");
        let marks = [(b"m", 0, b"1".as_slice()), (b"m", 1, b"2"), (b"m", 0, b"3"), (b"n", 0, b"")]
            .map(|(mark, part, note)| NewMark { mark: mark.as_slice(), part, note });
        let parts = [head.as_bytes(), b"b"];
        let block = NewBlock { first: at(first), last: at(last), head: head.as_bytes(), parts: &parts, marks: &marks };
        tx.add_block(&PACKS, &tenant("t"), group, &block)
    })
}

/// The heads of a walk, page by page.
fn walk(store: &Any, order: Order, since: Option<i64>, page: u32) -> Result<Vec<String>, StoreError> {
    read(store, move |tx| {
        let mut found = Vec::new();
        let mut query = BlockQuery { since: since.map(at), order, after: None, limit: page };
        loop {
            let (before, here) = (found.len(), query);
            tx.walk_blocks(&PACKS, &tenant("t"), "g", &here, &mut |block| {
                query.after = Some((block.last, block.no));
                found.push(format!("{} {}", block.no, String::from_utf8_lossy(block.head)));
                true
            })?;
            if found.len() == before {
                return Ok(found);
            }
        }
    })
}

fn marked(store: &Any, mark: &'static [u8], after: Option<Place>, limit: u32) -> Result<Vec<Mark>, StoreError> {
    read(store, move |tx| tx.marked(&PACKS, &tenant("t"), "g", mark, after, limit))
}

fn part(store: &Any, block: u64, part: u32) -> Result<Option<String>, StoreError> {
    read(store, move |tx| {
        let found = tx.parts(&PACKS, &tenant("t"), "g", &[Place { block, part }])?;
        Ok(found.into_iter().flatten().next().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    })
}

fn mark(block: u64, part: u32, note: &[u8]) -> Mark {
    Mark { place: Place { block, part }, note: note.to_vec() }
}

pub(super) fn blocks_are_walked_by_their_latest_time(new: New<'_>) -> Outcome {
    let store = new();
    for (first, last) in [(1, 5), (2, 3), (0, 5), (7, 9)] {
        add(&store, "g", first, last)?;
    }
    assert_eq!(add(&store, "h", 0, 1)?, 1, "each group counts for itself");
    for page in [1, 2, 9] {
        assert_eq!(walk(&store, Order::Ascending, None, page)?, ["2 2-3", "1 1-5", "3 0-5", "4 7-9"]);
        assert_eq!(walk(&store, Order::Descending, None, page)?, ["4 7-9", "3 0-5", "1 1-5", "2 2-3"]);
        assert_eq!(walk(&store, Order::Ascending, Some(5), page)?, ["1 1-5", "3 0-5", "4 7-9"]);
    }
    assert_eq!(walk(&store, Order::Ascending, Some(10), 9)?, [""; 0]);
    let first = read(&store, |tx| {
        let mut seen = 0;
        let query = BlockQuery { since: None, order: Order::Ascending, after: None, limit: 9 };
        tx.walk_blocks(&PACKS, &tenant("t"), "g", &query, &mut |_| {
            seen += 1;
            false
        })?;
        Ok(seen)
    })?;
    assert_eq!(first, 1, "a walk ends when it is told to");
    Ok(())
}

pub(super) fn parts_are_found_by_their_marks(new: New<'_>) -> Outcome {
    let store = new();
    add(&store, "g", 1, 2)?;
    add(&store, "g", 3, 4)?;
    let all = [mark(1, 0, b"3"), mark(1, 1, b"2"), mark(2, 0, b"3"), mark(2, 1, b"2")];
    assert_eq!(marked(&store, b"m", None, 9)?, all);
    assert_eq!(
        marked(&store, b"m", Some(Place { block: 1, part: 0 }), 2)?,
        all.iter().skip(1).take(2).cloned().collect::<Vec<_>>()
    );
    assert_eq!(marked(&store, b"n", None, 9)?, [mark(1, 0, b""), mark(2, 0, b"")]);
    assert_eq!(marked(&store, b"mm", None, 9)?, []);
    assert_eq!(part(&store, 2, 0)?.as_deref(), Some("3-4"));
    assert_eq!(part(&store, 2, 1)?.as_deref(), Some("b"));
    for (block, at) in [(2, 2), (3, 0), (0, 0), (u64::MAX, 0), (2, u32::MAX)] {
        assert_eq!(part(&store, block, at)?, None, "{block} {at}");
    }
    Ok(())
}

pub(super) fn a_dropped_block_leaves_nothing(new: New<'_>) -> Outcome {
    let store = new();
    for (first, last) in [(1, 2), (3, 4), (5, 6)] {
        add(&store, "g", first, last)?;
    }
    let drop = |no| write(&store, move |tx| tx.drop_block(&PACKS, &tenant("t"), "g", no, &[b"m", b"n"]));
    assert!(drop(2)?);
    assert!(!drop(2)?, "it is gone");
    assert!(!drop(0)? && !drop(9)? && !drop(u64::MAX)?);
    assert_eq!(walk(&store, Order::Ascending, None, 9)?, ["1 1-2", "3 5-6"]);
    assert_eq!(part(&store, 2, 0)?, None);
    assert_eq!(marked(&store, b"n", None, 9)?, [mark(1, 0, b""), mark(3, 0, b"")]);
    assert_eq!(add(&store, "g", 0, 0)?, 4, "numbers go up");
    let looked = read(&store, |tx| {
        let mut seen = Vec::new();
        for no in 0..6 {
            tx.look_at_block(&PACKS, &tenant("t"), "g", no, &mut |block| seen.push((block.no, block.first)))?;
        }
        Ok(seen)
    })?;
    assert_eq!(looked, [(1, at(1)), (3, at(5)), (4, at(0))]);
    Ok(())
}

pub(super) fn misuse_of_blocks_is_refused(new: New<'_>) -> Outcome {
    let store = new();
    let (many, most) = (vec![b"".as_slice(); Blocks::MAX_PARTS + 1], vec![b"".as_slice(); Blocks::MAX_PARTS]);
    let long = [0; Blocks::MAX_MARK + 1];
    let refused = write(&store, move |tx| {
        let ok = NewBlock { first: at(1), last: at(1), head: b"", parts: &most, marks: &[] };
        let beside = [NewMark { mark: b"m", part: Blocks::MAX_PARTS as u32, note: b"" }];
        let too_long = [NewMark { mark: &long, part: 0, note: b"" }];
        let wrong = [
            NewBlock { parts: &many, ..ok.clone() },
            NewBlock { last: at(0), ..ok.clone() },
            NewBlock { marks: &beside, ..ok.clone() },
            NewBlock { marks: &too_long, ..ok.clone() },
        ];
        for block in &wrong {
            assert!(matches!(tx.add_block(&PACKS, &tenant("t"), "g", block), Err(StoreError::Misuse(_))), "{block:?}");
        }
        tx.add_block(&PACKS, &tenant("t"), "g", &ok)
    })?;
    assert_eq!(refused, 1, "nothing of the refused ones is there");
    Ok(())
}

pub(super) fn blocks_of_others_are_not_seen(new: New<'_>) -> Outcome {
    let store = new();
    add(&store, "g", 1, 2)?;
    let seen = read(&store, |tx| {
        let mut seen = 0;
        let query = BlockQuery { since: None, order: Order::Ascending, after: None, limit: 9 };
        let place = Place { block: 1, part: 0 };
        for (blocks, who, group) in [(&PACKS, "u", "g"), (&PACKS, "t", "h"), (&BALES, "t", "g")] {
            tx.walk_blocks(blocks, &tenant(who), group, &query, &mut |_| {
                seen += 1;
                true
            })?;
            seen += tx.marked(blocks, &tenant(who), group, b"m", None, 9)?.len();
            seen += tx.parts(blocks, &tenant(who), group, &[place])?.iter().flatten().count();
            seen += usize::from(tx.look_at_block(blocks, &tenant(who), group, 1, &mut |_| {})?);
        }
        Ok(seen)
    })?;
    assert_eq!(seen, 0);
    Ok(())
}
