//! Where a browser goes when it is logged in.
//!
//! What names it comes with a link, so that it could be anybody's. It is a path of this host, or a
//! URL of a host with a login; all else becomes `/`. Redirects are written with scheme and host, so
//! that no browser reads another host into a path.

use http::Uri;
use http::uri::PathAndQuery;

/// A place on one of our hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    pub(crate) host: String,
    path: String,
}

impl Target {
    /// Reads `rd`, as it came to `host`; `is_ours` tells which other hosts there are.
    pub(crate) fn read(rd: Option<&str>, host: &str, is_ours: impl Fn(&str) -> bool) -> Self {
        let root = || Self::new(host, "/");
        let Some(rd) = rd.filter(|rd| is_plain(rd)) else {
            return root();
        };
        if let Some(target) = Self::on(host, rd) {
            return target;
        }
        let elsewhere = || {
            let url: Uri = rd.parse().ok()?;
            let to = url.authority()?.as_str();
            let is_good = match url.scheme_str()? {
                "https" => to == host || is_ours(to),
                // As a proxy writes it that gets plain HTTP. Redirects have the scheme of browsers.
                "http" => to == host,
                _ => false,
            };
            let path = url.path_and_query().map_or("/", PathAndQuery::as_str);
            is_good.then(|| Self::on(to, path))?
        };
        elsewhere().unwrap_or_else(root)
    }

    /// Reads a path with a query.
    pub(crate) fn on(host: &str, path: &str) -> Option<Self> {
        let is_path = path.starts_with('/') && !path.starts_with("//") && is_plain(path);
        is_path.then(|| Self::new(host, path))
    }

    fn new(host: &str, path: &str) -> Self {
        Self {
            host: host.to_owned(),
            path: path.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URL for a redirect. `scheme` is that of the request for a page of this host.
    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}{}", self.host, self.path)
    }
}

/// Browsers drop tabs and line ends, and take `\` for `/` (WHATWG URL).
fn is_plain(rd: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    rd.len() <= MOST_BYTES && rd.bytes().all(is_plain)
}

/// It goes into a cookie, of which browsers keep 4 KiB.
const MOST_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    /// GHSA-5m6c-jp6f-2vcv, GHSA-j7px-6hwj-hpjg, CVE-2021-21291.
    #[test]
    fn a_redirect_goes_to_no_other_host() {
        let is_ours = |host: &str| host == "b.example.com";
        for (rd, url) in [
            ("/path?query=1", "https://a.example.com/path?query=1"),
            ("/", "https://a.example.com/"),
            (
                "https://b.example.com/path?q",
                "https://b.example.com/path?q",
            ),
            ("https://b.example.com", "https://b.example.com/"),
            ("https://a.example.com/path", "https://a.example.com/path"),
            ("http://a.example.com/path", "https://a.example.com/path"),
            // All else is the page of the host.
            ("", "https://a.example.com/"),
            ("path", "https://a.example.com/"),
            ("//evil.example", "https://a.example.com/"),
            ("///evil.example", "https://a.example.com/"),
            ("/\\evil.example", "https://a.example.com/"),
            ("\\\\evil.example", "https://a.example.com/"),
            ("/\t/evil.example", "https://a.example.com/"),
            (
                "/\r\nLocation: https://evil.example",
                "https://a.example.com/",
            ),
            (" /path", "https://a.example.com/"),
            ("https://evil.example/", "https://a.example.com/"),
            ("http://b.example.com/", "https://a.example.com/"),
            ("https:b.example.com", "https://a.example.com/"),
            ("https:///b.example.com", "https://a.example.com/"),
            (
                "https://b.example.com@evil.example/",
                "https://a.example.com/",
            ),
            ("https://b.example.com:8443/", "https://a.example.com/"),
            (
                "https://b.example.com.evil.example/",
                "https://a.example.com/",
            ),
            (
                "https://evil.example/https://b.example.com/",
                "https://a.example.com/",
            ),
            (
                "https://b.example.com//evil.example",
                "https://a.example.com/",
            ),
            (
                "https://b.example.com\\.evil.example/",
                "https://a.example.com/",
            ),
            ("javascript:alert(1)", "https://a.example.com/"),
            ("data:text/html,x", "https://a.example.com/"),
            ("/caf\u{e9}", "https://a.example.com/"),
        ] {
            let target = Target::read(Some(rd), "a.example.com", is_ours);
            assert_eq!(target.url("https"), url, "{rd:?}");
        }
        let target = Target::read(None, "a.example.com", is_ours);
        assert_eq!(target.url("http"), "http://a.example.com/");
        // A browser stays on the host, whatever it makes of the path.
        for rd in [
            "/%2f/evil.example",
            "/.//evil.example",
            "/@evil.example",
            "/..//x",
        ] {
            let target = Target::read(Some(rd), "a.example.com", is_ours);
            assert_eq!(target.url("https"), format!("https://a.example.com{rd}"));
        }
        let long = format!("/{}", "a".repeat(MOST_BYTES));
        let target = Target::read(Some(&long), "a.example.com", is_ours);
        assert_eq!(target.path(), "/");
    }
}
