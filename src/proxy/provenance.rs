use std::net::{IpAddr, SocketAddr};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

use super::Peer;
use super::config::TrustedProxies;
use super::headers::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::authority::is_connectable;

/// Where a request came from, as far as its peer is believed.
///
/// A trusted proxy is believed its `X-Forwarded-For`, `-Host` and `-Proto`. What stands in
/// `Forwarded` (RFC 7239) is believed nobody: proxies that write the former pass on a client's
/// `Forwarded` as it is, so that to believe both would be to believe the client.
#[derive(Debug)]
pub(super) struct Provenance {
    peer: Hop,
    /// From the peer's peer back to the client; mostly empty. None but the last is untrusted.
    before: Vec<IpAddr>,
    host: Option<HeaderValue>,
    scheme: HeaderValue,
}

/// A peer as upstreams are told of it; made once for a connection.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    address: IpAddr,
    text: HeaderValue,
    scheme: &'static str,
}

impl From<Peer> for Hop {
    fn from(peer: Peer) -> Self {
        let address = peer.ip().to_canonical();
        let text = HeaderValue::try_from(address.to_string());
        Self {
            address,
            text: text.expect("an address is ASCII"),
            scheme: peer.scheme(),
        }
    }
}

impl Provenance {
    /// Reads it from the headers as they came, before any is removed.
    pub(super) fn of(headers: &HeaderMap, peer: &Hop, trusted: &TrustedProxies) -> Self {
        if !trusted.contains(peer.address) {
            return Self::of_peer(peer);
        }
        let told = |name, is_good: fn(&HeaderValue) -> bool| {
            let value = only(headers, name).filter(|value| is_good(value));
            value.cloned()
        };
        Self {
            host: told(&X_FORWARDED_HOST, is_host),
            scheme: told(&X_FORWARDED_PROTO, is_scheme)
                .unwrap_or_else(|| HeaderValue::from_static(peer.scheme)),
            peer: peer.clone(),
            before: before(headers, peer.address, trusted),
        }
    }

    /// For a peer that is believed nothing.
    fn of_peer(peer: &Hop) -> Self {
        Self {
            peer: peer.clone(),
            before: Vec::new(),
            host: None,
            scheme: HeaderValue::from_static(peer.scheme),
        }
    }

    /// The nearest address that no trusted proxy has; the farthest if all have.
    pub(super) fn client(&self) -> IpAddr {
        *self.before.last().unwrap_or(&self.peer.address)
    }

    /// The same, if it is another than the peer.
    pub(super) fn told_client(&self) -> Option<IpAddr> {
        self.before.last().copied()
    }

    /// The host that the client asked for, if a trusted proxy tells another than the request.
    pub(super) fn host(&self) -> Option<&HeaderValue> {
        self.host.as_ref()
    }

    /// The scheme that the client used: as a trusted proxy tells it, or as it reached us.
    pub(super) fn scheme(&self) -> HeaderValue {
        self.scheme.clone()
    }

    /// The way from the client to us, for the next `X-Forwarded-For`.
    ///
    /// What the client claimed to be before it is left out: upstreams that take the leftmost
    /// address would believe it.
    pub(super) fn addresses(&self) -> HeaderValue {
        if self.before.is_empty() {
            return self.peer.text.clone();
        }
        let mut way = String::new();
        for address in self.before.iter().rev() {
            way.push_str(&format!("{address}, "));
        }
        way.push_str(&self.peer.address.to_string());
        HeaderValue::try_from(way).expect("an address is ASCII")
    }
}

/// Goes from the peer towards the client as long as those who tell the next are trusted.
fn before(headers: &HeaderMap, peer: IpAddr, trusted: &TrustedProxies) -> Vec<IpAddr> {
    let lines = headers.get_all(&X_FORWARDED_FOR).iter();
    let told = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
    let mut told = told.rev().map(<[u8]>::trim_ascii).filter(|t| !t.is_empty());
    let mut addresses = Vec::new();
    let mut last = peer;
    while trusted.contains(last)
        && let Some(next) = told.next().and_then(address)
    {
        addresses.push(next);
        last = next;
    }
    addresses
}

