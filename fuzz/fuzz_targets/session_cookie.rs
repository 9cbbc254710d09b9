#![no_main]

#[path = "../../tests/parsers/session_cookie.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::check(data));
