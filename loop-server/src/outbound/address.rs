//! Which addresses are on the public internet. Everything else is refused: an agent that can make this process
//! talk to its own host, its network or a cloud's metadata service has stepped over every other rule.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Names no host (`0.0.0.0/8`, `::`).
    Unspecified,
    /// This machine.
    Loopback,
    /// A private network, carrier-grade NAT included.
    Private,
    /// The local link, where most metadata services live.
    LinkLocal,
    /// A cloud's metadata or control service.
    Metadata,
    /// A group of hosts.
    Multicast,
    /// Set aside for documentation, benchmarks, protocols or the future.
    Reserved,
    /// An IPv6 address of a form that hides an IPv4 address.
    Embedded,
}

impl Refused {
    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::Multicast => "multicast",
            Self::Reserved => "reserved",
            Self::Embedded => "embedded",
        }
    }
}

/// A network and what it is for.
type Net4 = (Ipv4Addr, u32, Refused);
type Net6 = (Ipv6Addr, u32, Refused);

const fn net4(a: u8, b: u8, c: u8, d: u8, bits: u32, why: Refused) -> Net4 {
    (Ipv4Addr::new(a, b, c, d), bits, why)
}

const fn net6(a: u16, b: u16, c: u16, bits: u32, why: Refused) -> Net6 {
    (Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits, why)
}

/// The IANA special-purpose registry, and addresses in public space that clouds answer on themselves.
const NETS4: &[Net4] = &[
    net4(0, 0, 0, 0, 8, Refused::Unspecified),
    net4(10, 0, 0, 0, 8, Refused::Private),
    net4(100, 64, 0, 0, 10, Refused::Private),
    net4(127, 0, 0, 0, 8, Refused::Loopback),
    // Azure's platform address.
    net4(168, 63, 129, 16, 32, Refused::Metadata),
    net4(169, 254, 0, 0, 16, Refused::LinkLocal),
    net4(172, 16, 0, 0, 12, Refused::Private),
    // Protocol assignments; Oracle's metadata service stands in it.
    net4(192, 0, 0, 0, 24, Refused::Reserved),
    net4(192, 0, 2, 0, 24, Refused::Reserved),
    // AS112 sinks.
    net4(192, 31, 196, 0, 24, Refused::Reserved),
    net4(192, 52, 193, 0, 24, Refused::Reserved),
    // 6to4 relays.
    net4(192, 88, 99, 0, 24, Refused::Reserved),
    net4(192, 168, 0, 0, 16, Refused::Private),
    net4(192, 175, 48, 0, 24, Refused::Reserved),
    net4(198, 18, 0, 0, 15, Refused::Reserved),
    net4(198, 51, 100, 0, 24, Refused::Reserved),
    net4(203, 0, 113, 0, 24, Refused::Reserved),
    net4(224, 0, 0, 0, 4, Refused::Multicast),
    net4(240, 0, 0, 0, 4, Refused::Reserved),
];

/// Exceptions within global unicast (`2000::/3`), and the networks outside it that deserve their own word.
const NETS6: &[Net6] = &[
    net6(0xfc00, 0, 0, 7, Refused::Private),
    net6(0xfec0, 0, 0, 10, Refused::Private),
    net6(0xfe80, 0, 0, 10, Refused::LinkLocal),
    net6(0xff00, 0, 0, 8, Refused::Multicast),
    // NAT64 for local use: nobody can say which networks lie behind it.
    net6(0x64, 0xff9b, 1, 48, Refused::Embedded),
    // Teredo.
    net6(0x2001, 0, 0, 32, Refused::Embedded),
    // The rest of the protocol assignments: benchmarking, ORCHID, AMT and others.
    net6(0x2001, 0, 0, 23, Refused::Reserved),
    net6(0x2001, 0xdb8, 0, 32, Refused::Reserved),
    // 6to4.
    net6(0x2002, 0, 0, 16, Refused::Embedded),
    net6(0x2620, 0x4f, 0x8000, 48, Refused::Reserved),
    net6(0x3fff, 0, 0, 20, Refused::Reserved),
];

/// Checks that an address is public.
///
/// # Errors
/// The kind of address it is instead.
pub fn check(address: IpAddr) -> Result<(), Refused> {
    match address {
        IpAddr::V4(address) => check4(address),
        IpAddr::V6(address) => check6(address),
    }
}

fn check4(address: Ipv4Addr) -> Result<(), Refused> {
    let bits = address.to_bits();
    let hit = NETS4.iter().find(|(net, len, _)| bits >> (32 - len) == net.to_bits() >> (32 - len));
    hit.map_or(Ok(()), |(_, _, why)| Err(*why))
}

