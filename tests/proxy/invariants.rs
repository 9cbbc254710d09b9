//! What holds for whatever a client or an upstream sends; fuzz targets and their corpora share it.
//!
//! Needs nothing but the standard library and what reads the wire.

use std::net::IpAddr;

use super::wire::{Message, fold};

/// A person's request, and nothing in it but what the gate knows of them.
pub(crate) fn assert_octocat(message: &Message) {
    assert_eq!(message.only("x-forwarded-user"), "octocat");
    assert_eq!(message.only("x-github-user-id"), "1");
    assert_eq!(message.only("x-oauth-scopes"), "public_repo, user");
}

/// Nobody is trusted: where a request came from is what the gate has seen itself.
pub(crate) fn assert_seen_by_the_gate(message: &Message) {
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
    assert_eq!(message.only("x-forwarded-proto"), "http");
}

/// The peer is trusted: what it tells is passed on only if it is what it should be.
pub(crate) fn assert_told_by_the_peer(message: &Message) {
    let addresses = message.only("x-forwarded-for");
    let (_, peer) = addresses.rsplit_once(", ").unwrap_or(("", &addresses));
    assert_eq!(peer, "127.0.0.1", "{addresses}");
    for address in addresses.split(", ") {
        assert!(address.parse::<IpAddr>().is_ok(), "{addresses}");
    }
    let scheme = message.only("x-forwarded-proto");
    assert!(["http", "https"].contains(&&*scheme), "{scheme}");
    let host = message.only("x-forwarded-host");
    let is_host = |b: u8| b.is_ascii_graphic() && !b",;\"'=@/\\?# <>".contains(&b);
    assert!(!host.is_empty() && host.bytes().all(is_host), "{host}");
}

/// A request that nobody vouches for is one for what is open, however its path may be read.
pub(crate) fn assert_open(message: &Message) {
    for name in ["x-forwarded-user", "x-github-user-id", "x-oauth-scopes"] {
        assert!(message.all(name).is_empty(), "{message:?}");
    }
    let path = message.target.split('?').next().unwrap_or_default();
    for reading in readings(path) {
        let is_below = |route| {
            let rest = reading.strip_prefix(route);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_open = is_below("/open") && !is_below("/open/but/not");
        assert!(is_open, "{path:?} may be read as {reading:?}");
    }
}

/// What servers make of a path: decoded, and again and again, with the slashes of other systems,
/// without parameters, doubled slashes, trailing dots and blanks, and with `..` gone up.
fn readings(path: &str) -> Vec<String> {
    let decode = |path: &str| String::from_utf8_lossy(&decoded(path.as_bytes())).into_owned();
    let mut readings = vec![decode(path)];
    for _ in 0..2 {
        readings.push(decode(&readings[readings.len() - 1]));
    }
    let resolved: Vec<_> = readings.iter().map(|reading| resolved(reading)).collect();
    readings.extend(resolved);
    readings
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let hex = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((&first, more)) = rest.split_first() {
        let triplet = match more {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        decoded.push(triplet.map_or(first, |(high, low)| high << 4 | low));
        rest = if triplet.is_some() { &more[2..] } else { more };
    }
    decoded
}

fn resolved(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split(['/', '\\']) {
        let name = segment.split(';').next().unwrap_or_default();
        match name.trim_matches([' ', '\0']) {
            ".." => drop(kept.pop()),
            name => kept.extend(Some(name.trim_end_matches(['.', ' '])).filter(|n| !n.is_empty())),
        }
    }
    format!("/{}", kept.join("/"))
}

/// A response has one length, and nothing that was meant for the hop behind the gate.
pub(crate) fn assert_response_is_clean(response: &[u8]) {
    let end = response.windows(4).position(|part| part == b"\r\n\r\n");
    let head = String::from_utf8_lossy(&response[..end.expect("a whole head")]);
    let fields = head.split("\r\n").skip(1);
    let names: Vec<String> = fields
        .map(|field| field.split_once(':').expect("a name").0)
        .map(str::to_ascii_lowercase)
        .collect();
    let count = |name| names.iter().filter(|n| *n == name).count();
    assert!(
        count("content-length") + count("transfer-encoding") <= 1,
        "{head}"
    );
    for name in &names {
        let folded = fold(name);
        let is_ours = ["connection", "content-length", "transfer-encoding"].contains(&&**name);
        assert!(is_ours || !OF_ONE_HOP.contains(&&*folded), "{head}");
    }
}

const OF_ONE_HOP: [&str; 10] = [
    "alt-svc",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "upgrade",
];

#[test]
fn a_path_is_read_in_many_ways() {
    for path in [
        "/open/../x",
        "/open/%2e%2e/x",
        "/open/%252e%252e%2fx",
        "/open/..;a/x",
    ] {
        assert!(readings(path).contains(&"/x".to_owned()), "{path}");
    }
}
