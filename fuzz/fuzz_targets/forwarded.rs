//! Any lines from a proxy that is trusted: the upstream is told addresses, a host and a scheme, or
//! what the gate has seen itself.
//!
//! ```sh
//! cargo +nightly fuzz run forwarded -- -max_total_time=60
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
use invariants::{assert_octocat, assert_told_by_the_peer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| {
    let mut harness = HARNESS.lock().expect("no panic before");
    let head = format!(
        "GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
    );
    let (_, messages) = harness.exchange(&[head.as_bytes(), lines, b"\r\n\r\n"].concat());
    for message in messages {
        assert_octocat(&message);
        assert_told_by_the_peer(&message);
    }
});

static HARNESS: LazyLock<Mutex<Harness>> = LazyLock::new(|| {
    let trusted = "server.trusted_proxies = ['127.0.0.0/8', '10.0.0.0/8']";
    Mutex::new(Harness::start(trusted, &[("/", "")]))
});
