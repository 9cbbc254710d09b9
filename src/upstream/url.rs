use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::Uri;
use http::uri::Authority;

use crate::authority::is_connectable;

/// The address of an upstream, and its protocol.
///
/// | form | connection | HTTP |
/// |---|---|---|
/// | `http://host:port` | TCP | 1.1 |
/// | `h2c://host:port` | TCP | 2, known beforehand |
/// | `https://host:port` | TLS | 2 or 1.1, as the upstream chooses |
/// | `unix:/path` | Unix socket | 1.1 |
///
/// The default port is 80, and 443 for `https`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamUrl(UpstreamAddress);

/// The parts of an [`UpstreamUrl`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum UpstreamAddress {
    Http(Authority),
    H2c(Authority),
    Https(Authority),
    Unix(Box<Path>),
}

impl UpstreamUrl {
    pub(crate) fn address(&self) -> &UpstreamAddress {
        &self.0
    }

    /// Returns host and port; none for a Unix socket.
    pub(crate) fn authority(&self) -> Option<&Authority> {
        match &self.0 {
            UpstreamAddress::Http(authority)
            | UpstreamAddress::H2c(authority)
            | UpstreamAddress::Https(authority) => Some(authority),
            UpstreamAddress::Unix(_) => None,
        }
    }

    pub(crate) fn speaks_http1(&self) -> bool {
        !matches!(self.0, UpstreamAddress::H2c(_))
    }

    /// Returns whether the upstream uses TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        matches!(self.0, UpstreamAddress::Https(_))
    }
}

impl FromStr for UpstreamUrl {
    type Err = InvalidUpstreamUrl;

    fn from_str(url: &str) -> Result<Self, InvalidUpstreamUrl> {
        if let Some(path) = url.strip_prefix("unix:") {
            return unix(path).map(Self);
        }
        let parts = url.parse::<Uri>().map_err(|_| MALFORMED)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(MALFORMED);
        };
        let address = match scheme.as_str() {
            "http" => UpstreamAddress::Http,
            "h2c" => UpstreamAddress::H2c,
            "https" => UpstreamAddress::Https,
            _ => return Err(MALFORMED),
        };
        if authority.as_str().contains('@') {
            return Err(InvalidUpstreamUrl("leave credentials out of the URL"));
        }
        // `Uri` forgets a fragment, so it must be looked for in the text.
        if url.contains('#') || parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(InvalidUpstreamUrl("leave out path, query and fragment"));
        }
        if !is_connectable(&authority) {
            return Err(MALFORMED);
        }
        Ok(Self(address(authority)))
    }
}

fn unix(path: &str) -> Result<UpstreamAddress, InvalidUpstreamUrl> {
    // 108 bytes with a NUL at the end is all that Linux takes.
    if !path.starts_with('/') || path.len() > 107 || path.contains('\0') {
        return Err(InvalidUpstreamUrl(
            "not a path of a socket; write it like unix:/run/tool.sock, 107 bytes at most",
        ));
    }
    Ok(UpstreamAddress::Unix(PathBuf::from(path).into()))
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            UpstreamAddress::Http(authority) => write!(f, "http://{authority}"),
            UpstreamAddress::H2c(authority) => write!(f, "h2c://{authority}"),
            UpstreamAddress::Https(authority) => write!(f, "https://{authority}"),
            UpstreamAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The error for an invalid upstream URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidUpstreamUrl(&'static str);

impl fmt::Display for InvalidUpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidUpstreamUrl {}

const MALFORMED: InvalidUpstreamUrl = InvalidUpstreamUrl(
    "not an address; write it like http://127.0.0.1:3000, https://, h2c:// or unix:/run/tool.sock",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_at_most_a_port_or_a_socket() {
        for (url, shown) in [
            ("http://a", "http://a"),
            ("http://a_b.c-d:1", "http://a_b.c-d:1"),
            ("HTTP://a/", "http://a"),
            ("http://[::1]:3000/", "http://[::1]:3000"),
            ("https://a:8443", "https://a:8443"),
            ("h2c://a:50051", "h2c://a:50051"),
            ("unix:/run/tool.sock", "unix:/run/tool.sock"),
        ] {
            assert_eq!(url.parse::<UpstreamUrl>().unwrap().to_string(), shown);
        }
        for url in [
            "",
            "a",
            "a:80",
            "http://",
            "http://:80",
            "http://a:",
            "http://a:0",
            "http://a:65536",
            "http://a:b",
            "http://a,b",
            "http://[zz]",
            "http://a/b",
            "http://a?b",
            "http://a#b",
            "http://u@a",
            "http://u:p@a",
            "https://a/b",
            "h2://a",
            "ftp://a",
            "//a",
            "unix:",
            "unix:run/a",
            "unix:/\0",
        ] {
            assert!(url.parse::<UpstreamUrl>().is_err(), "{url}");
        }
        let long = format!("unix:/{}", "a".repeat(107));
        assert!(long.parse::<UpstreamUrl>().is_err());
    }
}
