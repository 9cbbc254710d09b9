#![no_main]

#[path = "../../tests/parsers/bearer.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::check(data));
