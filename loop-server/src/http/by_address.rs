//! How often one network address may do what needs no key: so many times in each minute, counted from the first.
//!
//! The address is that of the connection, whatever headers say. Of an IPv6 address the network counts, because whoever
//! has one has all of it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use loop_core::base::Code;
use tokio::time::Instant;

use super::Failure;

/// The most addresses that are remembered at once. Beyond them nobody new is served until a minute of another's is over.
const MAX_ADDRESSES: usize = 65_536;
const MINUTE: Duration = Duration::from_secs(60);
/// The bits of an IPv6 address that name the host.
const HOST_BITS: u32 = 64;

/// What the addresses did in their minutes.
pub struct ByAddress {
    per_minute: NonZeroU32,
    minutes: Mutex<HashMap<Option<IpAddr>, Minute>>,
}

struct Minute {
    ends: Instant,
    taken: u32,
}

impl ByAddress {
    /// So many times a minute.
    #[must_use]
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute, minutes: Mutex::default() }
    }

    /// Counts one time; those at the other ends of Unix sockets (`None`) count as one address.
    ///
    /// # Errors
    /// [`Code::RateLimited`] with the seconds until the minute is over.
    pub fn take(&self, peer: Option<IpAddr>, now: Instant) -> Result<(), Failure> {
        let mut minutes = self.minutes.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = peer.map(network);
        if !minutes.contains_key(&peer) && minutes.len() >= MAX_ADDRESSES {
            minutes.retain(|_, minute| now < minute.ends);
            if minutes.len() >= MAX_ADDRESSES {
                return Err(refused(MINUTE));
            }
        }
        let fresh = || Minute { ends: now + MINUTE, taken: 0 };
        let minute = minutes.entry(peer).or_insert_with(fresh);
        if minute.ends <= now {
            *minute = fresh();
        }
        if minute.taken >= self.per_minute.get() {
            return Err(refused(minute.ends.saturating_duration_since(now)));
        }
        minute.taken = minute.taken.saturating_add(1);
        Ok(())
    }
}

fn refused(wait: Duration) -> Failure {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    Failure::new(Code::RateLimited, "too many requests from this network, try again later").retry_after(seconds)
}

/// What of an address counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS).into(),
        address => address,
    }
}

impl std::fmt::Debug for ByAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ByAddress({} a minute)", self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::IpAddr, num::NonZeroU32, time::Duration};

    use http::StatusCode;
    use tokio::time::Instant;

    use super::{ByAddress, MAX_ADDRESSES};

    fn of(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn three() -> ByAddress {
        ByAddress::new(NonZeroU32::new(3).expect("not zero"))
    }

    #[test]
    fn the_first_pass_and_the_rest_wait_for_the_minute_to_end() {
        let (doors, now) = (three(), Instant::now());
        let take = |at: u64| doors.take(of("192.0.2.1"), now + Duration::from_secs(at)).is_ok();
        assert_eq!([take(0), take(20), take(40), take(59), take(59)], [true, true, true, false, false]);
        assert_eq!([take(60), take(60), take(61), take(62)], [true, true, true, false]);
        let refused = doors.take(of("192.0.2.1"), now + Duration::from_secs(100)).expect_err("its minute is full");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn every_address_has_its_own_minute_and_an_ipv6_network_one() {
        let (doors, now) = (three(), Instant::now());
        for _ in 0..3 {
            doors.take(of("192.0.2.1"), now).expect("free");
        }
        for other in [of("192.0.2.2"), of("2001:db8::1"), of("2001:db8::2"), of("2001:db8::ffff:0:1"), None, None] {
            doors.take(other, now).expect("another one's");
        }
        for full in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::4"] {
            assert!(doors.take(of(full), now).is_err(), "{full}");
        }
        doors.take(of("2001:db8:0:1::4"), now).expect("another network");
    }

    #[test]
    fn memory_is_bounded_and_nobody_gets_in_by_filling_it() {
        let (doors, now) = (three(), Instant::now());
        for number in 0..u32::try_from(MAX_ADDRESSES).expect("fits") {
            doors.take(Some(IpAddr::V4(number.into())), now).expect("free");
        }
        assert!(doors.take(of("203.0.113.1"), now).is_err());
        doors.take(Some(IpAddr::V4(0_u32.into())), now).expect("who is known goes on");
        doors.take(of("203.0.113.1"), now + Duration::from_secs(60)).expect("the others' minutes are over");
    }
}
