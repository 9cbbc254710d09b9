use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use http::uri::Authority;

use crate::authority::{bare_host, is_connectable};

/// The hosts that clients may ask for. By default any.
///
/// A name that an attacker points at this server can then reach no tool. That is for routes that
/// are [anonymous](crate::config::RouteConfig::anonymous), and for tools that write links to the
/// host of the request. Where a token is needed, a page under such a name has none to send.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedHosts(Option<BTreeSet<AllowedHost>>);

impl AllowedHosts {
    /// Returns whether clients may ask for this host, with any port.
    pub(crate) fn contain(&self, host: &HeaderValue) -> bool {
        let is_listed = |host| self.contain_name(&bare_host(host));
        self.0.is_none() || host.to_str().is_ok_and(is_listed)
    }

    /// Returns the same for a host in normalized form.
    pub(crate) fn contain_name(&self, host: &str) -> bool {
        self.0.as_ref().is_none_or(|allowed| allowed.contains(host))
    }

    /// Returns them in order; none if any host is allowed.
    pub fn iter(&self) -> Option<impl Iterator<Item = &AllowedHost>> {
        self.0.as_ref().map(BTreeSet::iter)
    }
}

impl FromIterator<AllowedHost> for AllowedHosts {
    fn from_iter<I: IntoIterator<Item = AllowedHost>>(hosts: I) -> Self {
        Self(Some(hosts.into_iter().collect()))
    }
}

/// A name or an IP address, in normalized form.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AllowedHost(Box<str>);

impl FromStr for AllowedHost {
    type Err = InvalidAllowedHost;

    fn from_str(text: &str) -> Result<Self, InvalidAllowedHost> {
        let authority: Authority = text.parse().map_err(|_| InvalidAllowedHost)?;
        if !is_connectable(&authority) || authority.host() != text {
            return Err(InvalidAllowedHost);
        }
        Ok(Self(bare_host(text).into()))
    }
}

impl Borrow<str> for AllowedHost {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for a text that is not exactly one host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidAllowedHost;

impl fmt::Display for InvalidAllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a host; write it without scheme and port, like tools.example.com or [::1]")
    }
}

impl std::error::Error for InvalidAllowedHost {}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &[&str]) -> AllowedHosts {
        let hosts = hosts.iter().map(|host| host.parse::<AllowedHost>());
        hosts.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_host_is_the_same_however_it_is_spelled() {
        let hosts = allowed(&["Tools.example.com", "192.0.2.1", "[2001:db8::1]"]);
        for host in [
            "tools.example.com",
            "TOOLS.EXAMPLE.COM",
            "tools.example.com.",
            "tools.example.com:8080",
            "tools.example.com.:1",
            "192.0.2.1:80",
            "[2001:db8::1]",
            "[2001:DB8:0:0::1]:443",
        ] {
            assert!(hosts.contain(&HeaderValue::from_static(host)), "{host}");
        }
        for host in [
            "example.com",
            "a.tools.example.com",
            "tools.example.com.evil",
            "tools.example.com..",
            "tools.example.co",
            "192.0.2.10",
            "[2001:db8::2]",
            "",
            ":80",
        ] {
            assert!(!hosts.contain(&HeaderValue::from_static(host)), "{host}");
        }
    }

    #[test]
    fn any_host_will_do_unless_some_are_named() {
        assert!(AllowedHosts::default().contain(&HeaderValue::from_static("evil")));
    }

    #[test]
    fn one_of_many_is_found() {
        let many: Vec<String> = (0..500).map(|n| format!("h{n}.example.com")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let hosts = allowed(&many);
        assert!(hosts.contain(&HeaderValue::from_static("H499.example.com.")));
        assert!(!hosts.contain(&HeaderValue::from_static("H500.example.com.")));
    }

    #[test]
    fn what_is_more_or_less_than_a_host_is_refused() {
        for text in [
            "",
            "http://a",
            "a:80",
            "a/b",
            "u@a",
            "*",
            "*.example.com",
            "a b",
            "::1",
            "[::1]:80",
            "a,b",
        ] {
            assert_eq!(
                text.parse::<AllowedHost>(),
                Err(InvalidAllowedHost),
                "{text}"
            );
        }
    }
}
