//! Work that takes as long as its text is, done where no other request waits behind it.

use loop_core::base::Code;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::http::Failure;

/// Up to so many bytes the work is done at once: handing it over would take longer.
pub(super) const LONG: usize = 256 << 10;

/// The work was not finished: it failed unforeseen, or the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("work on a long text was not finished")]
pub(super) struct Unfinished;

impl From<Unfinished> for Failure {
    fn from(error: Unfinished) -> Self {
        Self::of(Code::Internal, &error)
    }
}

/// Does work on a text of so many bytes.
///
/// # Errors
/// [`Unfinished`]; what would have come of the work is not known then.
pub(super) async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unfinished> {
    if bytes <= LONG {
        return Ok(work());
    }
    spawn_blocking(work).await.map_err(|_| Unfinished)
}

/// As [`aside`], for work that waits for others in between. Long work goes on to its end even when nobody waits for it
/// any more.
///
/// # Errors
/// As [`aside`].
pub(super) async fn waiting_aside<F: Future + Send + 'static>(bytes: usize, work: F) -> Result<F::Output, Unfinished>
where
    F::Output: Send,
{
    if bytes <= LONG {
        return Ok(work.await);
    }
    elsewhere(work).await
}

/// Does work elsewhere, however long it is, and to its end.
///
/// # Errors
/// As [`aside`].
pub(super) async fn elsewhere<F: Future + Send + 'static>(work: F) -> Result<F::Output, Unfinished>
where
    F::Output: Send,
{
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(work)).await.map_err(|_| Unfinished)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{LONG, Unfinished, aside, waiting_aside};

    #[tokio::test]
    async fn only_long_work_is_done_elsewhere() {
        let here = thread::current().id();
        let place = || thread::current().id();
        assert_eq!(aside(LONG, place).await, Ok(here));
        assert_ne!(aside(LONG + 1, place).await, Ok(here));
        assert_eq!(waiting_aside(LONG, async move { place() }).await, Ok(here));
        assert_ne!(waiting_aside(LONG + 1, async move { place() }).await, Ok(here));
    }

    #[tokio::test]
    async fn long_work_that_fails_unforeseen_comes_to_nothing() {
        assert_eq!(aside(LONG + 1, || -> u8 { panic!("unforeseen") }).await, Err(Unfinished));
        assert_eq!(waiting_aside(LONG + 1, async { u8::try_from(300).expect("unforeseen") }).await, Err(Unfinished));
    }
}
