//! How many requests a key may make: a bucket per key that fills evenly within a minute.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use loop_core::{
    access::Caller,
    base::{Code, id::KeyId},
};

use super::Failure;

/// The most keys whose buckets are remembered. Past it those that are full are forgotten, and all if none is.
const MAX_KEYS: usize = 65_536;
const MINUTE: u64 = 60;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

type Bucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The buckets of all keys.
pub struct Rates {
    per_minute: NonZeroU32,
    limit: HeaderValue,
    buckets: RwLock<HashMap<KeyId, Bucket>>,
}

/// How full a key's bucket is after a request.
#[derive(Debug, Clone)]
pub struct Rate {
    limit: HeaderValue,
    remaining: u32,
    reset: u64,
}

impl Rate {
    /// Tells it in the headers of an answer.
    pub fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit);
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset.into());
    }
}

impl Rates {
    /// Buckets of so many requests a minute.
    #[must_use]
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, limit: per_minute.get().into(), buckets: RwLock::default() }
    }

    /// Takes one request out of the caller's bucket. Both ends tell how full it is then.
    pub fn take(&self, caller: &Caller) -> (Rate, Result<(), Failure>) {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(&caller.key) {
            return self.out_of(bucket);
        }
        drop(buckets);
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_KEYS {
            // A bucket that answers with all but one of its requests was full.
            let full = self.per_minute.get().saturating_sub(1);
            buckets.retain(|_, bucket| bucket.check().is_ok_and(|seen| seen.remaining_burst_capacity() < full));
            if buckets.len() >= MAX_KEYS {
                buckets.clear();
            }
        }
        let fresh = || RateLimiter::direct(Quota::per_minute(self.per_minute)).with_middleware();
        self.out_of(buckets.entry(caller.key).or_insert_with(fresh))
    }

    fn out_of(&self, bucket: &Bucket) -> (Rate, Result<(), Failure>) {
        match bucket.check() {
            Ok(seen) => (self.rate(seen.remaining_burst_capacity()), Ok(())),
            Err(early) => {
                let wait = early.wait_time_from(DefaultClock::default().now());
                let failure = Failure::new(Code::RateLimited, "this key makes too many requests");
                (self.rate(0), Err(failure.retry_after(whole_seconds(wait))))
            }
        }
    }

    fn rate(&self, remaining: u32) -> Rate {
        let limit = u64::from(self.per_minute.get());
        let taken = limit.saturating_sub(u64::from(remaining));
        Rate { limit: self.limit.clone(), remaining, reset: taken.saturating_mul(MINUTE).div_ceil(limit.max(1)) }
    }
}

/// Rounded up, 1 at least.
fn whole_seconds(wait: Duration) -> u32 {
    let up = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    u32::try_from(up).unwrap_or(u32::MAX).max(1)
}

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rates({} a minute)", self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::HeaderMap;
    use loop_core::{
        access::Caller,
        base::{Code, Seed, TenantId, Time, id::KeyId},
    };

    use super::Rates;

    fn caller(n: u8) -> Caller {
        let key = KeyId::draw(Time::from_micros(1_763_800_000_000_000), &mut Seed::new([n; 32]));
        Caller { key, ..Caller::system(TenantId::default_tenant(), "test") }
    }

    #[test]
    fn a_key_that_asks_too_often_waits_and_others_do_not() {
        // One a minute: no test is so slow that the bucket fills up meanwhile.
        let rates = Rates::new(NonZeroU32::new(1).expect("one"));
        let (rate, first) = rates.take(&caller(1));
        assert!(first.is_ok());
        let mut headers = HeaderMap::new();
        rate.tell(&mut headers);
        let told = |name: &str| headers[name].to_str().expect("digits").to_owned();
        assert_eq!([told("ratelimit-limit"), told("ratelimit-remaining"), told("ratelimit-reset")], ["1", "0", "60"]);
        let (_, second) = rates.take(&caller(1));
        assert_eq!(second.map_err(|failure| failure.code()), Err(Code::RateLimited));
        assert!(rates.take(&caller(2)).1.is_ok());
    }
}
