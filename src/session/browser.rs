//! What a request says about the page that makes it.

use http::header::{ACCEPT, HeaderMap, ORIGIN};
use http::{Method, Request, Uri};

/// How a request came about, as far as browsers tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Site {
    /// Of a page of this origin, or of no page at all: of an address bar, or a bookmark.
    Same,
    /// Of a page elsewhere, or of one that nothing is known of.
    Other,
}

/// Tells whether a browser shows what it gets, so that it can be sent to log in.
///
/// Whatever a script asks for gets 401: it cannot log in, and a cookie would be left behind by each
/// that is sent away.
pub(crate) fn is_navigation<B>(request: &Request<B>) -> bool {
    if request.method() != Method::GET {
        return false;
    }
    match request.headers().get(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => accepts_html(request.headers()),
    }
}

/// Tells whether a client wants a page rather than data.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).iter();
    let ranges = ranges.flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    let mut kinds =
        ranges.map(|range| range.split(|&byte| byte == b';').next().unwrap_or_default());
    kinds.any(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/html"))
}

/// Reads which page a request is of (Fetch Metadata; RFC 6454 §7), on `origin` such as
/// `https://tool.example.com`.
///
/// Both fields have to agree, where both are there. A browser of the last five years sends one of
/// them with whatever can change anything, so a request with neither is no page's of ours.
pub(crate) fn site(headers: &HeaderMap, origin: &str) -> Site {
    let mut lines = headers.get_all(ORIGIN).iter();
    let same_origin = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(line), None) => Some(line.to_str().is_ok_and(|line| is_same(line, origin))),
        (Some(_), Some(_)) => Some(false),
    };
    let same_site = headers.get(SEC_FETCH_SITE);
    let same_site = same_site.map(|site| site == "same-origin" || site == "none");
    match (same_origin, same_site) {
        (Some(true), None | Some(true)) | (None, Some(true)) => Site::Same,
        _ => Site::Other,
    }
}

/// Compares as browsers do: without the default port, and in lower case.
fn is_same(line: &str, origin: &str) -> bool {
    let parts = |text: &str| {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?.to_owned();
        let default = if scheme == "https" { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        Some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    parts(line).is_some_and(|line| Some(line) == parts(origin))
}

const SEC_FETCH_MODE: &str = "sec-fetch-mode";
const SEC_FETCH_SITE: &str = "sec-fetch-site";

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, fields: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    /// oauth2-proxy#2163, #2383, #461.
    #[test]
    fn a_login_starts_for_what_a_browser_shows() {
        for (method, fields, expected) in [
            ("GET", &[("sec-fetch-mode", "navigate")][..], true),
            (
                "GET",
                &[("accept", "text/html,application/xhtml+xml")],
                true,
            ),
            (
                "GET",
                &[("accept", "application/json, Text/HTML;q=0.5")],
                true,
            ),
            // Scripts, pictures, API clients, forms.
            (
                "GET",
                &[("sec-fetch-mode", "cors"), ("accept", "text/html")],
                false,
            ),
            (
                "GET",
                &[("sec-fetch-mode", "no-cors"), ("accept", "text/html")],
                false,
            ),
            ("GET", &[("sec-fetch-mode", "websocket")], false),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[("accept", "application/json")], false),
            ("GET", &[("accept", "text/htmlx")], false),
            ("GET", &[], false),
            ("POST", &[("sec-fetch-mode", "navigate")], false),
            ("HEAD", &[("accept", "text/html")], false),
        ] {
            let request = request(method, fields);
            assert_eq!(is_navigation(&request), expected, "{method} {fields:?}");
        }
    }

    #[test]
    fn only_a_page_of_this_origin_is_of_this_site() {
        let origin = "https://tool.example.com";
        for (fields, expected) in [
            (&[("origin", "https://tool.example.com")][..], Site::Same),
            (&[("origin", "https://Tool.example.com:443")], Site::Same),
            (&[("sec-fetch-site", "same-origin")], Site::Same),
            (&[("sec-fetch-site", "none")], Site::Same),
            (
                &[("origin", origin), ("sec-fetch-site", "same-origin")],
                Site::Same,
            ),
            (&[], Site::Other),
            (&[("origin", "null")], Site::Other),
            (&[("origin", "http://tool.example.com")], Site::Other),
            (&[("origin", "https://tool.example.com:8443")], Site::Other),
            (&[("origin", "https://evil.example")], Site::Other),
            (
                &[("origin", "https://tool.example.com.evil.example")],
                Site::Other,
            ),
            (
                &[("origin", origin), ("origin", "https://evil.example")],
                Site::Other,
            ),
            (&[("sec-fetch-site", "cross-site")], Site::Other),
            (&[("sec-fetch-site", "same-site")], Site::Other),
            (
                &[("origin", origin), ("sec-fetch-site", "cross-site")],
                Site::Other,
            ),
            (
                &[
                    ("origin", "https://evil.example"),
                    ("sec-fetch-site", "none"),
                ],
                Site::Other,
            ),
        ] {
            let request = request("POST", fields);
            assert_eq!(site(request.headers(), origin), expected, "{fields:?}");
        }
    }
}
