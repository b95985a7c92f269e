//! The completion of a job: awaited by an asynchronous caller, waited for by a synchronous one.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// The receiving end. It is a [`Future`] and has [`Ticket::wait`]; dropping it does not cancel the work.
#[must_use = "the outcome of the job is lost"]
pub struct Ticket<T>(Arc<Shared<T>>);

/// The sending end. A store completes every ticket, also when a job panics or the store shuts down: a dropped
/// completer would leave its waiter waiting for ever.
pub struct Completer<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// A thread sleeps in [`Ticket::wait`]. Waking nobody costs a call of the system all the same.
    asleep: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Ticket<T> {
    /// The two ends.
    pub fn pair() -> (Completer<T>, Self) {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { value: None, waker: None, asleep: false }),
            ready: Condvar::new(),
        });
        (Completer(Arc::clone(&shared)), Self(shared))
    }

    /// A ticket that is ready already.
    pub fn ready(value: T) -> Self {
        let (completer, ticket) = Self::pair();
        completer.complete(value);
        ticket
    }

    /// Blocks the calling thread until the outcome is there.
    ///
    /// Must not be called on a store's thread (from within a job or its `done`).
    pub fn wait(self) -> T {
        let mut state = self.0.lock();
        loop {
            if let Some(value) = state.value.take() {
                return value;
            }
            state.asleep = true;
            state = self.0.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Completer<T> {
    /// Hands over the outcome and wakes whoever waits.
    pub fn complete(self, value: T) {
        let (waker, asleep) = {
            let mut state = self.0.lock();
            state.value = Some(value);
            (state.waker.take(), state.asleep)
        };
        if asleep {
            self.0.ready.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Ticket<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock();
        match state.value.take() {
            Some(value) => Poll::Ready(value),
            None => {
                match &mut state.waker {
                    Some(old) => old.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

/// Runs a future to its end on the calling thread, for embedders without an asynchronous runtime.
///
/// Every future of this crate only waits for tickets, so parking the thread is enough. Must not be called on a
/// store's thread.
pub fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
