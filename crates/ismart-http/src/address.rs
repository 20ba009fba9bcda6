//! Which network addresses may be reached.
//!
//! Addresses of destinations come from configurations and pages that strangers write. Without a guard one
//! of them could make the server read its own neighbours: databases, cloud metadata, the console.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What may be reached beside public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Nothing.
    #[default]
    PublicOnly,
    /// This machine itself: `127.0.0.0/8` and `::1`. For the demo and for tests.
    AllowLoopback,
    /// These networks: for a CRM inside the client's own network.
    AllowPrivate(Vec<Network>),
}

impl AddressPolicy {
    /// Whether a connection to `address` may be opened. An IPv4 address inside an IPv6 one
    /// (`::ffff:10.0.0.1`, `64:ff9b::a00:1`) is judged as the IPv4 address that it reaches.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = reached(address);
        is_public(address)
            || match self {
                Self::PublicOnly => false,
                Self::AllowLoopback => address.is_loopback(),
                Self::AllowPrivate(networks) => networks.iter().any(|network| network.contains(address)),
            }
    }
}

/// A network in CIDR notation: `10.20.0.0/16`, `fd00::/8`. A bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no network; write an address and a prefix length, for example 10.20.0.0/16")]
pub struct NetworkError {
    /// The text.
    pub text: String,
}

impl Network {
    /// Whether the address lies in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError { text: text.to_owned() };
        let (address, prefix) =
            text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let Ok(address) = address.parse::<IpAddr>() else { return Err(wrong()) };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse::<u32>) {
            None => longest,
            Some(Ok(prefix)) if prefix <= longest => prefix,
            Some(_) => return Err(wrong()),
        };
        Ok(Self { address, prefix })
    }
}

/// The address that packets to `address` end at.
fn reached(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

/// The special-purpose IPv4 registry, turned round. Link-local holds the metadata address of most clouds,
/// 100.64.0.0/10 (carrier-grade NAT) that of others.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    );
    !special
}

/// Global unicast only, less documentation, protocol assignments, and tunnels (Teredo, 6to4) whose far end
/// is an IPv4 address that nobody checked.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// A connection that the policy forbids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddressRefused(pub(crate) IpAddr);

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {} is not public", self.0)
    }
}

impl std::error::Error for AddressRefused {}

/// A name without an address.
#[derive(Debug)]
pub(crate) struct NameUnknown(pub(crate) String);

impl fmt::Display for NameUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NameUnknown {}

/// Resolves names by the operating system and drops forbidden addresses. The addresses that are checked are
/// the ones connected to, so a name that changes its answer in between gains nothing.
pub(crate) struct Guarded(pub(crate) Arc<AddressPolicy>);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(|error| NameUnknown(error.to_string()))?
                .collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| policy.permits(address.ip())).collect();
            match (permitted.is_empty(), found.first()) {
                (false, _) => Ok(Box::new(permitted.into_iter()) as Addrs),
                (true, Some(first)) => Err(AddressRefused(first.ip()).into()),
                (true, None) => Err(NameUnknown("the name has no address".to_owned()).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(policy: &AddressPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_public() {
        for public in ["8.8.8.8", "93.158.134.3", "2a02:6b8::feed", "172.15.0.1", "172.32.0.1", "100.63.0.1"]
        {
            assert!(permits(&AddressPolicy::PublicOnly, public), "{public}");
        }
        for special in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "100::1",
        ] {
            assert!(!permits(&AddressPolicy::PublicOnly, special), "{special}");
        }
    }

    #[test]
    fn loopback_opens_this_machine_and_nothing_else() {
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "8.8.8.8"] {
            assert!(permits(&AddressPolicy::AllowLoopback, own), "{own}");
        }
        for other in ["10.0.0.1", "169.254.169.254", "fd00::1", "0.0.0.0"] {
            assert!(!permits(&AddressPolicy::AllowLoopback, other), "{other}");
        }
    }

    #[test]
    fn private_networks_open_one_by_one() {
        let policy = AddressPolicy::AllowPrivate(vec![
            "10.20.0.0/16".parse().unwrap(),
            "192.168.1.7".parse().unwrap(),
            "fd00:1::/32".parse().unwrap(),
        ]);
        for inside in ["10.20.0.1", "10.20.255.255", "::ffff:10.20.1.1", "192.168.1.7", "fd00:1:2::3"] {
            assert!(permits(&policy, inside), "{inside}");
        }
        for outside in ["10.21.0.1", "192.168.1.8", "127.0.0.1", "169.254.169.254", "fd00:2::3"] {
            assert!(!permits(&policy, outside), "{outside}");
        }
        let all = AddressPolicy::AllowPrivate(vec!["0.0.0.0/0".parse().unwrap()]);
        assert!(permits(&all, "10.0.0.1") && !permits(&all, "::1"));
    }

    #[test]
    fn wrong_networks_are_refused_with_an_example() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "host/8"] {
            let error = text.parse::<Network>().unwrap_err().to_string();
            assert!(error.contains("10.20.0.0/16"), "{text}: {error}");
        }
    }
}
