//! How many requests a key may make: a bucket per key that fills evenly within a minute.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use http::{HeaderMap, HeaderName, HeaderValue};
use loop_core::{
    access::Caller,
    base::{Code, id::KeyId},
};
use tokio::time::Instant;

use super::Failure;

/// The most keys whose buckets are remembered. Past it those that are full are forgotten, and all if none is.
const MAX_KEYS: usize = 65_536;
const MINUTE: u32 = 60;
/// How far below the limit what remains is written out beforehand: an agent of ordinary haste never gets further.
const NEAR: u32 = 64;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

type Bucket = RateLimiter<NotKeyed, InMemoryState, Latest, StateInformationMiddleware>;

/// When the latest request was read, in microseconds since the start. Requests know when they were read, so that no
/// clock is asked again.
#[derive(Clone, Default)]
struct Latest(Arc<AtomicU64>);

impl Clock for Latest {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The buckets of all keys.
pub struct Rates {
    per_minute: NonZeroU32,
    since: Instant,
    latest: Latest,
    buckets: RwLock<HashMap<KeyId, Bucket>>,
    /// The limit and the numbers just below it, as headers.
    near: Vec<HeaderValue>,
    /// The seconds of a minute, as headers.
    seconds: Vec<HeaderValue>,
}

/// How full a key's bucket is after a request.
#[derive(Debug, Clone)]
pub struct Rate {
    limit: HeaderValue,
    remaining: HeaderValue,
    reset: HeaderValue,
}

impl Rate {
    /// Tells it in the headers of an answer.
    pub fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit);
        headers.insert(REMAINING, self.remaining);
        headers.insert(RESET, self.reset);
    }
}

impl Rates {
    /// Buckets of so many requests a minute.
    #[must_use]
    pub fn new(per_minute: NonZeroU32) -> Self {
        let near = (0..NEAR).map(|below| per_minute.get().saturating_sub(below).into()).collect();
        let seconds = (0..=MINUTE).map(HeaderValue::from).collect();
        Self { per_minute, since: Instant::now(), latest: Latest::default(), buckets: RwLock::default(), near, seconds }
    }

    /// Takes one request, read at `at`, out of the caller's bucket. Both ends tell how full it is then.
    pub fn take(&self, caller: &Caller, at: Instant) -> (Rate, Result<(), Failure>) {
        let micros = u64::try_from(at.saturating_duration_since(self.since).as_micros()).unwrap_or(u64::MAX);
        // All requests share this number: it is written only when it tells something.
        if self.latest.0.load(Ordering::Relaxed) < micros.saturating_sub(100) {
            self.latest.0.fetch_max(micros, Ordering::Relaxed);
        }
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
        let quota = Quota::per_minute(self.per_minute);
        let fresh = || RateLimiter::direct_with_clock(quota, self.latest.clone()).with_middleware();
        self.out_of(buckets.entry(caller.key).or_insert_with(fresh))
    }

    fn out_of(&self, bucket: &Bucket) -> (Rate, Result<(), Failure>) {
        match bucket.check() {
            Ok(seen) => (self.rate(seen.remaining_burst_capacity()), Ok(())),
            Err(early) => {
                let wait = early.wait_time_from(self.latest.now());
                let failure = Failure::new(Code::RateLimited, "this key makes too many requests");
                (self.rate(0), Err(failure.retry_after(whole_seconds(wait))))
            }
        }
    }

    fn rate(&self, remaining: u32) -> Rate {
        let limit = self.per_minute.get();
        let taken = limit.saturating_sub(remaining);
        let reset = u64::from(taken).saturating_mul(u64::from(MINUTE)).div_ceil(u64::from(limit));
        let at =
            |values: &[HeaderValue], place: u64| usize::try_from(place).ok().and_then(|at| values.get(at).cloned());
        Rate {
            limit: at(&self.near, 0).unwrap_or_else(|| limit.into()),
            remaining: at(&self.near, u64::from(taken)).unwrap_or_else(|| remaining.into()),
            reset: at(&self.seconds, reset).unwrap_or_else(|| reset.into()),
        }
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
    use std::{num::NonZeroU32, time::Duration};

    use http::HeaderMap;
    use loop_core::{
        access::Caller,
        base::{Code, Seed, TenantId, Time, id::KeyId},
    };

    use super::Rates;
    use tokio::time::Instant;

    fn caller(n: u8) -> Caller {
        let key = KeyId::draw(Time::from_micros(1_763_800_000_000_000), &mut Seed::new([n; 32]));
        Caller { key, ..Caller::system(TenantId::default_tenant(), "test") }
    }

    #[test]
    fn a_key_that_asks_too_often_waits_and_others_do_not() {
        let rates = Rates::new(NonZeroU32::new(1).expect("one"));
        let at = Instant::now();
        let (rate, first) = rates.take(&caller(1), at);
        assert!(first.is_ok());
        let mut headers = HeaderMap::new();
        rate.tell(&mut headers);
        let told = |name: &str| headers[name].to_str().expect("digits").to_owned();
        assert_eq!([told("ratelimit-limit"), told("ratelimit-remaining"), told("ratelimit-reset")], ["1", "0", "60"]);
        let (_, second) = rates.take(&caller(1), at);
        assert_eq!(second.map_err(|failure| failure.code()), Err(Code::RateLimited));
        assert!(rates.take(&caller(2), at).1.is_ok());
        assert!(rates.take(&caller(1), at + Duration::from_secs(59)).1.is_err());
        assert!(rates.take(&caller(1), at + Duration::from_secs(61)).1.is_ok());
    }

    #[test]
    fn what_remains_is_told_alike_near_the_limit_and_far_from_it() {
        let rates = Rates::new(NonZeroU32::new(200).expect("some"));
        let at = Instant::now();
        for taken in 1..=200_u32 {
            let mut headers = HeaderMap::new();
            rates.take(&caller(1), at).0.tell(&mut headers);
            let told = |name: &str| headers[name].to_str().expect("digits").parse::<u32>().expect("a number");
            assert_eq!(told("ratelimit-remaining"), 200 - taken);
            assert_eq!(told("ratelimit-reset"), (taken * 60).div_ceil(200));
        }
    }
}
