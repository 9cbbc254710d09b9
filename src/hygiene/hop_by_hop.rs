//! Fields that must not cross a proxy, and fields that a proxy adds.
//!
//! The order matters: hop-by-hop removal obeys the client's `Connection` header, so it runs before
//! any of our own fields is set. Otherwise `Connection: X-Forwarded-User` would remove it.

use http::header::{
    ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, MAX_FORWARDS,
};
use http::{Method, Request};
use http_body::Body;

use super::names::{
    X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PREFIX, X_FORWARDED_PROTO,
    X_REQUEST_ID,
};
use super::provenance::Provenance;
use super::request::Forwardable;
use super::stripped_header::StrippedHeader;
use crate::fold::{Names, is_listed, remove_where};

/// RFC 9110 §7.6.1: fields that describe one connection and must not be forwarded. The names are
/// folded, because an upstream might take `Transfer_Encoding` for framing.
///
/// Listed by their first byte, as are the lists below, because every field of every message is
/// looked up here.
fn hop_by_hop(first: u8) -> &'static [&'static str] {
    match first {
        b'c' => &["connection"],
        // RFC 7540 §3.2.1; with `Upgrade`, it would open a second protocol past the gate.
        b'h' => &["http2-settings"],
        b'k' => &["keep-alive"],
        b'p' => &[
            "proxy-authenticate",
            "proxy-authentication-info",
            "proxy-authorization",
            "proxy-connection",
        ],
        b't' => &["te", "trailer", "transfer-encoding"],
        b'u' => &["upgrade"],
        _ => &[],
    }
}

/// Fields that are set again for every upstream: the length of the body depends on how we send it,
/// the host on where we send it. An expectation is answered on this hop, by reading the body (RFC
/// 9110 §10.1.1).
fn said_anew(first: u8) -> &'static [&'static str] {
    match first {
        b'c' => &["content-length"],
        b'e' => &["expect"],
        b'h' => &["host"],
        _ => &[],
    }
}

/// Folded names of fields by which a proxy reports where a request came from or who sent it, of
/// fields by which some servers accept the requested path or their mount point, and `Proxy`, which
/// CGI turns into `HTTP_PROXY`. A name that ends in a dash is a prefix of a family of names.
fn forwarding(first: u8) -> &'static [&'static str] {
    match first {
        // Cloudflare's, and those of RFC 9440.
        b'c' => &["cf-", "client-cert", "client-cert-", "client-ip"],
        b'f' => &[
            "fastly-client-",
            "fly-client-ip",
            "forwarded",
            "front-end-https",
        ],
        b'i' => &["incap-client-ip"],
        // Gunicorn copies this and `script-name` into its environment.
        b'p' => &["path-info", "proxy"],
        b's' => &["script-name", "ssl-client-"],
        b't' => &["true-client-ip"],
        // WebLogic's.
        b'w' => &["wl-proxy-"],
        b'x' => &[
            "x-accel-",
            "x-appengine-",
            "x-arr-",
            "x-azure-client-",
            "x-azure-clientip",
            "x-azure-socketip",
            "x-client-ip",
            "x-cluster-client-",
            "x-envoy-",
            "x-forwarded",
            "x-forwarded-",
            "x-goog-authenticated-user-",
            "x-host",
            "x-http-host-override",
            "x-ms-client-principal",
            "x-ms-client-principal-",
            "x-original-",
            "x-proxyuser-ip",
            "x-real-",
            "x-request-id",
            "x-rewrite-",
            "x-scheme",
            "x-script-name",
            // Rack reads from these which files may be served.
            "x-sendfile-type",
            "x-url-scheme",
        ],
        _ => &[],
    }
}

/// Removes from a request the fields for this hop only and those that a client must not set, and
/// joins the field that only HTTP/2 may split.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip(headers, |name| {
        is_in(name, |first| {
            [hop_by_hop(first), said_anew(first), forwarding(first)]
        })
    });
    join_cookies(headers);
}

/// Joins the cookies that HTTP/2 lets a client split (RFC 9113 §8.2.3). HTTP/1 has one field only
/// (RFC 6265 §5.4), and upstreams that find several read the first, the last, or none.
fn join_cookies(headers: &mut HeaderMap) {
    let has_repeated = headers.len() > headers.keys_len();
    if !has_repeated {
        return;
    }
    let crumbs = headers.get_all(COOKIE).iter();
    let crumbs: Vec<&[u8]> = crumbs.map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1 {
        let cookies = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]));
        let mut cookies = cookies.expect("what joins good values is good in one");
        cookies.set_sensitive(true);
        headers.insert(COOKIE, cookies);
    }
}