/// Some load balancers add the port.
fn address(told: &[u8]) -> Option<IpAddr> {
    let told = str::from_utf8(told).ok()?;
    let bare = told.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let address = bare.unwrap_or(told).parse();
    let address = address.or_else(|_| told.parse().map(|address: SocketAddr| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// A field that several proxies have added to says several things.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

fn is_host(value: &HeaderValue) -> bool {
    let authority = Authority::try_from(value.as_bytes());
    authority.is_ok_and(|authority| is_connectable(&authority))
}

fn is_scheme(value: &HeaderValue) -> bool {
    value == "http" || value == "https"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provenance(peer: &str, lines: &[(&'static str, &'static str)]) -> Provenance {
        let mut headers = HeaderMap::new();
        for &(name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        let peer = Peer::from(SocketAddr::new(peer.parse().unwrap(), 443));
        Provenance::of(&headers, &peer.into(), &trusted.into_iter().collect())
    }

    #[test]
    fn the_client_is_the_nearest_whom_nobody_trusts() {
        for (peer, told, way) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1, 10.0.0.1"),
            (
                "::ffff:10.0.0.1",
                &["198.51.100.1"],
                "198.51.100.1, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["6.6.6.6, 198.51.100.1"],
                "198.51.100.1, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["6.6.6.6", "198.51.100.1 ,, 10.0.0.2"],
                "198.51.100.1, 10.0.0.2, 10.0.0.1",
            ),
            (
                "10.0.0.1",
                &["10.0.0.3, 10.0.0.2"],
                "10.0.0.3, 10.0.0.2, 10.0.0.1",
            ),
            (
                "2001:db8::1",
                &["[2001:db9::1]:443"],
                "2001:db9::1, 2001:db8::1",
            ),
            ("10.0.0.1", &["198.51.100.1:1234"], "198.51.100.1, 10.0.0.1"),
            ("10.0.0.1", &["[2001:db9::1]"], "2001:db9::1, 10.0.0.1"),
            (
                "10.0.0.1",
                &["6.6.6.6, unknown, 10.0.0.2"],
                "10.0.0.2, 10.0.0.1",
            ),
            ("10.0.0.1", &["6.6.6.6, 10.0.0.2;x"], "10.0.0.1"),
        ] {
            let lines: Vec<_> = told.iter().map(|line| ("x-forwarded-for", *line)).collect();
            let provenance = provenance(peer, &lines);
            assert_eq!(provenance.addresses(), way, "{peer} {told:?}");
            let client = way.split(", ").next().unwrap();
            assert_eq!(provenance.client().to_string(), client);
        }
    }

    #[test]
    fn host_and_scheme_are_told_once_and_by_the_trusted() {
        let good = [
            ("x-forwarded-host", "tools.example.com"),
            ("x-forwarded-proto", "https"),
        ];
        let told = provenance("10.0.0.1", &good);
        assert_eq!(told.host().unwrap(), "tools.example.com");
        assert_eq!(told.scheme(), "https");
        for (peer, host, scheme) in [
            ("192.0.2.1", "tools.example.com", "https"),
            ("10.0.0.1", "a, b", "https, http"),
            ("10.0.0.1", "a@b", "javascript"),
            ("10.0.0.1", "a;b", ""),
        ] {
            let lines = [("x-forwarded-host", host), ("x-forwarded-proto", scheme)];
            let told = provenance(peer, &lines);
            assert_eq!(
                (told.host(), told.scheme()),
                (None, HeaderValue::from_static("http"))
            );
        }
        let twice = provenance("10.0.0.1", &[good, good].concat());
        assert_eq!(
            (twice.host(), twice.scheme()),
            (None, HeaderValue::from_static("http"))
        );
    }
}
