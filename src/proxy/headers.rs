//! What must not cross a proxy, and what a proxy adds.
//!
//! The order matters: hop-by-hop removal obeys the client's `Connection` header, so it runs
//! before anything of ours is set. Otherwise `Connection: X-Forwarded-User` would remove it.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};

use super::Peer;
use crate::fold::{folds_to, remove_where, starts_folded};

/// RFC 9110 §7.6.1: fields that describe one connection and must not be forwarded.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Names, after folding, by which a proxy says where a request came from, and by which some
/// servers let it say which path was asked for.
const FORWARDING: [&str; 5] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-request-id",
    "x-rewrite-url",
];

/// Families of such names, by how they begin.
const FORWARDING_FAMILIES: [&str; 3] = ["x-envoy-", "x-forwarded-", "x-original-"];

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Removes from a request what the client sent for this hop only, or cannot be trusted to say.
///
/// Framing goes too: the length of the body is told to the upstream by how we send it, never by
/// what the client wrote.
pub(super) fn strip_request(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.remove(CONTENT_LENGTH);
    // Answered on this hop, by reading the body (RFC 9110 §10.1.1).
    headers.remove(EXPECT);
    remove_where(headers, is_forwarding);
}

/// Removes from a response what the upstream sent for its hop only.
pub(super) fn strip_response(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
}

/// Says where the request came from.
pub(super) fn set_forwarding(headers: &mut HeaderMap, peer: Peer, request_id: HeaderValue) {
    // The upstream is another host; the name that the client used goes along beside it.
    if let Some(host) = headers.remove(HOST) {
        headers.insert(X_FORWARDED_HOST.clone(), host);
    }
    // An address is always ASCII.
    if let Ok(address) = HeaderValue::try_from(peer.ip().to_canonical().to_string()) {
        headers.insert(X_FORWARDED_FOR.clone(), address);
    }
    let scheme = HeaderValue::from_static(peer.scheme());
    headers.insert(X_FORWARDED_PROTO.clone(), scheme);
    headers.insert(X_REQUEST_ID.clone(), request_id);
    // RFC 9110 §7.6.3: a gateway names itself in every request that it forwards.
    headers.insert(VIA, HeaderValue::from_static("1.1 ghes-gatekeeper"));
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Every field that a `Connection` line names, in all lines (RFC 9110 §7.6.1), but for those
/// that say whom a request is for, who sends it and how long it is: §7.6.1 forbids to name them.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| ![HOST, AUTHORIZATION, CONTENT_LENGTH].contains(name))
        .collect()
}

fn is_forwarding(name: &HeaderName) -> bool {
    FORWARDING.iter().any(|owned| folds_to(name, owned))
        || FORWARDING_FAMILIES
            .iter()
            .any(|prefix| starts_folded(name, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "Via",
            "X-Forwarded-For",
            "X_Forwarded_Host",
            "x.forwarded.proto",
            "X-Forwarded-Prefix",
            "X-Real-IP",
            "X-Request-Id",
            "X-Original-URL",
            "X-Rewrite-Url",
            "X-Envoy-External-Address",
            "Expect",
            "Content-Length",
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
    fn a_connection_header_cannot_remove_what_we_set() {
        let mut headers = headers(&[
            ("host", "tools.example.com"),
            ("connection", "host, x-forwarded-for, x-request-id, via"),
        ]);
        strip_request(&mut headers);
        let peer: std::net::SocketAddr = "[::ffff:192.0.2.7]:443".parse().unwrap();
        set_forwarding(&mut headers, peer.into(), HeaderValue::from_static("id"));
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-host"], "tools.example.com");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-request-id"], "id");
        assert_eq!(headers["via"], "1.1 ghes-gatekeeper");
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn a_responses_length_stays() {
        let mut headers = headers(&[("content-length", "5"), ("connection", "close")]);
        strip_response(&mut headers);
        assert_eq!(names(&headers), ["content-length"]);
    }
}
