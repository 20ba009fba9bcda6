//! Addresses of destinations.

use std::net::IpAddr;

/// Whether a host can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || literal.is_ok_and(|address| address.is_loopback())
}