/// Removes the fields that a route's upstream must not get from clients.
pub(crate) fn strip_listed(headers: &mut HeaderMap, listed: &[StrippedHeader]) {
    if !listed.is_empty() {
        remove_where(headers, |name| listed.iter().any(|l| l.is_named(name)));
    }
}

/// Removes from a response the fields for its hop only, and `Alt-Svc`, which would send clients
/// past the gate.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip(headers, |name| {
        is_in(name, |first| [hop_by_hop(first)]) || *name == ALT_SVC
    });
}

/// Sets the fields that report where the request came from.
pub(crate) fn set_forwarding(
    headers: &mut HeaderMap,
    provenance: &Provenance,
    forwardable: Forwardable,
    request_id: HeaderValue,
) {
    if let Some(host) = provenance.host().cloned().or(forwardable.host) {
        let port = provenance.port().cloned();
        let port = port.unwrap_or_else(|| port_of(&host, &provenance.scheme()));
        headers.insert(X_FORWARDED_PORT.clone(), port);
        headers.insert(X_FORWARDED_HOST.clone(), host);
    }
    if let Some(prefix) = provenance.prefix() {
        headers.insert(X_FORWARDED_PREFIX.clone(), prefix.clone());
    }
    headers.insert(X_FORWARDED_FOR.clone(), provenance.addresses());
    headers.insert(X_FORWARDED_PROTO.clone(), provenance.scheme());
    headers.insert(X_REQUEST_ID.clone(), request_id);
    if let Some(hops) = forwardable.max_forwards {
        headers.insert(MAX_FORWARDS, HeaderValue::from(hops));
    }
}

/// Returns the port of a client that asked for this host (RFC 9110 §4.2).
fn port_of(host: &HeaderValue, scheme: &HeaderValue) -> HeaderValue {
    let host = host.as_bytes();
    let end_of_name = host.iter().rposition(|&b| b == b':' || b == b']');
    let port = end_of_name.filter(|&at| host[at] == b':');
    let port = port.and_then(|at| HeaderValue::from_bytes(&host[at + 1..]).ok());
    port.unwrap_or_else(|| match scheme == "https" {
        true => HeaderValue::from_static("443"),
        false => HeaderValue::from_static("80"),
    })
}

/// Sends the upstream the host that the client asked for, if any.
pub(crate) fn set_host(headers: &mut HeaderMap) {
    if let Some(host) = headers.get(&X_FORWARDED_HOST).cloned() {
        headers.insert(HOST, host);
    }
}

/// Returns the `Content-Length` of an absent body; none if the field is not sent.
///
/// RFC 9110 §8.6: a request has one if its method anticipates a body. Some servers answer 411
/// otherwise. For other methods it is sent if the client has sent it.
pub(crate) fn length_of_nothing<B: Body>(request: &Request<B>) -> Option<HeaderValue> {
    if request.body().size_hint().exact() != Some(0) {
        return None;
    }
    let is_said = match *request.method() {
        Method::GET | Method::HEAD | Method::CONNECT => false,
        Method::POST | Method::PUT | Method::PATCH => true,
        _ => request.headers().contains_key(CONTENT_LENGTH),
    };
    is_said.then(|| HeaderValue::from_static("0"))
}

/// Removes fields that are `is_unwanted`, as `Connection` is, and the fields that it names.
fn strip(headers: &mut HeaderMap, is_unwanted: impl Fn(&HeaderName) -> bool) {
    let mut unwanted = Names::default();
    let mut names_fields = false;
    for (name, line) in headers.iter().filter(|(name, _)| is_unwanted(name)) {
        // The usual value; `keep-alive` is removed with all hop-by-hop fields.
        names_fields |= *name == CONNECTION && line != "keep-alive";
        unwanted.push(name);
    }
    if names_fields {
        strip_named_by_connection(headers);
    }
    unwanted.remove_from(headers);
}

