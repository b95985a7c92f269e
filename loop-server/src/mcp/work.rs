//! Messages that are worked on. They go on when their client hangs up, so they are counted here instead of being bound by
//! the connections that brought them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use loop_core::base::{Code, id::KeyId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::Failure;

/// Messages that are worked on at a time, in all and of one key.
const AT_ONCE: (u32, u32) = (1_024, 256);

/// The messages that are worked on.
#[derive(Clone)]
pub struct Works {
    room: Arc<Semaphore>,
    keys: Arc<Mutex<HashMap<KeyId, u32>>>,
}

impl Default for Works {
    fn default() -> Self {
        // Nothing is smaller than 32 bits here.
        let room = usize::try_from(AT_ONCE.0).unwrap_or(usize::MAX);
        Self { room: Arc::new(Semaphore::new(room)), keys: Arc::default() }
    }
}

/// A message that is worked on, until this is dropped.
pub struct Work {
    key: KeyId,
    works: Works,
    _room: OwnedSemaphorePermit,
}

impl Works {
    /// Counts one more message of this key.
    ///
    /// # Errors
    /// [`Code::RateLimited`] when too many are worked on.
    pub fn begin(&self, key: KeyId) -> Result<Work, Failure> {
        let full = || Failure::new(Code::RateLimited, "too many messages are worked on").retry_after(1);
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| full())?;
        let mut keys = self.keys();
        let own = keys.entry(key).or_default();
        if *own >= AT_ONCE.1 {
            return Err(full());
        }
        *own = own.saturating_add(1);
        drop(keys);
        Ok(Work { key, works: self.clone(), _room: room })
    }

    /// Waits until nothing is worked on, for so long at most; answers whether that is so. Nothing begins after it was.
    pub async fn ended(&self, patience: Duration) -> bool {
        match tokio::time::timeout(patience, self.room.acquire_many(AT_ONCE.0)).await {
            Ok(Ok(all)) => {
                all.forget();
                self.room.close();
                true
            }
            // It ended before.
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<KeyId, u32>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Entry::Occupied(mut own) = self.works.keys().entry(self.key) {
            match own.get().checked_sub(1).filter(|left| *left > 0) {
                Some(left) => *own.get_mut() = left,
                None => drop(own.remove()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use loop_core::base::{Seed, Time, id::KeyId};

    use super::{AT_ONCE, Works};

    fn key(n: u8) -> KeyId {
        KeyId::draw(Time::EPOCH, &mut Seed::new([n; 32]))
    }

    #[test]
    fn a_key_takes_no_more_than_its_share_and_all_of_them_no_more_than_there_is() {
        let works = Works::default();
        let mut held = Vec::new();
        for n in 0..4 {
            for _ in 0..AT_ONCE.1 {
                held.push(works.begin(key(n)).expect("room"));
            }
            assert!(works.begin(key(n)).is_err(), "one more of key {n}");
        }
        assert!(works.begin(key(9)).is_err(), "one more in all");
        held.pop();
        assert!(works.begin(key(0)).is_err(), "another key's share");
        held.push(works.begin(key(9)).expect("room again"));
        drop(held);
        assert!(works.keys().is_empty(), "keys are forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_worked_on_is_waited_for_and_nothing_begins_afterwards() {
        let works = Works::default();
        let work = works.begin(key(1)).expect("room");
        assert!(!works.ended(Duration::from_secs(5)).await);
        drop(works.begin(key(2)).expect("still open"));
        drop(work);
        assert!(works.ended(Duration::from_secs(5)).await);
        assert!(works.begin(key(1)).is_err());
        assert!(works.ended(Duration::ZERO).await, "asking again answers at once");
    }
}
