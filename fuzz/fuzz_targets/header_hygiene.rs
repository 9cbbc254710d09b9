//! Any lines in the head of a good request, and in that of its response: nothing passes that is for
//! one hop only, or that looks like what the gate says.
//!
//! An input is lines of the request, and after a NUL lines of the response:
//!
//! ```sh
//! cargo +nightly fuzz run header_hygiene -- -max_total_time=60
//! ```
#![no_main]

#[allow(dead_code, reason = "each target uses a part")]
mod harness;
#[allow(dead_code, reason = "each target uses a part")]
#[path = "../../tests/proxy/invariants.rs"]
mod invariants;
#[allow(dead_code, reason = "the proxy's tests use the rest")]
#[path = "../../tests/proxy/wire.rs"]
mod wire;

use std::sync::{LazyLock, Mutex};

use harness::{Harness, TOKEN};
use invariants::{assert_octocat, assert_response_is_clean, assert_seen_by_the_gate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (lines, answered) = match input.iter().position(|&b| b == 0) {
        Some(at) => (&input[..at], [b"\r\n", &input[at + 1..]].concat()),
        None => (input, Vec::new()),
    };
    let mut harness = HARNESS.lock().expect("no panic before");
    let status = b"HTTP/1.1 200 OK\r\ncontent-length: 5";
    harness.answer([&status[..], &answered, b"\r\n\r\nhello"].concat());
    let head = format!(
        "GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
    );
    let (response, messages) = harness.exchange(&[head.as_bytes(), lines, b"\r\n\r\n"].concat());
    for message in messages {
        assert_octocat(&message);
        assert_seen_by_the_gate(&message);
    }
    if response.starts_with(b"HTTP/1.1 2") {
        assert_response_is_clean(&response);
    }
});

static HARNESS: LazyLock<Mutex<Harness>> =
    LazyLock::new(|| Mutex::new(Harness::start("", &[("/", "")])));
