//! Memory for large bodies, which all requests share. A request that finds none is told to come again.

use std::sync::Arc;

use loop_core::base::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Failure;

/// The memory of all large bodies and of what is read out of them, in bytes.
const TOTAL: usize = 192 << 20;
/// What every request may take without asking.
const FREE: usize = 64 << 10;
/// The unit of accounts.
const UNIT: usize = 1 << 10;

/// Memory for large bodies.
#[derive(Debug, Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// What one request holds of it, given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    room: Room,
    bytes: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        let turns = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Arc::new(Semaphore::new(TOTAL / UNIT)), turns: Arc::new(Semaphore::new(turns)) }
    }
}

impl Room {
    /// Holds nothing yet.
    #[must_use]
    pub fn held(&self) -> Held {
        Held { room: self.clone(), bytes: 0, permit: None }
    }

    /// Waits for a turn at reading a large body: as many are read at once as there are cores to read them.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }
}

impl Held {
    /// What is held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds so many bytes, if it does not hold more.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when others hold too much.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Failure> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let units = |bytes: usize| bytes.saturating_sub(FREE).div_ceil(UNIT);
        let more = units(bytes).saturating_sub(units(self.bytes));
        if more > 0 {
            let full = || Failure::new(Code::Unavailable, "too many large bodies are under way").retry_after(1);
            let more = u32::try_from(more).map_err(|_| full())?;
            let taken = Arc::clone(&self.room.free).try_acquire_many_owned(more).map_err(|_| full())?;
            match &mut self.permit {
                Some(permit) => permit.merge(taken),
                none => *none = Some(taken),
            }
        }
        self.bytes = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use loop_core::base::Code;

    use super::{FREE, Room, TOTAL};

    #[test]
    fn memory_is_held_until_it_is_given_back() {
        let room = Room::default();
        let (mut one, mut other) = (room.held(), room.held());
        assert!(one.grow(TOTAL / 2).is_ok() && one.grow(TOTAL).is_ok() && one.grow(1).is_ok());
        assert!(other.grow(FREE).is_ok(), "a little is always free");
        assert_eq!(other.grow(TOTAL / 2).map_err(|failure| failure.code()), Err(Code::Unavailable));
        drop(one);
        assert!(other.grow(TOTAL / 2).is_ok());
    }
}
