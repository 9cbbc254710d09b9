//! Hosts and ports that can be connected to.

use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;

/// Refuses what `Authority` lets through: an empty host, a port that is no number.
pub(crate) fn is_connectable(authority: &Authority) -> bool {
    let host = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    let port = &authority.as_str()[host.len()..];
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let host_is_good = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    let port_is_good = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    host_is_good && port_is_good
}

/// Tells whether what is sent there stays on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
