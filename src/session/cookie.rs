//! The cookies of browsers: which are ours, and how one is set.

use std::time::Duration;

use http::HeaderValue;
use http::header::{COOKIE, Entry, HeaderMap};
use memchr::memchr_iter;

/// The cookie of a session, and the beginning of the names of all that are ours.
///
/// Browsers take a `__Host-` cookie from this very host alone, over TLS, for all of its paths.
pub(crate) const SESSION: &str = "__Host-ghes-gatekeeper";

/// The beginning of the names of pending logins.
pub(super) const PENDING: &str = "__Host-ghes-gatekeeper-login-";

/// Returns the cookies of a request that are ours, with their values.
pub(super) fn ours(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| pairs(line.as_bytes()));
    pairs.filter(|pair| is_ours(pair)).filter_map(|pair| {
        let pair = pair.trim_ascii();
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        Some((&pair[..equals], &pair[equals + 1..]))
    })
}

/// Removes our cookies from a request: they are for no tool. The others stay as they are.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let Entry::Occupied(entry) = headers.entry(COOKIE) else {
        return;
    };
    let mut lines = entry.iter();
    if !lines.any(|line| pairs(line.as_bytes()).any(is_ours)) {
        return;
    }
    let (_, lines) = entry.remove_entry_mult();
    let kept: Vec<_> = lines.filter_map(|line| without_ours(&line)).collect();
    for line in kept {
        headers.append(COOKIE, line);
    }
}

fn without_ours(line: &HeaderValue) -> Option<HeaderValue> {
    let kept: Vec<&[u8]> = pairs(line.as_bytes())
        .filter(|pair| !is_ours(pair))
        .collect();
    let mut kept = HeaderValue::from_bytes(kept.join(&b';').trim_ascii_start()).ok()?;
    kept.set_sensitive(line.is_sensitive());
    (!kept.is_empty()).then_some(kept)
}

/// Returns what stands between semicolons. Every request with a cookie is looked through, most of
/// them long: a loop over bytes took half of what a session costs.
fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr_iter(b';', line).chain([line.len()]);
    let mut begin = 0;
    ends.map(move |end| {
        let pair = &line[begin..end];
        begin = end + 1;
        pair
    })
}

/// Not only in the case that browsers write: nobody else has a name that begins so.
fn is_ours(pair: &[u8]) -> bool {
    let pair = pair.trim_ascii();
    let name = pair.get(..SESSION.len());
    name.is_some_and(|name| name.eq_ignore_ascii_case(SESSION.as_bytes()))
}

/// Sets a cookie that lives as long.
pub(super) fn set(name: &str, value: &str, life: Duration) -> HeaderValue {
    line(name, value, life.as_secs())
}

/// Ends a cookie.
pub(super) fn clear(name: &str) -> HeaderValue {
    line(name, "", 0)
}

fn line(name: &str, value: &str, seconds: u64) -> HeaderValue {
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    let mut line = HeaderValue::try_from(line).expect("base64url and names of ours");
    line.set_sensitive(true);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let lines = lines.iter().map(|line| {
            let value = HeaderValue::from_str(line).expect("a value");
            (COOKIE, value)
        });
        lines.collect()
    }

    #[test]
    fn ours_are_found_in_every_line() {
        let headers = headers(&[
            "a=1; __Host-ghes-gatekeeper=first;b=2",
            "__Host-ghes-gatekeeper-login-AbCdEfGh=second",
            "ghes-gatekeeper=no; x__Host-ghes-gatekeeper=no; __Host-ghes-gatekeeper",
        ]);
        let found: Vec<_> = ours(&headers)
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect();
        assert_eq!(found, ["first", "second"]);
    }

    #[test]
    fn no_tool_sees_a_cookie_of_ours() {
        for (sent, kept) in [
            (&["a=1; b=2"][..], &["a=1; b=2"][..]),
            (&["__Host-ghes-gatekeeper=x"], &[]),
            (&["a=1; __Host-ghes-gatekeeper=x; b=2"], &["a=1; b=2"]),
            (&["__Host-ghes-gatekeeper=x; b=2"], &["b=2"]),
            (&["a=1;__Host-ghes-gatekeeper=x"], &["a=1"]),
            (
                &["a=1", "__Host-ghes-gatekeeper-login-1=x", "b=2"],
                &["a=1", "b=2"],
            ),
            (
                &["__host-GHES-gatekeeper=x;\t__Host-ghes-gatekeeper = y;c=3"],
                &["c=3"],
            ),
            (&["__Host-ghes-gatekeeper"], &[]),
            (&["a=\"1; __Host-ghes-gatekeeper=x; 2\""], &["a=\"1; 2\""]),
            (&[], &[]),
        ] {
            let mut sent = headers(sent);
            strip(&mut sent);
            assert_eq!(sent, headers(kept));
        }
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let line = set(SESSION, "value", Duration::from_secs(60));
        assert_eq!(
            line,
            "__Host-ghes-gatekeeper=value; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
        );
        assert!(line.is_sensitive());
        let line = clear(SESSION);
        assert_eq!(
            line,
            "__Host-ghes-gatekeeper=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
        );
    }
}
