use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

use super::path::RoutePath;
use crate::authority::{bare_host, is_connectable, is_loopback};

/// An address by which clients know something of ours, such as `https://tools.example.com/mcp`.
///
/// Clients compare it with the address that they use, so it says what they see, with whatever
/// stands before the gate, and is never taken from a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl {
    scheme: Scheme,
    authority: Authority,
    path: RoutePath,
}

impl PublicUrl {
    /// Tells whether both would be asked for by the same host and path.
    pub(crate) fn is_asked_for_like(&self, other: &Self) -> bool {
        self.path == other.path && self.host() == other.host()
    }

    /// Returns the host in the form in which hosts are compared.
    pub(crate) fn host(&self) -> std::borrow::Cow<'_, str> {
        bare_host(self.authority.as_str())
    }

    /// Returns the scheme, and the host with its port.
    pub(crate) fn origin(&self) -> (&str, &str) {
        (self.scheme.as_str(), self.authority.as_str())
    }

    /// Tells whether there is more than a host.
    pub(crate) fn has_path(&self) -> bool {
        !self.path_below_host().is_empty()
    }

    /// Returns the path of a document about this address: the well-known name comes before the
    /// address's own path (RFC 9728 §3.1, RFC 8414 §3.1).
    pub(crate) fn well_known_path(&self, name: &str) -> String {
        format!("/.well-known/{name}{}", self.path_below_host())
    }

    /// Returns the address of such a document.
    pub(crate) fn well_known_url(&self, name: &str) -> String {
        let path = self.well_known_path(name);
        format!("{}://{}{path}", self.scheme, self.authority)
    }

    fn path_below_host(&self) -> &str {
        self.path.as_str().trim_end_matches('/')
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(url: &str) -> Result<Self, InvalidPublicUrl> {
        // `Uri` drops a fragment without a word.
        // What cannot stand in a challenge has no business in an address either.
        if url.contains(['#', '?', '@', '"', '\\']) {
            return Err(InvalidPublicUrl(
                "leave out credentials, query, fragment and quotes",
            ));
        }
        let parts = url.parse::<Uri>().map_err(|_| MALFORMED)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(MALFORMED);
        };
        if !is_connectable(&authority) {
            return Err(MALFORMED);
        }
        if scheme != Scheme::HTTPS && !(scheme == Scheme::HTTP && is_loopback(authority.host())) {
            return Err(InvalidPublicUrl(
                "must be https://; clients send tokens there, and others could read them",
            ));
        }
        let path = parts
            .path_and_query
            .as_ref()
            .map_or("/", |path| path.as_str());
        // Documents are found by their path to the letter.
        let path = Some(path).filter(|path| !path.contains('%'));
        let path = path.and_then(|path| path.parse().ok()).ok_or(InvalidPublicUrl(
            "its path could be read in two ways; leave out escapes, parameters, dot segments and \
             patterns",
        ))?;
        Ok(Self {
            scheme,
            authority,
            path,
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme, authority, ..
        } = self;
        write!(f, "{scheme}://{authority}{}", self.path_below_host())
    }
}

/// The error for an address that clients cannot know something by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidPublicUrl(&'static str);

impl fmt::Display for InvalidPublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidPublicUrl {}

const MALFORMED: InvalidPublicUrl =
    InvalidPublicUrl("not a URL; write it like https://tools.example.com/mcp");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_name_comes_before_the_path() {
        for (url, shown, document) in [
            (
                "https://a.test",
                "https://a.test",
                "https://a.test/.well-known/x",
            ),
            (
                "https://a.test/",
                "https://a.test",
                "https://a.test/.well-known/x",
            ),
            (
                "https://a.test:8443/mcp",
                "https://a.test:8443/mcp",
                "https://a.test:8443/.well-known/x/mcp",
            ),
            (
                "https://a.test/a/b/",
                "https://a.test/a/b",
                "https://a.test/.well-known/x/a/b",
            ),
            (
                "http://127.0.0.1:1/a",
                "http://127.0.0.1:1/a",
                "http://127.0.0.1:1/.well-known/x/a",
            ),
        ] {
            let url: PublicUrl = url.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.well_known_url("x"), document);
            assert!(document.ends_with(&url.well_known_path("x")));
        }
    }

    #[test]
    fn what_clients_cannot_use_is_refused() {
        for url in [
            "",
            "a.test",
            "/mcp",
            "http://a.test",
            "ftp://a.test",
            "https://u:p@a.test",
            "https://a.test/mcp?x",
            "https://a.test/mcp#x",
            "https://a.test/a/../b",
            "https://a.test/%61",
            "https://a.test//a",
            "https://a.test:0",
            "https://a,b",
            "https://a.test/\"",
        ] {
            assert!(url.parse::<PublicUrl>().is_err(), "{url}");
        }
    }
}
