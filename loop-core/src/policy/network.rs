//! Networks and addresses, compared as such: `10.1.2.3` lies in `10.0.0.0/8`.

use std::net::IpAddr;

use super::truth::Truth;

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: u128,
    /// Of the 128 bits, with an address of version 4 in the last 32, so many are fixed.
    fixed: u32,
    four: bool,
}

impl Network {
    /// Reads an address, alone or with the number of its fixed bits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, fixed) = match text.split_once('/') {
            Some((address, fixed)) => (address, Some(fixed.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (address, four) = match address.trim().parse::<IpAddr>().ok()? {
            IpAddr::V4(four) => (u128::from(u32::from(four)), true),
            IpAddr::V6(six) => (u128::from(six), false),
        };
        let (most, skipped) = if four { (32, 96) } else { (128, 0) };
        let fixed = fixed.unwrap_or(most);
        (fixed <= most).then_some(Self { address, fixed: fixed + skipped, four })
    }

    /// Whether it is more than one address.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        self.fixed < 128
    }

    const fn is_everything(self) -> bool {
        self.fixed == if self.four { 96 } else { 0 }
    }

    /// Whether another one lies in this one; unclear when it is wider and holds this one.
    #[must_use]
    pub fn holds(self, other: Self) -> Truth {
        let alike = |bits: u32| match 128_u32.checked_sub(bits) {
            Some(free) => self.address.checked_shr(free).unwrap_or(0) == other.address.checked_shr(free).unwrap_or(0),
            None => false,
        };
        match () {
            () if self.four != other.four || !alike(self.fixed.min(other.fixed)) => Truth::No,
            // Everything is meant as such: one address is not the whole net.
            () if self.is_everything() && !other.is_everything() => Truth::No,
            () if self.fixed <= other.fixed => Truth::Yes,
            () => Truth::Unclear,
        }
    }
}

/// Whether a text is an address or network in the wanted one; `None` when either is none.
#[must_use]
pub fn within(wanted: &str, text: &str) -> Option<Truth> {
    let wanted = Network::parse(wanted).filter(|wanted| wanted.is_wide())?;
    Some(wanted.holds(Network::parse(text.trim())?))
}

/// Whether a text speaks of an address or network in the wanted one; `None` when that is none.
#[must_use]
pub fn spoken(wanted: &str, text: &str) -> Option<Truth> {
    let wanted = Network::parse(wanted).filter(|wanted| wanted.is_wide())?;
    let breaks = |c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/'));
    // A port may stand behind it.
    let read = |word: &str| {
        Network::parse(word).or_else(|| word.rsplit_once(':').and_then(|(address, _)| Network::parse(address)))
    };
    let found = text.split(breaks).map(|word| word.trim_matches(['.', ':'])).filter_map(read);
    Some(found.map(|found| wanted.holds(found)).max().unwrap_or(Truth::No))
}

#[cfg(test)]
mod tests {
    use super::{spoken, within};
    use crate::policy::truth::Truth;

    #[test]
    fn addresses_are_compared_by_network() {
        for (wanted, text, truth) in [
            ("10.0.0.0/8", "10.20.30.40", Some(Truth::Yes)),
            ("10.0.0.0/8", "10.1.0.0/16", Some(Truth::Yes)),
            ("10.0.0.0/8", "11.0.0.1", Some(Truth::No)),
            ("10.0.0.0/8", "0.0.0.0/0", Some(Truth::Unclear)),
            ("0.0.0.0/0", "0.0.0.0/0", Some(Truth::Yes)),
            ("0.0.0.0/0", "10.0.0.0/8", Some(Truth::No)),
            ("fd00::/8", "fd12::1", Some(Truth::Yes)),
            ("fd00::/8", "10.0.0.1", Some(Truth::No)),
            ("10.0.0.0/8", "host-10", None),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("10.0.0.1", "10.0.0.1", None),
        ] {
            assert_eq!(within(wanted, text), truth, "{wanted} {text}");
        }
        assert_eq!(spoken("10.0.0.0/8", "ssh root@10.9.8.7:22"), Some(Truth::Yes));
        assert_eq!(spoken("10.0.0.0/8", "ssh 192.168.0.1"), Some(Truth::No));
    }
}
