use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use http::uri::Authority;

use crate::authority::{bare_host, is_connectable};
use crate::config::reader::pattern::is_host_pattern;

/// A host that a route is for.
///
/// Hosts are compared without regard to case, to a port, and to the dot that ends a full name
/// (RFC 3986 §3.2.2): they are the same server, so they must be the same route.
///
/// ```
/// use ghes_gatekeeper::config::RouteHost;
///
/// let host: RouteHost = "Tools.example.com".parse()?;
/// assert!(host.matches("tools.EXAMPLE.com") && host.matches("tools.example.com.:8443"));
/// assert!(!host.matches("example.com"));
/// # Ok::<_, ghes_gatekeeper::config::InvalidRouteHost>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RouteHost(Box<str>);

impl RouteHost {
    /// Returns the host in lower case, without a dot at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a request for `host`, which may have a port, is for this one.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        bare_host(host) == self.as_str()
    }
}

impl FromStr for RouteHost {
    type Err = InvalidRouteHost;

    fn from_str(host: &str) -> Result<Self, InvalidRouteHost> {
        if is_host_pattern(host) {
            return Err(InvalidRouteHost(
                "name each host; there are no wildcards and no patterns",
            ));
        }
        let authority = Authority::try_from(host).map_err(|_| MALFORMED)?;
        if !is_connectable(&authority) || bare_host(host).is_empty() {
            return Err(MALFORMED);
        }
        if authority.port().is_some() {
            return Err(InvalidRouteHost("leave out the port; every port matches"));
        }
        Ok(Self(bare_host(host).into()))
    }
}

impl Borrow<str> for RouteHost {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RouteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a host that a route cannot be for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidRouteHost(&'static str);

impl fmt::Display for InvalidRouteHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidRouteHost {}

const MALFORMED: InvalidRouteHost =
    InvalidRouteHost("not a host; write the name alone, like tools.example.com");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_is_one_host_however_it_is_written() {
        for (host, asked, matches) in [
            ("tools.example.com", "tools.example.com", true),
            ("tools.example.com", "TOOLS.Example.COM:443", true),
            ("tools.example.com.", "tools.example.com", true),
            ("TOOLS.example.com", "tools.example.com.:80", true),
            ("192.0.2.1", "192.0.2.1:8080", true),
            ("[::1]", "[::1]", true),
            ("[0:0::1]", "[::1]:80", true),
            ("[2001:DB8::1]", "[2001:db8:0::1]", true),
            ("tools.example.com", "example.com", false),
            ("example.com", "tools.example.com", false),
            ("tools.example.com", "tools.example.com..", false),
            ("tools.example.com", "tools.example.com.evil", false),
            ("a", "", false),
            ("[::1]", "[::2]", false),
        ] {
            let route: RouteHost = host.parse().unwrap();
            assert_eq!(route.matches(asked), matches, "{host} {asked}");
        }
    }

    #[test]
    fn what_is_a_pattern_elsewhere_is_no_host() {
        for host in [
            "*.example.com",
            "*",
            "example.*",
            ".example.com",
            "_",
            "~^admin\\.",
            "(a|b).example.com",
            "{tenant}.example.com",
            "admin[12].example.com",
            "^admin.example.com$",
            "<host>",
            "%.example.com",
        ] {
            let error = host.parse::<RouteHost>().unwrap_err().to_string();
            assert!(error.starts_with("name each host"), "{host}: {error}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "", ".", "a:80", "*.a", "*", "a/b", "http://a", "u@a", "a,b", "[::1", "[zz]", "é",
            "a b",
        ] {
            assert!(host.parse::<RouteHost>().is_err(), "{host:?}");
        }
    }
}
