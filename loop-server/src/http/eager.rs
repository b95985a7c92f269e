//! A future that goes on at once when it was woken while it ran.
//!
//! hyper wakes a connection's own task for every body that the task itself reads. To the runtime that is a task that
//! yields: it goes behind all others, and an idle thread is woken to share the work of which there is none. With one
//! client that costs more than answering. Here such a wake is a flag, and the future is polled again where it stands.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// How often a future goes on before other tasks get their turn.
const TURNS: u32 = 8;

/// It waits; who wakes it wakes its task.
const WAITS: u8 = 0;
/// It runs; who wakes it leaves word.
const RUNS: u8 = 1;
/// Who wakes it always writes this, so that what was told before is seen by whoever takes it back.
const RUNG: u8 = 2;

/// A future, and what tells whether it was woken while it ran.
pub(super) struct Eager<F> {
    inner: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

struct Bell {
    state: AtomicU8,
    task: Mutex<Waker>,
}

impl Bell {
    fn ring(&self) {
        if self.state.fetch_or(RUNG, Ordering::AcqRel) == WAITS {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

/// Makes a future go on at once when it was woken while it ran.
pub(super) fn eager<F: Future>(inner: F) -> Eager<F> {
    let bell = Arc::new(Bell { state: AtomicU8::new(WAITS), task: Mutex::new(Waker::noop().clone()) });
    let waker = Waker::from(Arc::clone(&bell));
    Eager { inner: Box::pin(inner), bell, waker }
}

impl<F: Future> Future for Eager<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { inner, bell, waker } = &mut *self;
        {
            let mut task = bell.task.lock().unwrap_or_else(PoisonError::into_inner);
            if !task.will_wake(cx.waker()) {
                task.clone_from(cx.waker());
            }
        }
        let mut within = Context::from_waker(waker);
        for _ in 0..TURNS {
            bell.state.swap(RUNS, Ordering::AcqRel);
            if let Poll::Ready(output) = inner.as_mut().poll(&mut within) {
                return Poll::Ready(output);
            }
            if bell.state.compare_exchange(RUNS, WAITS, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return Poll::Pending;
            }
        }
        bell.state.swap(WAITS, Ordering::AcqRel);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, poll_fn},
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        task::{Context, Poll, Wake, Waker},
        thread,
    };

    use tokio::sync::oneshot;

    use super::{TURNS, eager};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Wakes itself so many times before it is ready.
    fn restless(mut left: u32) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[test]
    fn what_wakes_itself_goes_on_without_its_task_being_woken() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let done = pin!(eager(restless(TURNS - 1))).poll(&mut Context::from_waker(&waker));
        assert!(done.is_ready());
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn others_get_their_turn_in_the_end() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut future = pin!(eager(restless(TURNS)));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "it is not forgotten");
        assert!(future.poll(&mut Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn what_waits_is_woken_through_the_task_that_polled_it_last() {
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (tell, told) = oneshot::channel();
        let mut future = pin!(eager(told));
        for count in [&first, &last] {
            let waker = Waker::from(Arc::clone(count));
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        tell.send(7).expect("it waits");
        assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 1));
        assert_eq!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(7)));
    }

    #[tokio::test]
    async fn no_wake_from_another_thread_is_lost() {
        for _ in 0..2_000 {
            let (tell, told) = oneshot::channel();
            let other = thread::spawn(move || tell.send(()));
            eager(told).await.expect("told");
            other.join().expect("no panic").expect("it waits");
        }
    }
}