fn check6(address: Ipv6Addr) -> Result<(), Refused> {
    if address.is_unspecified() {
        return Err(Refused::Unspecified);
    }
    if address.is_loopback() {
        return Err(Refused::Loopback);
    }
    let bits = address.to_bits();
    let low = Ipv4Addr::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or(0));
    // A mapped address is dialled as IPv4, and a NAT64 gateway (64:ff9b::/96) turns one into IPv4: what counts is
    // the address inside.
    if bits >> 32 == 0xffff || bits >> 32 == 0x0064_ff9b_u128 << 64 {
        return check4(low);
    }
    if let Some((_, _, why)) = NETS6.iter().find(|(net, len, _)| bits >> (128 - len) == net.to_bits() >> (128 - len)) {
        return Err(*why);
    }
    // ISATAP keeps an IPv4 address behind `0:5efe` or `200:5efe`.
    if matches!((bits >> 32) & 0xffff_ffff, 0x0000_5efe | 0x0200_5efe) {
        return Err(Refused::Embedded);
    }
    match bits >> 125 {
        1 => Ok(()),
        // The deprecated compatible and translated forms, `::a.b.c.d` and `::ffff:0:a.b.c.d`.
        _ if bits >> 32 == 0 || bits >> 32 == 0xffff_0000 => Err(Refused::Embedded),
        _ => Err(Refused::Reserved),
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, check};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn of(text: &str) -> Option<Refused> {
        check(text.parse().unwrap()).err()
    }

    #[test]
    fn every_special_network_is_refused_at_both_ends_and_open_just_outside() {
        use Refused::{LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Unspecified};
        // (before, first, last, after, why); `-` where the neighbour is special too.
        for (before, first, last, after, why) in [
            ("-", "0.0.0.0", "0.255.255.255", "1.0.0.0", Unspecified),
            ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", Private),
            ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0", Private),
            ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0", Loopback),
            ("168.63.129.15", "168.63.129.16", "168.63.129.16", "168.63.129.17", Metadata),
            ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0", LinkLocal),
            ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0", Private),
            ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0", Reserved),
            ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0", Reserved),
            ("192.31.195.255", "192.31.196.0", "192.31.196.255", "192.31.197.0", Reserved),
            ("192.52.192.255", "192.52.193.0", "192.52.193.255", "192.52.194.0", Reserved),
            ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0", Reserved),
            ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", Private),
            ("192.175.47.255", "192.175.48.0", "192.175.48.255", "192.175.49.0", Reserved),
            ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0", Reserved),
            ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", Reserved),
            ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0", Reserved),
            ("223.255.255.255", "224.0.0.0", "239.255.255.255", "-", Multicast),
            ("-", "240.0.0.0", "255.255.255.255", "-", Reserved),
        ] {
            assert_eq!((of(first), of(last)), (Some(why), Some(why)), "{first}");
            for open in [before, after].into_iter().filter(|text| *text != "-") {
                assert_eq!(of(open), None, "{open}");
            }
        }
    }

    #[test]
    fn metadata_services_are_refused() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(of(address).is_some(), "{address}");
        }
    }

    #[test]
    fn ipv6_is_open_only_in_global_unicast() {
        use Refused::{Embedded, LinkLocal, Loopback, Multicast, Private, Reserved, Unspecified};
        for (address, want) in [
            ("::", Some(Unspecified)),
            ("::1", Some(Loopback)),
            ("::2", Some(Embedded)),
            ("::127.0.0.1", Some(Embedded)),
            ("::8.8.8.8", Some(Embedded)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("::ffff:10.0.0.1", Some(Private)),
            ("::ffff:8.8.8.8", None),
            ("::ffff:0:8.8.8.8", Some(Embedded)),
            ("64:ff9b::10.0.0.1", Some(Private)),
            ("64:ff9b::8.8.8.8", None),
            ("64:ff9b:1::8.8.8.8", Some(Embedded)),
            ("100::1", Some(Reserved)),
            ("2001::1", Some(Embedded)),
            ("2001:0:7f00:1::", Some(Embedded)),
            ("2001:2::1", Some(Reserved)),
            ("2001:10::1", Some(Reserved)),
            ("2001:20::1", Some(Reserved)),
            ("2001:1ff:ffff::", Some(Reserved)),
            ("2001:200::1", None),
            ("2001:db7:ffff::1", None),
            ("2001:db8::1", Some(Reserved)),
            ("2001:db9::1", None),
            ("2002:7f00:1::", Some(Embedded)),
            ("2002:808:808::", Some(Embedded)),
            ("2003::1", None),
            ("2606:4700::1111", None),
            ("2606:4700::5efe:10.0.0.1", Some(Embedded)),
            ("2606:4700::200:5efe:10.0.0.1", Some(Embedded)),
            ("2620:4f:8000::1", Some(Reserved)),
            ("3ffe::1", None),
            ("3fff::1", Some(Reserved)),
            ("3fff:fff::1", Some(Reserved)),
            ("3fff:1000::1", None),
            ("4000::1", Some(Reserved)),
            ("5f00::1", Some(Reserved)),
            ("fc00::1", Some(Private)),
            ("fdff::1", Some(Private)),
            ("fe80::1", Some(LinkLocal)),
            ("febf::1", Some(LinkLocal)),
            ("fec0::1", Some(Private)),
            ("ff02::1", Some(Multicast)),
            ("1fff::1", Some(Reserved)),
        ] {
            assert_eq!(of(address), want, "{address}");
        }
    }

    proptest! {
        #[test]
        fn no_wrapping_opens_an_address_that_is_refused_bare(bits in any::<u32>()) {
            let bare = Ipv4Addr::from_bits(bits);
            for prefix in [0xffff_u128 << 32, 0x0064_ff9b_u128 << 96] {
                let wrapped = Ipv6Addr::from_bits(prefix | u128::from(bits));
                prop_assert_eq!(check(IpAddr::V6(wrapped)), check(IpAddr::V4(bare)));
            }
            prop_assert!(check(IpAddr::V6(Ipv6Addr::from_bits(u128::from(bits)))).is_err());
        }

        #[test]
        fn the_standard_library_agrees_on_what_is_private(bits in any::<u32>()) {
            let address = Ipv4Addr::from_bits(bits);
            if address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified() {
                prop_assert!(check(IpAddr::V4(address)).is_err());
            }
        }
    }
}
