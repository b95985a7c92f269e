//! A store that is kept waiting.

use loop_core::store::{Access, Completer, Job, JobEnd, Lane, Store, Ticket};

/// Keeps the writer busy until the answer is completed.
pub fn hold(store: &dyn Store) -> Completer<()> {
    let (open, opened) = Ticket::pair();
    let (entered, in_place) = Ticket::pair();
    let mut waits = Some((entered, opened));
    store.submit(Job {
        name: "test.hold",
        access: Access::Write,
        lane: Lane::Decision,
        run: Box::new(move |_| {
            if let Some((entered, opened)) = waits.take() {
                entered.complete(());
                opened.wait();
            }
            JobEnd::Rollback
        }),
        done: Box::new(|_| ()),
    });
    in_place.wait();
    open
}
