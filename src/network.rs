//! What clients are told apart by.

use std::net::{IpAddr, Ipv6Addr};

/// What one client has at least: a /64 of IPv6, as providers hand them out.
pub(crate) fn network(addr: IpAddr) -> IpAddr {
    match addr.to_canonical() {
        IpAddr::V6(addr) => {
            let prefix = addr.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(prefix).into()
        }
        IpAddr::V4(addr) => addr.into(),
    }
}
