//! Any bytes to a proxy: no upstream gets a request without a token, nor one that could be read in
//! two ways, nor an identity that the gate did not write.
//!
//! Inputs of the corpus hold the token, so that mutations get past the gate:
//!
//! ```sh
//! cargo +nightly fuzz run request_gate -- -max_total_time=60
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
use invariants::assert_octocat;
use libfuzzer_sys::fuzz_target;

/// Ends most inputs: what is still a head becomes one, and the connection closes after it.
const END: &[u8] = b"\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let mut harness = HARNESS.lock().expect("no panic before");
    let (_, messages) = harness.exchange(&[input, END].concat());
    for message in messages {
        assert_octocat(&message);
        assert!(
            input
                .windows(TOKEN.len())
                .any(|part| part == TOKEN.as_bytes())
        );
    }
});

static HARNESS: LazyLock<Mutex<Harness>> =
    LazyLock::new(|| Mutex::new(Harness::start("", &[("/", "")])));
