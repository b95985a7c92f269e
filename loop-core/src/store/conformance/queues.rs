//! Queues.

use super::{
    New,
    catalog::{JOBS, TIMERS},
    given::{Any, at, read, tenant, write},
};
use crate::store::{Claim, QueueItem, StoreError, Tx};

type Outcome = Result<(), StoreError>;

const ME: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn push(store: &Any, items: &'static [(&'static [u8], &'static str)]) -> Outcome {
    write(store, move |tx| items.iter().try_for_each(|(key, id)| tx.push(&JOBS, &tenant("t"), key, id)))
}

fn claim(store: &Any, up_to: Option<&'static [u8]>, limit: u32) -> Result<Vec<String>, StoreError> {
    let items = write(store, move |tx| tx.claim(&JOBS, &tenant("t"), up_to, at(10), &ME, limit))?;
    Ok(items.into_iter().map(|item| item.id).collect())
}

fn ready(tx: &mut dyn Tx) -> Result<Vec<String>, StoreError> {
    Ok(tx.ready(&JOBS, &tenant("t"), None, 99)?.into_iter().map(|item| item.id).collect())
}

fn item(key: &[u8], id: &str) -> QueueItem {
    QueueItem { key: key.to_vec(), id: id.to_owned() }
}

pub(super) fn items_come_by_key_then_id(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"b", "1"), (b"a", "z"), (b"", "9"), (b"a", "y"), (b"a\0", "x"), (b"\xff", "0")])?;
    assert_eq!(read(&store, ready)?, ["9", "y", "z", "x", "1", "0"]);
    assert_eq!(claim(&store, None, 2)?, ["9", "y"]);
    assert_eq!(claim(&store, None, 0)?, [""; 0]);
    assert_eq!(claim(&store, None, 99)?, ["z", "x", "1", "0"]);
    assert_eq!(claim(&store, None, 99)?, [""; 0]);
    assert_eq!(read(&store, |tx| tx.ready(&TIMERS, &tenant("t"), None, 9))?, []);
    Ok(())
}

pub(super) fn pushing_moves_and_ends_a_lease(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"b", "1"), (b"c", "2"), (b"a", "2")])?;
    assert_eq!(read(&store, |tx| tx.ready(&JOBS, &tenant("t"), None, 9))?, [item(b"a", "2"), item(b"b", "1")]);
    assert_eq!(claim(&store, None, 1)?, ["2"]);
    push(&store, &[(b"z", "2")])?;
    write(&store, |tx| {
        assert_eq!(tx.lease(&JOBS, &tenant("t"), "2")?, None);
        assert!(!tx.settle(&JOBS, &tenant("t"), "2", &ME, None)?);
        assert_eq!(ready(tx)?, ["1", "2"]);
        Ok(())
    })
}

pub(super) fn a_claim_takes_what_is_due(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"10", "a"), (b"20", "b"), (b"20", "c"), (b"30", "d")])?;
    assert_eq!(claim(&store, Some(b"09"), 9)?, [""; 0]);
    assert_eq!(claim(&store, Some(b"20"), 9)?, ["a", "b", "c"]);
    read(&store, |tx| {
        let lease = Claim { item: item(b"20", "b"), until: at(10), holder: ME };
        assert_eq!(tx.lease(&JOBS, &tenant("t"), "b")?, Some(lease));
        assert_eq!(tx.lease(&JOBS, &tenant("t"), "d")?, None);
        assert_eq!(ready(tx)?, ["d"]);
        Ok(())
    })
}

