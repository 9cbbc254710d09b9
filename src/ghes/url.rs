use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};

use crate::authority::{is_connectable, is_loopback};

/// Where a GitHub server lives: the address that people open in a browser.
///
/// | `url` | REST API |
/// |---|---|
/// | `https://ghes.example.com` | `https://ghes.example.com/api/v3` |
/// | `https://octocorp.ghe.com` | `https://api.octocorp.ghe.com` |
/// | `https://github.com` | `https://api.github.com` |
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GhesUrl {
    scheme: Scheme,
    authority: Authority,
}

impl GhesUrl {
    /// Returns the root of the REST API, without a slash at the end.
    #[must_use]
    pub fn api_root(&self) -> String {
        let Self { scheme, authority } = self;
        if self.is_enterprise_server() {
            format!("{scheme}://{authority}/api/v3")
        } else {
            format!("{scheme}://api.{authority}")
        }
    }

    /// Tells whether a GHES is meant, and neither github.com nor a tenant of GHE.com.
    ///
    /// Only GHES has the OAuth authorizations API.
    #[must_use]
    pub fn is_enterprise_server(&self) -> bool {
        let host = host_in_lower_case(&self.authority);
        host != GITHUB_COM && !host.ends_with(GHE_COM)
    }

    /// Tells whether both are one address: the port of `https` or `http` may be left out.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let host = |url: &Self| url.authority.host().to_ascii_lowercase();
        self.scheme == other.scheme && host(self) == host(other) && self.port() == other.port()
    }

    fn port(&self) -> u16 {
        let default = if self.scheme == Scheme::HTTPS {
            443
        } else {
            80
        };
        self.authority.port_u16().unwrap_or(default)
    }

    /// Returns the host in lower case, with the port if the address has one.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        self.authority.as_str().to_ascii_lowercase()
    }

    /// Tells whether tokens and secrets would cross a network unencrypted.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.scheme == Scheme::HTTP && !is_loopback(self.authority.host())
    }
}

impl FromStr for GhesUrl {
    type Err = InvalidGhesUrl;

    fn from_str(url: &str) -> Result<Self, InvalidGhesUrl> {
        // `Uri` drops a fragment without a word.
        if url.contains('#') {
            return Err(InvalidGhesUrl::Path);
        }
        let parts = url
            .parse::<Uri>()
            .map_err(|_| InvalidGhesUrl::Malformed)?
            .into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(InvalidGhesUrl::Malformed);
        };
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return Err(InvalidGhesUrl::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(InvalidGhesUrl::Credentials);
        }
        if !is_connectable(&authority) {
            return Err(InvalidGhesUrl::Malformed);
        }
        if is_within_server(&authority) {
            return Err(InvalidGhesUrl::Subdomain);
        }
        match parts.path_and_query {
            Some(path) if path != "/" => Err(InvalidGhesUrl::Path),
            _ => Ok(Self { scheme, authority }),
        }
    }
}

/// Tells whether a host is one of those that github.com, or a tenant of GHE.com, has for its API
/// and the like.
fn is_within_server(authority: &Authority) -> bool {
    let host = host_in_lower_case(authority);
    match host.strip_suffix(GHE_COM) {
        Some(tenant) => tenant.contains('.'),
        None => host
            .strip_suffix(GITHUB_COM)
            .is_some_and(|below| below.ends_with('.')),
    }
}

/// Without the dot by which a name ends that is written in full.
fn host_in_lower_case(authority: &Authority) -> String {
    let host = authority.host().to_ascii_lowercase();
    host.trim_end_matches('.').to_owned()
}

const GITHUB_COM: &str = "github.com";
const GHE_COM: &str = ".ghe.com";

impl fmt::Display for GhesUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// The error for an address that names no GitHub server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidGhesUrl {
    /// A user name or password stands in the address.
    Credentials,
    /// It is no absolute URL.
    Malformed,
    /// It has a path or a query.
    Path,
    /// The scheme is neither `http` nor `https`.
    Scheme,
    /// The host is one that github.com or a tenant of GHE.com has for its API, or the like.
    Subdomain,
}

impl fmt::Display for InvalidGhesUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "leave credentials out of the URL",
            Self::Malformed => "not a URL; write it like https://ghes.example.com",
            Self::Path => "leave out the path; /api/v3 is added where it belongs",
            Self::Scheme => "the scheme must be https, or http for tests",
            Self::Subdomain => {
                "write the address that people open in a browser, \
                 https://github.com or https://TENANT.ghe.com; api. is added where it belongs"
            }
        })
    }
}

impl std::error::Error for InvalidGhesUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<GhesUrl, InvalidGhesUrl> {
        url.parse()
    }

    #[test]
    fn the_api_root_follows_the_kind_of_server() {
        for (url, root) in [
            (
                "https://ghes.example.com",
                "https://ghes.example.com/api/v3",
            ),
            ("http://127.0.0.1:9090/", "http://127.0.0.1:9090/api/v3"),
            ("https://github.com", "https://api.github.com"),
            ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
            ("https://GitHub.com", "https://api.GitHub.com"),
            ("https://github.com.", "https://api.github.com."),
            ("https://notgithub.com", "https://notgithub.com/api/v3"),
            ("https://notghe.com", "https://notghe.com/api/v3"),
        ] {
            let url = parse(url).unwrap();
            assert_eq!(url.api_root(), root);
            assert_eq!(url.is_enterprise_server(), root.ends_with("/api/v3"));
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for (url, error) in [
            ("", InvalidGhesUrl::Malformed),
            ("ghes.example.com", InvalidGhesUrl::Malformed),
            ("ftp://ghes.example.com", InvalidGhesUrl::Scheme),
            ("https://a:b@ghes.example.com", InvalidGhesUrl::Credentials),
            ("https://ghes.example.com/api/v3", InvalidGhesUrl::Path),
            ("https://ghes.example.com?a", InvalidGhesUrl::Path),
            ("https://ghes.example.com#a", InvalidGhesUrl::Path),
            ("https://ghes.example.com:99999", InvalidGhesUrl::Malformed),
            ("https://ghes.example.com:", InvalidGhesUrl::Malformed),
            ("https://:443", InvalidGhesUrl::Malformed),
            ("https://api.github.com", InvalidGhesUrl::Subdomain),
            ("https://API.GitHub.com:443/", InvalidGhesUrl::Subdomain),
            ("https://www.github.com.", InvalidGhesUrl::Subdomain),
            ("https://api.octo.ghe.com", InvalidGhesUrl::Subdomain),
            ("https://api.octo.GHE.com.", InvalidGhesUrl::Subdomain),
            ("https://uploads.octo.ghe.com", InvalidGhesUrl::Subdomain),
        ] {
            assert_eq!(parse(url), Err(error), "{url}");
        }
    }

    #[test]
    fn an_address_is_the_same_with_the_port_that_goes_without_saying() {
        let same = |a, b| parse(a).unwrap().is_equivalent(&parse(b).unwrap());
        assert!(same("https://a.test", "https://A.test:443/"));
        assert!(same("http://a.test:80", "http://a.test"));
        for other in ["https://a.test:80", "http://a.test", "https://b.test"] {
            assert!(!same("https://a.test", other), "{other}");
        }
    }

    #[test]
    fn plain_http_is_exposed_beyond_loopback() {
        assert!(parse("http://ghes.example.com").unwrap().is_exposed());
        for url in [
            "https://ghes.example.com",
            "http://localhost:1",
            "http://[::1]:1",
            "http://127.8.0.1",
        ] {
            assert!(!parse(url).unwrap().is_exposed(), "{url}");
        }
    }
}
