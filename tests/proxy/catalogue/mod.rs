//! Vulnerabilities of comparable products, by family. Each test names the row of the catalogue in
//! its first word and what must not happen here; what it was elsewhere stands above it.

mod cache;
mod encryption;
mod framing;
mod hosts;
mod http_2;
mod identity;
mod leaks;
mod listeners;
mod paths;
mod responses;
mod verdicts;

use super::TOKEN;
use super::carrier::{Ask, Carrier, End, Front};
use super::recorder::{Recorder, status_over};

/// A request for `/p` with a good token and these lines, each with its CRLF.
fn known(lines: &str) -> Ask {
    Ask::known("/p").lines(lines)
}

/// The same as bytes of HTTP/1.
fn get(lines: &str) -> String {
    get_path("/p", lines)
}

fn get_path(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{lines}\r\n")
}

/// Sends bytes of HTTP/1.
async fn assert_status(front: &Front, request: &str, status: u16) {
    let answered = status_over(front.connect().await, request.as_bytes()).await;
    assert_eq!(answered, status, "{request:?}");
}

/// Lets `/public` be open and the rest not.
const OPEN_AND_CLOSED: &[(&str, &str)] = &[("/", ""), ("/public", "anonymous = true")];