pub(super) fn only_the_holder_settles_or_extends(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"1", "a"), (b"1", "b"), (b"1", "ready")])?;
    assert_eq!(claim(&store, None, 2)?, ["a", "b"]);
    write(&store, |tx| {
        let t = tenant("t");
        for id in ["ready", "unknown"] {
            assert!(!tx.extend(&JOBS, &t, id, &ME, at(20))?);
            assert!(!tx.settle(&JOBS, &t, id, &ME, None)?);
        }
        assert!(!tx.extend(&JOBS, &t, "a", &OTHER, at(20))?);
        assert!(!tx.settle(&JOBS, &t, "a", &OTHER, Some(b"0"))?);
        assert_eq!(tx.lease(&JOBS, &t, "a")?.map(|claim| claim.until), Some(at(10)));
        assert!(tx.extend(&JOBS, &t, "a", &ME, at(20))?);
        assert_eq!(tx.lease(&JOBS, &t, "a")?.map(|claim| claim.until), Some(at(20)));
        assert!(tx.settle(&JOBS, &t, "a", &ME, Some(b"0"))?);
        assert!(!tx.settle(&JOBS, &t, "a", &ME, Some(b"0"))?);
        assert!(tx.settle(&JOBS, &t, "b", &ME, None)?);
        assert_eq!(ready(tx)?, ["a", "ready"]);
        assert_eq!(tx.lease(&JOBS, &t, "b")?, None);
        Ok(())
    })
}

pub(super) fn ended_leases_are_reclaimed_in_order(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"4", "a"), (b"3", "b"), (b"2", "c"), (b"1", "d")])?;
    write(&store, |tx| {
        let t = tenant("t");
        for (id, until) in [("d", 5), ("c", 5), ("b", 3), ("a", 7)] {
            let claimed = tx.claim(&JOBS, &t, None, at(until), &ME, 1)?;
            assert_eq!(claimed.first().map(|item| item.id.as_str()), Some(id));
        }
        assert_eq!(tx.reclaim(&JOBS, &t, at(2), 9)?, []);
        assert_eq!(tx.reclaim(&JOBS, &t, at(5), 2)?, [item(b"3", "b"), item(b"2", "c")]);
        assert_eq!(tx.reclaim(&JOBS, &t, at(5), 0)?, []);
        assert_eq!(tx.reclaim(&JOBS, &t, at(5), 9)?, [item(b"1", "d")]);
        assert_eq!(ready(tx)?, ["d", "c", "b"]);
        assert!(tx.settle(&JOBS, &t, "a", &ME, None)?);
        assert!(!tx.settle(&JOBS, &t, "b", &ME, None)?, "a reclaimed lease settled");
        Ok(())
    })
}

pub(super) fn removing_takes_ready_and_leased(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"1", "leased"), (b"2", "ready")])?;
    assert_eq!(claim(&store, None, 1)?, ["leased"]);
    write(&store, |tx| {
        let t = tenant("t");
        assert!(tx.remove(&JOBS, &t, "leased")?);
        assert!(tx.remove(&JOBS, &t, "ready")?);
        assert!(!tx.remove(&JOBS, &t, "ready")?);
        assert_eq!(ready(tx)?, [""; 0]);
        assert_eq!(tx.reclaim(&JOBS, &t, at(99), 9)?, []);
        Ok(())
    })
}

pub(super) fn a_lease_of_this_transaction_ends_like_any(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        let t = tenant("t");
        tx.push(&JOBS, &t, b"1", "pushed")?;
        tx.push(&JOBS, &t, b"2", "removed")?;
        assert_eq!(tx.claim(&JOBS, &t, None, at(5), &ME, 2)?.len(), 2);
        tx.push(&JOBS, &t, b"3", "pushed")?;
        assert!(tx.remove(&JOBS, &t, "removed")?);
        assert_eq!(ready(tx)?, ["pushed"]);
        assert_eq!(tx.reclaim(&JOBS, &t, at(99), 9)?, []);
        Ok(())
    })
}

pub(super) fn ready_items_page_without_gap(new: New<'_>) -> Outcome {
    let store = new();
    push(&store, &[(b"a", "1"), (b"a", "2"), (b"a", "3"), (b"b", "1x"), (b"b", "2x")])?;
    read(&store, |tx| {
        let mut found = Vec::new();
        let mut last: Option<QueueItem> = None;
        loop {
            let after = last.as_ref().map(|item| (item.key.as_slice(), item.id.as_str()));
            let page = tx.ready(&JOBS, &tenant("t"), after, 2)?;
            let Some(end) = page.last().cloned() else { break };
            found.extend(page.into_iter().map(|item| item.id));
            last = Some(end);
        }
        assert_eq!(found, ["1", "2", "3", "1x", "2x"]);
        Ok(())
    })
}
