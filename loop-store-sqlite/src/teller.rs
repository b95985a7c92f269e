//! Telling callers how their jobs ended.
//!
//! Waking a caller costs more than writing its row. When nothing else waits to be written the writer does it
//! itself, at once; under load it hands the batch to a thread of its own and goes on with the next one.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use loop_core::store::{Done, StoreError};

/// How a job ended.
pub(crate) type Outcome = Result<(), StoreError>;
/// Whom to tell what.
pub(crate) type Ended = Vec<(Done, Outcome)>;

/// How many batches wait to be told; past it the writer waits, so that what it may keep in memory is bounded.
const BATCHES: usize = 2;

/// The writer's end.
pub(crate) struct Teller {
    batches: SyncSender<Ended>,
    /// Batches that are not told completely.
    untold: Arc<AtomicUsize>,
}

impl Teller {
    /// Starts the thread. It ends when the teller is dropped and everybody has been told.
    pub(crate) fn start() -> io::Result<(Self, JoinHandle<()>)> {
        let (batches, waiting) = sync_channel(BATCHES);
        let untold = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&untold);
        let thread = thread::Builder::new().name("store-teller".to_owned()).spawn(move || work(&waiting, &left))?;
        Ok((Self { batches, untold }, thread))
    }

    /// Tells a batch, in order and after every batch before it; `busy` when the writer has more to do.
    pub(crate) fn tell(&self, ended: &mut Ended, busy: bool) {
        if !busy && self.untold.load(Ordering::Acquire) == 0 {
            return ended.drain(..).for_each(|(done, outcome)| tell(done, outcome));
        }
        self.untold.fetch_add(1, Ordering::AcqRel);
        if let Err(unsent) = self.batches.send(std::mem::take(ended)) {
            // The thread is gone, and with it everything that was to be told before.
            unsent.0.into_iter().for_each(|(done, outcome)| tell(done, outcome));
        }
    }
}

fn work(waiting: &Receiver<Ended>, untold: &AtomicUsize) {
    while let Ok(ended) = waiting.recv() {
        ended.into_iter().for_each(|(done, outcome)| tell(done, outcome));
        untold.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Calls a `done`. One that panics harms only its own caller.
pub(crate) fn tell(done: Done, outcome: Outcome) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(outcome)));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::{Ended, Teller};

    #[test]
    fn batches_are_told_in_order_whoever_tells_them() {
        let (teller, thread) = Teller::start().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (go, wait) = mpsc::channel::<()>();
        let mut wait = Some(wait);
        for batch in 0..2_000_u32 {
            let told = Arc::clone(&told);
            let wait = wait.take();
            let mut ended: Ended = vec![(
                Box::new(move |_| {
                    // The first is held until others are queued behind it.
                    wait.map(|wait| wait.recv());
                    told.lock().unwrap().push(batch);
                }),
                Ok(()),
            )];
            teller.tell(&mut ended, batch % 3 == 0);
            assert!(ended.is_empty());
            if batch == 2 {
                go.send(()).unwrap();
            }
        }
        drop(teller);
        thread.join().unwrap();
        assert_eq!(*told.lock().unwrap(), (0..2_000).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_panics_harms_nobody_else() {
        let (teller, thread) = Teller::start().unwrap();
        let (tell, told) = mpsc::channel();
        for busy in [true, false] {
            let tell = tell.clone();
            let mut ended: Ended = vec![
                (Box::new(|_| panic!("a caller's mistake")), Ok(())),
                (Box::new(move |outcome| tell.send(outcome.is_ok()).unwrap()), Ok(())),
            ];
            teller.tell(&mut ended, busy);
        }
        drop(teller);
        thread.join().unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [true, true]);
    }
}
