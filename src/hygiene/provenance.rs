use std::net::{IpAddr, SocketAddr};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;

use super::names::{
    X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PREFIX, X_FORWARDED_PROTO,
    X_REQUEST_ID,
};
use super::trusted_proxies::TrustedProxies;
use crate::authority::is_connectable;
use crate::server::Peer;

/// Where a request came from, as far as its peer is trusted.
///
/// A trusted proxy may set `X-Forwarded-For`, `-Host`, `-Proto`, `-Port` and `-Prefix`, and
/// `X-Request-Id`. `Forwarded` (RFC 7239) is trusted from no peer: proxies that write the others
/// pass on a client's `Forwarded` unchanged, so trusting both would mean trusting the client.
#[derive(Debug)]
pub(crate) struct Provenance {
    peer: Hop,
    /// From the peer's peer back to the client; mostly empty. Only the last may be untrusted.
    before: Vec<IpAddr>,
    scheme: HeaderValue,
    /// Boxed, because most peers are clients.
    told: Option<Box<Told>>,
}

/// A trusted proxy's information beside addresses and scheme.
#[derive(Debug)]
struct Told {
    host: Option<HeaderValue>,
    /// Whether the proxy writes `X-Forwarded-Host` itself, so that no client can.
    writes_host: bool,
    port: Option<HeaderValue>,
    prefix: Option<HeaderValue>,
    request_id: Option<HeaderValue>,
}

/// The proxies in front of the gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fronts {
    trusted: TrustedProxies,
    /// The proxies among them that write `X-Forwarded-Host` themselves.
    write_host: TrustedProxies,
}

impl Fronts {
    /// Trusts these proxies; those of `write_host` also set the host.
    pub(crate) fn new(trusted: TrustedProxies, write_host: TrustedProxies) -> Self {
        Self {
            trusted,
            write_host,
        }
    }

    /// Tells whether a peer is one of them.
    pub(crate) fn trust(&self, peer: &Hop) -> bool {
        self.trusted.contains(peer.address)
    }
}

