#![no_main]

#[path = "../../tests/parsers/webhook.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::check(data));
