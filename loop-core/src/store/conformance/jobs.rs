//! What a job may rely on.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{
    New,
    catalog::{CREDITS, DIARY, EVENTS, THINGS},
    given::{at, read, tenant, thing, with, write, wrong},
};
use crate::{
    base::TenantId,
    store::{Access, Job, JobEnd, Lane, NewBlock, NewEntry, StoreError, StoreExt, Ticket, Tx, Value},
};

type Outcome = Result<(), StoreError>;

/// Writes to several shapes at once.
fn mark(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Outcome {
    tx.insert(&THINGS, tenant, &thing(id))?;
    let seq = tx.head(&DIARY, tenant, "main")?.map_or(1, |head| head.seq + 1);
    tx.append(&DIARY, tenant, "main", &NewEntry { seq, at: at(1), columns: [].into(), body: id })?;
    tx.add(&CREDITS, tenant, "marks", 1, None)?;
    tx.bump_epoch(tenant).map(drop)
}

/// The ids of the things there, checked against what else [`mark`] wrote.
fn marks(store: &super::given::Any, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    read(store, move |tx| {
        let query = crate::store::RecordQuery { limit: 1000, ..Default::default() };
        let ids: Vec<_> = tx.list(&THINGS, &tenant, &query)?.into_iter().map(|record| record.id).collect();
        let head = tx.head(&DIARY, &tenant, "main")?.map_or(0, |head| head.seq);
        let total = tx.balances(&CREDITS, &tenant, "marks", 1)?.first().map_or(0, |(_, balance)| balance.total);
        assert_eq!((head, total), (ids.len() as u64, ids.len() as i64), "shapes disagree");
        Ok(ids)
    })
}

pub(super) fn an_error_undoes_its_own_job_only(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    // Submitted together, so that a store which batches has them in one batch.
    let tickets: Vec<Ticket<Outcome>> = (0..9)
        .map(|number| {
            let t = t.clone();
            store.transact("conformance.mark", Lane::Normal, move |tx| {
                mark(tx, &t, &format!("m{number}"))?;
                if number % 3 == 1 { Err(StoreError::Misuse("on purpose".to_owned())) } else { Ok(()) }
            })
        })
        .collect();
    for (number, ticket) in tickets.into_iter().enumerate() {
        assert_eq!(ticket.wait().is_err(), number % 3 == 1, "job {number}");
    }
    assert_eq!(marks(&store, t)?, ["m0", "m2", "m3", "m5", "m6", "m8"]);
    Ok(())
}

pub(super) fn a_panic_undoes_its_own_job_only(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    let tickets: Vec<Ticket<Outcome>> = (0..6)
        .map(|number| {
            let t = t.clone();
            store.transact("conformance.mark", Lane::Normal, move |tx| {
                mark(tx, &t, &format!("m{number}"))?;
                if number % 2 == 1 {
                    // As a panic, but without a report on the terminal.
                    std::panic::resume_unwind(Box::new("on purpose"));
                }
                Ok(())
            })
        })
        .collect();
    for (number, ticket) in tickets.into_iter().enumerate() {
        match ticket.wait() {
            Ok(()) => assert_eq!(number % 2, 0),
            Err(StoreError::Internal(_)) => assert_eq!(number % 2, 1),
            Err(other) => return Err(other),
        }
    }
    assert_eq!(marks(&store, t)?, ["m0", "m2", "m4"]);
    Ok(())
}

pub(super) fn a_read_job_cannot_write(new: New<'_>) -> Outcome {
    let store = new();
    let refused = read(&store, |tx| {
        let t = tenant("t");
        let entry = NewEntry { seq: 1, at: at(1), columns: [].into(), body: "" };
        let block = NewBlock { first: at(1), last: at(1), head: b"", parts: &[], marks: &[] };
        let writes = [
            tx.bump_epoch(&t).map(drop),
            tx.insert(&THINGS, &t, &thing("a")),
            tx.update(&THINGS, &t, &thing("a")).map(drop),
            tx.delete(&THINGS, &t, "a").map(drop),
            tx.append(&DIARY, &t, "s", &entry),
            tx.redact(&EVENTS, &t, "s", 1, &[]).map(drop),
            tx.trim(&EVENTS, &t, "s", 1, 1).map(drop),
            tx.push(&super::catalog::JOBS, &t, b"k", "a"),
            tx.remove(&super::catalog::JOBS, &t, "a").map(drop),
            tx.claim(&super::catalog::JOBS, &t, None, at(9), &[1; 16], 1).map(drop),
            tx.extend(&super::catalog::JOBS, &t, "a", &[1; 16], at(9)).map(drop),
            tx.settle(&super::catalog::JOBS, &t, "a", &[1; 16], None).map(drop),
            tx.reclaim(&super::catalog::JOBS, &t, at(9), 1).map(drop),
            tx.put_spans(&super::catalog::TRACES, &t, &[]),
            tx.drop_spans(&super::catalog::TRACES, &t, at(9), 1).map(drop),
            tx.add_block(&super::catalog::PACKS, &t, "g", &block).map(drop),
            tx.drop_block(&super::catalog::PACKS, &t, "g", 1, &[]).map(drop),
            tx.add(&CREDITS, &t, "a", 1, None).map(drop),
            tx.hold(&CREDITS, &t, "a", "h", 0, at(9)).map(drop),
            tx.release(&CREDITS, &t, "h", 0).map(drop),
        ];
        Ok(writes.iter().filter(|write| matches!(write, Err(StoreError::Misuse(_)))).count() == writes.len())
    })?;
    assert!(refused, "a write passed");
    assert_eq!(marks(&store, tenant("t"))?, [""; 0]);
    Ok(())
}

pub(super) fn a_read_sees_what_was_acknowledged(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    for number in 0..20_usize {
        let writer = t.clone();
        write(&store, move |tx| mark(tx, &writer, &format!("m{number:02}")))?;
        assert_eq!(marks(&store, t.clone())?.len(), number + 1);
    }
    Ok(())
}

pub(super) fn a_transaction_sees_its_own_writes(new: New<'_>) -> Outcome {
    let store = new();
    write(&store, |tx| {
        let t = tenant("t");
        assert_eq!((tx.epoch(&t)?, tx.head(&DIARY, &t, "main")?), (0, None));
        mark(tx, &t, "a")?;
        assert_eq!(tx.get(&THINGS, &t, "a")?.map(|record| record.version), Some(1));
        assert_eq!(tx.head(&DIARY, &t, "main")?.map(|head| head.seq), Some(1));
        let balances = tx.balances(&CREDITS, &t, "", 9)?;
        assert_eq!(balances.first().map(|(name, balance)| (name.as_str(), balance.total)), Some(("marks", 1)));
        assert_eq!(tx.epoch(&t)?, 1);
        mark(tx, &t, "b")?;
        assert_eq!((tx.epoch(&t)?, tx.head(&DIARY, &t, "main")?.map(|head| head.seq)), (2, Some(2)));
        assert_eq!(tx.add(&CREDITS, &t, "marks", 5, None)?.map(|balance| balance.total), Some(7));
        Ok(())
    })
}

/// Submits a job and waits for its end.
fn submit(
    store: &super::given::Any,
    run: impl FnMut(&mut dyn Tx) -> JobEnd + Send + 'static,
) -> Ticket<Result<(), StoreError>> {
    let (completer, ticket) = Ticket::pair();
    let done = Box::new(move |outcome| completer.complete(outcome));
    store.submit(Job { name: "conformance.raw", access: Access::Write, lane: Lane::Normal, run: Box::new(run), done });
    ticket
}

pub(super) fn a_job_that_asks_again_runs_again(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    let (inner, mut runs) = (t.clone(), 0);
    submit(&store, move |tx| {
        runs += 1;
        match mark(tx, &inner, &format!("run{runs}")) {
            Ok(()) if runs < 3 => JobEnd::Retry,
            Ok(()) => JobEnd::Commit,
            Err(_) => JobEnd::Rollback,
        }
    })
    .wait()?;
    assert_eq!(marks(&store, t)?.len(), 1);
    Ok(())
}

pub(super) fn a_job_that_asks_for_ever_is_refused(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    let inner = t.clone();
    let ended = submit(&store, move |tx| {
        let _ = mark(tx, &inner, "never");
        JobEnd::Retry
    });
    assert!(matches!(ended.wait(), Err(StoreError::Unavailable(_))));
    assert_eq!(marks(&store, t)?, [""; 0]);
    Ok(())
}

pub(super) fn a_done_may_submit(new: New<'_>) -> Outcome {
    let store = new();
    let (completer, ticket) = Ticket::pair();
    let again = Arc::clone(&store);
    store.submit(Job {
        name: "conformance.first",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(|_| JobEnd::Commit),
        done: Box::new(move |_| {
            again.submit(Job {
                name: "conformance.second",
                access: Access::Write,
                lane: Lane::Normal,
                run: Box::new(|_| JobEnd::Commit),
                done: Box::new(move |outcome| completer.complete(outcome)),
            });
        }),
    });
    ticket.wait()
}

pub(super) fn the_ends_of_writes_come_in_order(new: New<'_>) -> Outcome {
    let store = new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (store, seen) = (Arc::clone(&store), Arc::clone(&seen));
            thread::spawn(move || {
                for _ in 0..25 {
                    let seen = Arc::clone(&seen);
                    let bump = |tx: &mut dyn Tx| tx.bump_epoch(&tenant("t"));
                    let finish = move |epoch: Result<u64, StoreError>| {
                        seen.lock().unwrap_or_else(PoisonError::into_inner).push(epoch);
                    };
                    store.run_job("conformance.bump", Access::Write, Lane::Normal, bump, finish).wait();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| wrong("a thread panicked"))?;
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*seen, (1..=100).map(Ok).collect::<Vec<_>>());
    Ok(())
}

pub(super) fn an_ignored_refusal_keeps_the_rest(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    let inner = t.clone();
    write(&store, move |tx| {
        mark(tx, &inner, "a")?;
        assert!(matches!(tx.insert(&THINGS, &inner, &thing("a")), Err(StoreError::Duplicate { .. })));
        let short = NewEntry { seq: 7, at: at(1), columns: [].into(), body: "" };
        assert!(matches!(tx.append(&DIARY, &inner, "main", &short), Err(StoreError::Duplicate { .. })));
        let misfit = with(thing("b"), "rank", "not a number");
        assert!(matches!(tx.insert(&THINGS, &inner, &misfit), Err(StoreError::Misuse(_))));
        mark(tx, &inner, "c")
    })?;
    assert_eq!(marks(&store, t)?, ["a", "c"]);
    Ok(())
}

pub(super) fn many_threads_lose_nothing(new: New<'_>) -> Outcome {
    let store = new();
    let t = tenant("t");
    let acknowledged = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (store, t, acknowledged) = (Arc::clone(&store), t.clone(), Arc::clone(&acknowledged));
            thread::spawn(move || {
                for number in 0..50 {
                    let t = t.clone();
                    let fails = number % 10 == 9;
                    let outcome = write(&store, move |tx| {
                        mark(tx, &t, &format!("{thread}-{number}"))?;
                        if fails { Err(wrong("on purpose")) } else { Ok(()) }
                    });
                    acknowledged.fetch_add(u64::from(outcome.is_ok()), Ordering::Relaxed);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| wrong("a thread panicked"))?;
    }
    assert_eq!(acknowledged.load(Ordering::Relaxed), 8 * 45);
    assert_eq!(marks(&store, t)?.len(), 8 * 45);
    let kinds = read(&store, |tx| tx.find(&THINGS, &tenant("t"), "slug", &Value::Null))?;
    assert_eq!(kinds, None);
    Ok(())
}