/// A peer in the form that upstreams get; made once for a connection.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
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
    /// Reads the original headers, before any is removed.
    pub(crate) fn of(headers: &HeaderMap, peer: &Hop, fronts: &Fronts) -> Self {
        if !fronts.trusted.contains(peer.address) {
            return Self::of_peer(peer);
        }
        let told = |name, is_good: fn(&HeaderValue) -> bool| {
            let value = only(headers, name).filter(|value| is_good(value));
            value.cloned()
        };
        Self {
            scheme: told(&X_FORWARDED_PROTO, is_scheme)
                .unwrap_or_else(|| HeaderValue::from_static(peer.scheme)),
            peer: peer.clone(),
            before: before(headers, peer.address, &fronts.trusted),
            told: Some(Box::new(Told {
                host: told(&X_FORWARDED_HOST, is_host),
                writes_host: fronts.write_host.contains(peer.address),
                port: told(&X_FORWARDED_PORT, is_port),
                prefix: told(&X_FORWARDED_PREFIX, is_prefix),
                request_id: told(&X_REQUEST_ID, is_request_id),
            })),
        }
    }

    /// For a peer that is not trusted.
    fn of_peer(peer: &Hop) -> Self {
        Self {
            peer: peer.clone(),
            before: Vec::new(),
            scheme: HeaderValue::from_static(peer.scheme),
            told: None,
        }
    }

    /// The nearest address of no trusted proxy; the farthest if all are trusted.
    pub(crate) fn client(&self) -> IpAddr {
        *self.before.last().unwrap_or(&self.peer.address)
    }

    /// The same, if it differs from the peer.
    pub(crate) fn told_client(&self) -> Option<IpAddr> {
        self.before.last().copied()
    }

    /// The host that the client asked for, if a trusted proxy reports one.
    pub(crate) fn host(&self) -> Option<&HeaderValue> {
        self.told.as_ref()?.host.as_ref()
    }

    /// Whether the proxy sets that host itself, whatever the request's own host is. A proxy that
    /// only passes it on passes on a client's value.
    pub(crate) fn writes_host(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.writes_host)
    }

    /// The port that the client used, if a trusted proxy reports it.
    pub(crate) fn port(&self) -> Option<&HeaderValue> {
        self.told.as_ref()?.port.as_ref()
    }

    /// The path prefix that trusted proxies have removed, if they report it.
    pub(crate) fn prefix(&self) -> Option<&HeaderValue> {
        self.told.as_ref()?.prefix.as_ref()
    }

    /// The id of the request, if a trusted proxy sets one.
    pub(crate) fn request_id(&self) -> Option<&HeaderValue> {
        self.told.as_ref()?.request_id.as_ref()
    }

    pub(crate) fn peer(&self) -> IpAddr {
        self.peer.address
    }

    /// The scheme that the client used: as a trusted proxy reports it, or as it reached us.
    pub(crate) fn scheme(&self) -> HeaderValue {
        self.scheme.clone()
    }

    /// The way from the client to us, for the next `X-Forwarded-For`.
    ///
    /// Addresses that the client claimed before its own are left out: upstreams that take the
    /// leftmost address would believe them.
    pub(crate) fn addresses(&self) -> HeaderValue {
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

/// Goes from the peer towards the client as long as the reporting proxies are trusted.
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

/// A field that several proxies have added to has several values, and none is used.
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

/// RFC 3986 §3.2.3, without leading zeros.
fn is_port(value: &HeaderValue) -> bool {
    let port = value.as_bytes();
    let has_form = !port.starts_with(b"0") && port.iter().all(u8::is_ascii_digit);
    let number = value.to_str().ok().and_then(|port| port.parse().ok());
    has_form && number.is_some_and(|port: u16| port > 0)
}

/// An absolute path of RFC 3986 §3.3 that tools may put before others. It has no empty segments,
/// which a browser would read as a host, and no dot segments.
fn is_prefix(value: &HeaderValue) -> bool {
    let Ok(path) = value.to_str() else {
        return false;
    };
    let bare = path.strip_suffix('/').unwrap_or(path);
    let is_segment =
        |segment: &str| !["", ".", ".."].contains(&segment) && segment.bytes().all(is_in_segment);
    let mut segments = bare.split('/');
    segments.next() == Some("")
        && path.len() <= LONGEST_PREFIX
        && !bare.is_empty()
        && segments.all(is_segment)
}

/// Unreserved characters and others without a meaning in a page or a path. A percent-encoded
/// character could be a slash or dots to the tool.
fn is_in_segment(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~!$+=:@".contains(&b)
}

/// Visible ASCII, which is safe in any log.
fn is_request_id(value: &HeaderValue) -> bool {
    let id = value.as_bytes();
    (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Longer than any path that tools are mounted at.
const LONGEST_PREFIX: usize = 256;

/// Room for two UUIDs and a name. Every log line about the request has it.
const LONGEST_REQUEST_ID: usize = 128;

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
        let fronts = Fronts {
            trusted: trusted.into_iter().collect(),
            write_host: ["10.0.0.9".parse().unwrap()].into_iter().collect(),
        };
        Provenance::of(&headers, &peer.into(), &fronts)
    }

    #[test]
    fn what_else_the_trusted_tell_is_kept_where_it_has_its_form() {
        type Kept = fn(&Provenance) -> Option<&HeaderValue>;
        let keeps =
            |name: &'static str, kept: Kept, good: &[&'static str], bad: &[&'static str]| {
                for value in good {
                    let told = provenance("10.0.0.1", &[(name, value)]);
                    assert_eq!(kept(&told).unwrap(), value, "{name}");
                    let untrusted = provenance("192.0.2.1", &[(name, value)]);
                    assert_eq!(kept(&untrusted), None, "{name}: {value}");
                    let twice = provenance("10.0.0.1", &[(name, value), (name, value)]);
                    assert_eq!(kept(&twice), None, "{name}: {value}");
                }
                for value in bad {
                    let told = provenance("10.0.0.1", &[(name, value)]);
                    assert_eq!(kept(&told), None, "{name}: {value}");
                }
            };
        keeps(
            "x-forwarded-port",
            Provenance::port,
            &["1", "443", "65535"],
            &[
                "", "0", "0443", "65536", "+1", "443, 80", "http", "4 3", "-1",
            ],
        );
        keeps(
            "x-forwarded-prefix",
            Provenance::prefix,
            &["/tool", "/a/b-c_d.e~", "/tool/", "/.well-known"],
            &[
                "",
                "/",
                "tool",
                "//evil.com",
                "/a//b",
                "/a/../b",
                "/.",
                "/a/./b",
                "/a?b",
                "/a#b",
                "/a\\b",
                "/a\"><script>",
                "/a b",
                "/%2e%2e",
                "/a%2fb",
                "/a;b",
                "/a, /b",
                "/a,/b",
                "https://evil.com/",
                "/tool//",
            ],
        );
        const LONGEST: &str = concat!(
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        );
        const LONGER: &str = concat!(
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        );
        keeps(
            "x-request-id",
            Provenance::request_id,
            &["a", "7b0c64a7-5b1f-4f3a-9c4b-1f4d8f0f6e11", LONGEST],
            &["", "a b", "a\tb", LONGER],
        );
    }

    #[test]
    fn some_of_the_trusted_write_the_host_themselves() {
        for (peer, writes) in [
            ("10.0.0.9", true),
            ("10.0.0.1", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(provenance(peer, &[]).writes_host(), writes, "{peer}");
        }
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