/// Removes every field that a `Connection` line names, in all lines (RFC 9110 §7.6.1), except the
/// fields for the sender and the length of a message: §7.6.1 forbids naming them.
fn strip_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .map(<[u8]>::trim_ascii)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| ![AUTHORIZATION, CONTENT_LENGTH].contains(name))
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Returns whether a name is in one of the lists for its first byte.
#[inline]
fn is_in<const N: usize>(name: &HeaderName, lists: fn(u8) -> [&'static [&'static str]; N]) -> bool {
    let name = name.as_str();
    let is_in = |list: &[&str]| list.iter().any(|listed| is_listed(name, listed));
    let first = name.bytes().next().unwrap_or_default();
    lists(first).into_iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hygiene::provenance::Fronts;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for &(name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn what_every_connection_line_names_stays_on_this_hop() {
        let mut headers = headers(&[
            ("connection", "close, X-One"),
            ("Connection", " x-two\t,,\"bad\", TE"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("proxy-authorization", "Basic YTpi"),
            ("proxy-connection", "keep-alive"),
            ("trailer", "x-auth-user"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "*/*"),
        ]);
        strip_request(&mut headers);
        assert_eq!(names(&headers), ["accept"]);
    }

    #[test]
    fn what_a_client_says_about_its_way_is_removed_under_every_name() {
        for name in [
            "Forwarded",
            "X-Forwarded",
            "X-Forwarded-For",
            "X_Forwarded_Host",
            "x.forwarded.proto",
            "X-Forwarded-Prefix",
            "X-Real-IP",
            "X-Request-Id",
            "X-Original-URL",
            "X-Rewrite-Url",
            "X-Envoy-External-Address",
            "True_Client.IP",
            "X-Cluster-Client-Ip",
            "CF-Connecting-IP",
            "CF_Connecting_IPv6",
            "Cf-Access-Authenticated-User-Email",
            "X-Scheme",
            "X_Scheme",
            "X-Script-Name",
            "x.script.name",
            "Script_Name",
            "Front-End-Https",
            "SSL-Client-S-DN",
            "WL-Proxy-Client-IP",
            "X-MS-CLIENT-PRINCIPAL-NAME",
            "Proxy",
            "Expect",
            "Content-Length",
            "Content_Length",
            "Transfer_Encoding",
            "HTTP2-Settings",
            "Host",
        ] {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name.clone(), HeaderValue::from_static("1"));
            headers.append(name, HeaderValue::from_static("2"));
            strip_request(&mut headers);
            assert!(headers.is_empty(), "{headers:?}");
        }
    }

    #[test]
    fn each_name_is_listed_where_it_is_looked_for() {
        let lists = [hop_by_hop, said_anew, forwarding];
        let firsts = (0..=u8::MAX).flat_map(|first| lists.map(|list| (first, list(first))));
        let mut names = 0;
        for (first, listed) in firsts {
            for name in listed {
                assert_eq!(name.as_bytes()[0], first, "{name}");
                names += 1;
            }
        }
        assert_eq!(names, 11 + 3 + 40);
    }

    #[test]
    fn a_connection_header_cannot_remove_what_we_set() {
        let mut headers = headers(&[
            ("authorization", "Bearer x"),
            (
                "connection",
                "host, x-forwarded-for, x-request-id, Authorization",
            ),
        ]);
        let peer: std::net::SocketAddr = "[::ffff:192.0.2.7]:443".parse().unwrap();
        let peer = crate::server::Peer::from(peer).into();
        let provenance = Provenance::of(&headers, &peer, &Fronts::default());
        let forwardable = Forwardable {
            host: Some(HeaderValue::from_static("tools.example.com")),
            max_forwards: Some(2),
        };
        strip_request(&mut headers);
        set_forwarding(
            &mut headers,
            &provenance,
            forwardable,
            HeaderValue::from_static("id"),
        );
        assert_eq!(headers["authorization"], "Bearer x");
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-host"], "tools.example.com");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-forwarded-port"], "80");
        assert_eq!(headers["x-request-id"], "id");
        assert_eq!(headers["max-forwards"], "2");
        assert_eq!(headers.len(), 7);
    }

    #[test]
    fn the_port_is_the_hosts_or_the_schemes() {
        for (host, scheme, port) in [
            ("tools.example.com", "http", "80"),
            ("tools.example.com", "https", "443"),
            ("tools.example.com:8080", "https", "8080"),
            ("[2001:db8::1]", "https", "443"),
            ("[2001:db8::1]:8443", "https", "8443"),
        ] {
            let (host, scheme) = (
                HeaderValue::from_static(host),
                HeaderValue::from_static(scheme),
            );
            assert_eq!(port_of(&host, &scheme), port, "{host:?}");
        }
    }

    #[test]
    fn cookies_in_pieces_are_made_one() {
        for (crumbs, cookies) in [
            (&[][..], &[][..]),
            (&["a=1"], &["a=1"]),
            (&["a=1", "b=2; c=3", "d="], &["a=1; b=2; c=3; d="]),
        ] {
            let lines: Vec<_> = crumbs.iter().map(|crumb| ("cookie", *crumb)).collect();
            let mut headers = headers(&lines);
            strip_request(&mut headers);
            let joined: Vec<_> = headers.get_all(COOKIE).iter().collect();
            assert_eq!(joined, cookies);
        }
    }

    #[test]
    fn a_responses_length_stays() {
        let mut headers = headers(&[
            ("content-length", "5"),
            ("connection", "close, content-length"),
            ("alt-svc", "h3=\":443\""),
        ]);
        strip_response(&mut headers);
        assert_eq!(names(&headers), ["content-length"]);
    }
}
