//! Whatever a client sends, an upstream gets nothing or one clean request.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use super::TOKEN;
use super::recorder::{Recorder, status_of};
use super::wire::fold;

/// Names that mean something to somebody on the way.
const NAMES: [&str; 24] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "proxy",
    "proxy-authorization",
    "remote-user",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-auth-request-user",
    "x-forwarded-for",
    "x-forwarded-user",
    "x-github-user-id",
    "x-oauth-scopes",
    "x-request-id",
];

/// Such a name in some case and with some separators, or any other.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let separators = vec(select(b"-_.!~ :".to_vec()), 4);
    let alike = (
        select(NAMES.to_vec()),
        any::<u32>(),
        separators,
        any::<bool>(),
    )
        .prop_map(|(name, upper, separators, is_itself)| {
            let mut separators = separators.into_iter().cycle();
            let one = |(at, b): (usize, u8)| match b {
                b'-' if !is_itself => separators.next().unwrap_or(b'-'),
                b if upper >> (at % 32) & 1 == 1 => b.to_ascii_uppercase(),
                b => b,
            };
            name.bytes().enumerate().map(one).collect()
        });
    prop_oneof![4 => alike, 1 => vec(any::<u8>(), 0..6)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "",
        "0",
        "5",
        "chunked",
        "gzip, chunked",
        "close",
        "x-forwarded-user, host",
        "100-continue",
        "admin",
        "a",
        "1.1 ghes-gatekeeper",
        "127.0.0.1",
        "trailers",
        "h2c",
        "\"",
        "a\r\nx: b",
    ];
    let known = select(known.to_vec()).prop_map(|value| value.as_bytes().to_vec());
    prop_oneof![3 => known, 1 => vec(any::<u8>(), 0..8)]
}

/// A request with a good token and these fields; a body that is good for either framing.
fn bytes(fields: &[(Vec<u8>, Vec<u8>)], has_host: bool, has_token: bool) -> Vec<u8> {
    let mut head = "POST /p HTTP/1.1\r\n".to_owned();
    if has_host {
        head.push_str("Host: a\r\n");
    }
    if has_token {
        write!(head, "Authorization: Bearer {TOKEN}\r\n").expect("a string");
    }
    let mut bytes = head.into_bytes();
    for (name, value) in fields {
        bytes.extend([name, b": ".as_slice(), value, b"\r\n"].concat());
    }
    // Enough for a server that waits for more to be answered all the same.
    bytes.extend(b"Connection: close\r\n\r\n0\r\n\r\n");
    bytes
}

#[test]
fn an_upstream_gets_nothing_or_one_clean_request() {
    let runtime = Runtime::new().expect("a runtime");
    let mut upstream = runtime.block_on(Recorder::start());
    let gate = runtime.block_on(upstream.gate());
    let input = (
        vec((name(), value()), 0..5),
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.9),
    );
    let config = ProptestConfig::with_cases(2_000);
    let (mut refused, mut passed) = (0, 0);
    let seen = std::cell::RefCell::new((&mut upstream, &mut refused, &mut passed));
    TestRunner::new(config)
        .run(&input, |(fields, has_host, has_token)| {
            let (upstream, refused, passed) = &mut *seen.borrow_mut();
            let bytes = bytes(&fields, has_host, has_token);
            let status = runtime.block_on(status_of(&gate, &bytes));
            match status {
                // Strict reading and what may stand there are the recorder's to check.
                200 => {
                    let message = runtime.block_on(upstream.message());
                    prop_assert!(has_token && message.only("x-forwarded-user") == "octocat");
                    let hosts = message
                        .fields
                        .iter()
                        .filter(|(name, _)| fold(name) == "host");
                    prop_assert_eq!(hosts.count(), 1);
                    **passed += 1;
                }
                204 | 400..=499 | 501 | 508 => **refused += 1,
                status => prop_assert!(false, "{status}"),
            }
            upstream.assert_untouched();
            Ok(())
        })
        .expect("no counterexample");
    assert!(
        passed > 100 && refused > 100,
        "{passed} passed, {refused} refused"
    );
}
