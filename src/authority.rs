//! Hosts and ports that a connection can be made to.

#[cfg(feature = "session")]
use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use http::uri::Authority;

/// Refuses two authorities that `Authority` accepts: an empty host, a port that is not a number.
pub(crate) fn is_connectable(authority: &Authority) -> bool {
    let host = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    let port = &authority.as_str()[host.len()..];
    let host_is_good = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_in_name),
    };
    let port_is_good = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
    host_is_good && port_is_good
}

/// Returns true for most [connectable](is_connectable) hosts, a name or an IPv4 address with or
/// without a port, without making an `Authority` of them. For all others false means unknown.
#[cfg(feature = "proxy")]
pub(crate) fn is_plainly_connectable(host: &[u8]) -> bool {
    let end_of_name = host.iter().position(|&b| !is_in_name(b));
    let (name, port) = host.split_at(end_of_name.unwrap_or(host.len()));
    let port_is_good = match port {
        [] => true,
        [b':', b'1'..=b'9', rest @ ..] => rest.len() < 4 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !name.is_empty() && port_is_good
}

/// Normalizes a request's host for comparisons.
///
/// Allocates only for unusual spellings: with capitals, or an IPv6 address.
#[cfg(feature = "session")]
pub(crate) fn bare_host(host: &str) -> Cow<'_, str> {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.split(']').next().unwrap_or_default();
        return match address.parse::<Ipv6Addr>() {
            Ok(address) => Cow::Owned(format!("[{address}]")),
            Err(_) => Cow::Borrowed(host),
        };
    }
    let name = host.split(':').next().unwrap_or_default();
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn is_in_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')
}

/// Returns whether connections to the host stay on this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(all(test, feature = "proxy"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn most_hosts_are_plain() {
        for host in [
            "tools.example.com",
            "localhost:8080",
            "192.0.2.1:443",
            "a_b-c.",
        ] {
            assert!(is_plainly_connectable(host.as_bytes()), "{host}");
        }
        for host in [
            "", ":80", "a:", "a:0", "a:080", "a:+1", "a:1:2", "u@a", "[::1]", "a b",
        ] {
            assert!(!is_plainly_connectable(host.as_bytes()), "{host}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_would_be_found_connectable(host in "[!-~]{1,8}|[a-z.]{1,4}:[!-~]{0,5}") {
            if is_plainly_connectable(host.as_bytes()) {
                let authority = Authority::try_from(&*host).unwrap();
                prop_assert!(is_connectable(&authority), "{host}");
            }
        }
    }
}
