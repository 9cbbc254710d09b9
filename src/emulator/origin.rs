//! Refuses calls of control endpoints that a page of another origin makes.
//!
//! A page of any site can send requests to an emulator on its visitor's machine, also as its own
//! site, by a name that was made to point there (DNS rebinding). Tools are no browsers: a browser
//! says in `Origin` where a request that changes something comes from, and a page cannot leave it
//! out (Fetch §3.2).
use std::net::IpAddr;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::uri::Authority;

use super::api::request;

/// Tells whether a page of another origin may have sent a request.
pub(super) fn is_foreign(head: &Parts) -> bool {
    let host = request::host(&head.headers, &head.uri);
    let mut origins = head.headers.get_all(ORIGIN).iter();
    let is_own = |origin: &[u8]| {
        let authority = origin.strip_prefix(b"http://");
        let authority = authority.or_else(|| origin.strip_prefix(b"https://"));
        authority.is_some_and(|own| own.eq_ignore_ascii_case(host.as_bytes()))
    };
    // Where there is an origin, the name has to be one that no other site can have.
    let has_other_origin =
        origins.any(|origin| !is_own(origin.as_bytes()) || !is_private_name(host));
    has_other_origin || says_cross_site(&head.headers) || is_of_form(&head.headers)
}

/// Fetch Metadata §2.1: `none` is the person who types an address.
fn says_cross_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.any(|site| site != "same-origin" && site != "none")
}

/// What only forms of pages send. They send `application/x-www-form-urlencoded`, too, and so does
/// `curl -d`.
fn is_of_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    let essence = kind.and_then(|kind| kind.split(|b| *b == b';').next());
    essence.is_some_and(|essence| {
        let is = |kind: &[u8]| essence.trim_ascii().eq_ignore_ascii_case(kind);
        is(b"text/plain") || is(b"multipart/form-data")
    })
}

/// An address, `localhost` and what is below it (RFC 6761 §6.3), and names of one label, as
/// containers have them.
fn is_private_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let host = authority.host().to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || !host.contains('.') || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn is_foreign_with(host: &str, fields: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/_emulator/tokens").header("host", host);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        is_foreign(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_page_of_another_origin_is_told_from_a_tool() {
        let host = "127.0.0.1:9090";
        for (host, fields) in [
            (host, &[("origin", "https://evil.example")][..]),
            (host, &[("origin", "null")]),
            (host, &[("origin", "http://127.0.0.1:3000")]),
            (host, &[("origin", "http://localhost:9090")]),
            (
                "evil.example:9090",
                &[("origin", "http://evil.example:9090")],
            ),
            ("127.0.0.1.nip.io", &[("origin", "http://127.0.0.1.nip.io")]),
            (host, &[("sec-fetch-site", "cross-site")]),
            (host, &[("sec-fetch-site", "same-site")]),
            (host, &[("content-type", "text/plain;charset=UTF-8")]),
            (host, &[("content-type", "multipart/form-data; boundary=x")]),
            (
                host,
                &[("origin", "http://127.0.0.1:9090"), ("origin", "null")],
            ),
        ] {
            assert!(is_foreign_with(host, fields), "{host} {fields:?}");
        }
        for (host, fields) in [
            (host, &[][..]),
            ("ghes.test", &[]),
            (host, &[("content-type", "application/json")]),
            (
                host,
                &[("content-type", "application/x-www-form-urlencoded")],
            ),
            (host, &[("origin", "http://127.0.0.1:9090")]),
            ("[::1]:9090", &[("origin", "http://[::1]:9090")]),
            ("localhost:9090", &[("origin", "http://localhost:9090")]),
            ("emulator:9090", &[("origin", "http://emulator:9090")]),
            (host, &[("sec-fetch-site", "same-origin")]),
            (host, &[("sec-fetch-site", "none")]),
        ] {
            assert!(!is_foreign_with(host, fields), "{host} {fields:?}");
        }
    }
}
