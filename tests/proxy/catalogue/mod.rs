//! Vulnerabilities of comparable products, by family. Each test names the row of the catalogue in
//! its first word and what must not happen here; what it was elsewhere stands above it.

mod framing;
mod identity;
mod leaks;
mod paths;

use super::TOKEN;
use super::recorder::{Recorder, status_of};
use super::support::Gate;

/// A request for `/p` with a good token and these lines, each with its CRLF.
fn get(lines: &str) -> String {
    get_path("/p", lines)
}

fn get_path(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{lines}\r\n")
}

async fn assert_status(gate: &Gate, request: &str, status: u16) {
    assert_eq!(
        status_of(gate, request.as_bytes()).await,
        status,
        "{request:?}"
    );
}
