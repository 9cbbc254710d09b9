use std::net::IpAddr;

use ipnet::IpNet;

/// The hosts that are reached without a proxy: the value of `NO_PROXY`.
///
/// Items are separated by commas or blanks, and upper and lower case are the same.
///
/// | item | matches |
/// |---|---|
/// | `*` | every host |
/// | `example.com`, `.example.com`, `*.example.com` | the domain and all names below it |
/// | `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` | the address |
/// | `192.0.2.0/24`, `2001:db8::/32` | the addresses of the network |
///
/// A port behind a name or an address, as in `example.com:8443`, limits the item to that port. Any
/// other item matches nothing. No name is resolved for a match.
pub(super) struct NoProxy<'v>(&'v str);

impl<'v> NoProxy<'v> {
    pub(super) fn new(value: &'v str) -> Self {
        Self(value)
    }

    /// Returns whether a host is reached without a proxy; `host` is in lower case.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let items = self
            .0
            .split([',', ' ', '\t'])
            .filter(|item| !item.is_empty());
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = address(host);
        items.into_iter().any(|item| match address {
            Some(address) => item == "*" || has_address(item, address, port),
            None => has_name(item, host, port),
        })
    }
}

fn has_address(item: &str, host: IpAddr, port: u16) -> bool {
    if let Ok(network) = item.parse::<IpNet>() {
        return network.contains(&host);
    }
    // The address comes first: the end of an IPv6 address looks like a port.
    if let Some(item) = address(item) {
        return item == host;
    }
    let (item, item_port) = split_port(item);
    address(item) == Some(host) && item_port == Some(port)
}

fn has_name(item: &str, host: &str, port: u16) -> bool {
    let (item, item_port) = split_port(item);
    if item_port.is_some_and(|item_port| item_port != port) {
        return false;
    }
    if item == "*" {
        return true;
    }
    let domain = item.strip_prefix('*').unwrap_or(item);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some(border) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (below, end) = (&host.as_bytes()[..border], &host.as_bytes()[border..]);
    let is_end = end.eq_ignore_ascii_case(domain.as_bytes());
    is_end && !domain.is_empty() && (below.is_empty() || below.ends_with(b"."))
}

fn split_port(item: &str) -> (&str, Option<u16>) {
    match item.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (item, None),
        },
        None => (item, None),
    }
}

/// Reads an address, with or without brackets; an IPv4-mapped IPv6 address becomes an IPv4 address.
fn address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(host).parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching<'h>(value: &str, hosts: &[&'h str]) -> Vec<&'h str> {
        let matches = |host: &&&str| NoProxy::new(value).contains(host, 443);
        hosts.iter().filter(matches).copied().collect()
    }

    #[test]
    fn a_domain_has_the_names_below_it_and_no_other() {
        let hosts = [
            "example.com",
            "example.com.",
            "ghes.example.com",
            "notexample.com",
            "example.com.evil.test",
            "com",
        ];
        for value in [
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.com",
            "other.test, example.com",
            "other.test\texample.com.",
            "example.com:443",
        ] {
            assert_eq!(matching(value, &hosts), hosts[..3], "{value}");
        }
        for value in [
            "",
            " , ",
            ".",
            "*.",
            "xample.com",
            "example.com:8443",
            "http://example.com",
        ] {
            assert_eq!(matching(value, &hosts), [""; 0], "{value}");
        }
    }

    #[test]
    fn an_address_is_compared_as_one() {
        let hosts = [
            "192.0.2.7",
            "192.0.3.7",
            "[2001:db8::7]",
            "ghes.example.com",
        ];
        for (value, matched) in [
            ("192.0.2.7", &hosts[..1]),
            ("192.0.2.7:443", &hosts[..1]),
            ("192.0.2.0/24", &hosts[..1]),
            ("192.0.2.0/23", &hosts[..2]),
            ("2001:db8::7", &hosts[2..3]),
            ("[2001:db8::7]", &hosts[2..3]),
            ("[2001:DB8::7]:443", &hosts[2..3]),
            ("2001:db8::/32", &hosts[2..3]),
            ("::ffff:192.0.2.7", &hosts[..1]),
            ("192.0.2.7:8443", &[]),
            ("2.7", &[]),
            ("192.0.2.0/33", &[]),
            ("0.0.0.0/0", &hosts[..2]),
        ] {
            assert_eq!(matching(value, &hosts), matched, "{value}");
        }
    }

    #[test]
    fn an_asterisk_is_every_host() {
        let hosts = ["192.0.2.7", "[2001:db8::7]", "ghes.example.com"];
        assert_eq!(matching("*", &hosts), hosts);
        assert_eq!(matching("a.test,*", &hosts), hosts);
    }
}
