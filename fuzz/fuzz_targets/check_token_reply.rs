#![no_main]

#[path = "../../tests/parsers/check_token_reply.rs"]
mod promises;

libfuzzer_sys::fuzz_target!(|data: &[u8]| promises::check(data));
