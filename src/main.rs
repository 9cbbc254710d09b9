//! The `ghes-gatekeeper` command.
#![forbid(unsafe_code)]

fn main() {}
