//! Any target without a token: what reaches an upstream is for the route that is open, however it
//! may be read there.
//!
//! ```sh
//! cargo +nightly fuzz run path_matching -- -max_total_time=60
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

use harness::Harness;
use invariants::assert_open;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &[u8]| {
    let mut harness = HARNESS.lock().expect("no panic before");
    let end = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let (_, messages) = harness.exchange(&[b"GET ", target, end].concat());
    messages.iter().for_each(assert_open);
});

static HARNESS: LazyLock<Mutex<Harness>> = LazyLock::new(|| {
    let routes = [
        ("/", ""),
        ("/open", "anonymous = true"),
        ("/open/but/not", ""),
    ];
    Mutex::new(Harness::start("", &routes))
});
