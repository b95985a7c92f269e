//! The model-based test: random histories run through the reference store and an adapter side by side. Every
//! answer, every outcome and everything stored must agree.

use std::sync::{Arc, Mutex, PoisonError};

use proptest::{
    prop_assert_eq,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::{
    CATALOG, New,
    dump::dump,
    given::{Any, read},
    history::{End, Transaction, history},
};
use crate::store::{Access, Job, JobEnd, Lane, StoreError, Ticket, memory::MemoryStore};

/// How the adapter starts on transactions that are submitted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// As they come: right for a store that runs jobs inline.
    Inline,
    /// All at once: a job holds the store's thread until the others wait behind it, so that they meet in one batch.
    /// Needs a store that runs writes on a thread of its own.
    Gated,
}

/// Runs `cases` random histories through the reference store and fresh adapters from `new`.
///
/// # Panics
/// With the smallest history found on which the two disagree.
pub fn compare(cases: u32, new: New<'_>, start: Start) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&history(), |groups| {
        let (model, adapter): (Any, Any) = (Arc::new(MemoryStore::new(CATALOG)), new());
        for group in groups {
            // Reads may run on other threads, so they are groups of their own.
            for part in group.chunk_by(|a, b| !a.reads && !b.reads) {
                let expected = run(&model, part, Start::Inline);
                let found = run(&adapter, part, start);
                prop_assert_eq!(found, expected);
            }
            let expected = read(&model, dump).map_err(fail)?;
            let found = read(&adapter, dump).map_err(fail)?;
            prop_assert_eq!(found, expected);
        }
        Ok(())
    });
    assert!(outcome.is_ok(), "{}", outcome.err().map(|error| error.to_string()).unwrap_or_default());
}

fn fail(error: StoreError) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// What a transaction answered, operation by operation, and how it ended.
type Seen = (Result<(), StoreError>, Vec<String>);

fn run(store: &Any, transactions: &[Transaction], start: Start) -> Vec<Seen> {
    let gate = (start == Start::Gated).then(|| hold(store));
    let tickets: Vec<_> = transactions.iter().map(|transaction| submit(store, transaction.clone())).collect();
    if let Some((open, ended)) = gate {
        open.complete(());
        // The gate writes nothing; should it fail, so do the transactions behind it, and the two disagree.
        let _ = ended.wait();
    }
    tickets.into_iter().map(Ticket::wait).collect()
}

/// Keeps the writer busy until the first answer is completed.
fn hold(store: &Any) -> (crate::store::Completer<()>, Ticket<Result<(), StoreError>>) {
    let (open, opened) = Ticket::pair();
    let (entered, in_place) = Ticket::pair();
    let (completer, ended) = Ticket::pair();
    let mut waits = Some((entered, opened));
    store.submit(Job {
        name: "model.gate",
        access: Access::Write,
        lane: Lane::Normal,
        run: Box::new(move |_| {
            if let Some((entered, opened)) = waits.take() {
                entered.complete(());
                opened.wait();
            }
            JobEnd::Commit
        }),
        done: Box::new(move |outcome| completer.complete(outcome)),
    });
    in_place.wait();
    (open, ended)
}

fn submit(store: &Any, transaction: Transaction) -> Ticket<Seen> {
    let (completer, ticket) = Ticket::pair();
    let answers: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&answers);
    let mut retries = 0;
    store.submit(Job {
        name: "model.transaction",
        access: if transaction.reads { Access::Read } else { Access::Write },
        lane: Lane::Normal,
        run: Box::new(move |tx| {
            // Only the last run counts.
            answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
            for op in &transaction.ops {
                let answer = op.apply(tx);
                answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
            }
            match transaction.end {
                End::Commit => JobEnd::Commit,
                End::Rollback => JobEnd::Rollback,
                // As a panic, but without a report on the terminal.
                End::Panic => std::panic::resume_unwind(Box::new("on purpose")),
                End::Retry(times) if retries < times => {
                    retries += 1;
                    JobEnd::Retry
                }
                End::Retry(_) => JobEnd::Commit,
            }
        }),
        done: Box::new(move |outcome| {
            let answers = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            completer.complete((outcome, answers));
        }),
    });
    ticket
}
