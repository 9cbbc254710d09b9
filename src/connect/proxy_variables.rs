use std::fmt;

use http::Uri;
use http::uri::Scheme;

use super::no_proxy::NoProxy;
use super::{InvalidProxyUrl, ProxyUrl};
use crate::authority::is_loopback;

/// The proxy settings of the environment, read as curl reads them.
///
/// 1. Of `https_proxy`, `HTTPS_PROXY`, `all_proxy` and `ALL_PROXY`, the first that is set and not
///    empty names the proxy.
/// 2. Hosts in `no_proxy`, or else `NO_PROXY`, are reached without it.
///
/// Two things differ from curl: this machine itself is always reached without a proxy, since a
/// proxy elsewhere cannot reach it; and `http://` is never sent through a proxy that only the
/// environment names, since that proxy would read everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyVariables(Vec<(&'static str, String)>);

impl ProxyVariables {
    /// Every variable that is read, in order of precedence.
    pub(crate) const NAMES: [&'static str; 6] = [
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ];

    /// Selects the variables for proxies.
    pub(crate) fn of<N: AsRef<str>>(environment: impl IntoIterator<Item = (N, String)>) -> Self {
        let ours = environment.into_iter().filter_map(|(name, value)| {
            let name = Self::NAMES.into_iter().find(|ours| *ours == name.as_ref());
            name.map(|name| (name, value))
        });
        Self(ours.filter(|(_, value)| !value.trim().is_empty()).collect())
    }

    /// Returns the proxy for an address; none if it is reached directly.
    pub(crate) fn proxy_for(
        &self,
        address: &Uri,
    ) -> Result<Option<ProxyUrl>, InvalidProxyVariable> {
        let host = address.host().unwrap_or_default().to_ascii_lowercase();
        let port = address.port_u16().unwrap_or(HTTPS_PORT);
        let [https, https_capitals, all, all_capitals, no, no_capitals] = Self::NAMES;
        let is_direct = |no_proxy| NoProxy::new(no_proxy).contains(&host, port);
        if address.scheme() != Some(&Scheme::HTTPS)
            || is_loopback(host.strip_suffix('.').unwrap_or(&host))
            || self
                .first(&[no, no_capitals])
                .is_some_and(|(_, value)| is_direct(value))
        {
            return Ok(None);
        }
        let proxy = self.first(&[https, https_capitals, all, all_capitals]);
        let proxy = proxy.map(|(variable, url)| {
            let parsed = url.trim().parse();
            parsed.map_err(|error| InvalidProxyVariable { variable, error })
        });
        proxy.transpose()
    }

    fn first(&self, names: &[&str]) -> Option<(&'static str, &str)> {
        let mut names = names.iter();
        names.find_map(|name| {
            let mut all = self.0.iter();
            let found = all.find(|(ours, _)| ours == name)?;
            Some((found.0, found.1.as_str()))
        })
    }
}

const HTTPS_PORT: u16 = 443;

/// The error for an environment variable that names no usable proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidProxyVariable {
    variable: &'static str,
    error: InvalidProxyUrl,
}

impl fmt::Display for InvalidProxyVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.error)
    }
}

impl std::error::Error for InvalidProxyVariable {}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(environment: &[(&str, &str)], address: &'static str) -> Option<String> {
        let environment = environment
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let variables = ProxyVariables::of(environment);
        let proxy = variables.proxy_for(&Uri::from_static(address)).unwrap();
        proxy.map(|proxy| proxy.to_string())
    }

    const GHES: &str = "https://ghes.example.com/api/v3";

    #[test]
    fn the_first_variable_that_says_something_counts() {
        let all = [
            ("https_proxy", "http://a"),
            ("HTTPS_PROXY", "http://b"),
            ("all_proxy", "http://c"),
            ("ALL_PROXY", "http://d"),
        ];
        for (at, (_, url)) in all.iter().enumerate() {
            assert_eq!(proxy(&all[at..], GHES).as_deref(), Some(*url));
            let mut backwards = all[at..].to_vec();
            backwards.reverse();
            assert_eq!(proxy(&backwards, GHES).as_deref(), Some(*url));
        }
        let emptied = [
            ("https_proxy", ""),
            ("HTTPS_PROXY", " "),
            ("ALL_PROXY", "http://d"),
        ];
        assert_eq!(proxy(&emptied, GHES).as_deref(), Some("http://d"));
        let others = [
            ("HTTP_PROXY", "http://a"),
            ("Https_Proxy", "http://a"),
            ("PROXY", "http://a"),
        ];
        assert_eq!(proxy(&others, GHES), None);
    }

    #[test]
    fn hosts_of_no_proxy_are_reached_without() {
        let with = |name, value| [("HTTPS_PROXY", "http://a"), (name, value)];
        for value in [
            "ghes.example.com",
            ".example.com",
            "x, *",
            "example.com:443",
        ] {
            assert_eq!(proxy(&with("NO_PROXY", value), GHES), None, "{value}");
            assert_eq!(proxy(&with("no_proxy", value), GHES), None, "{value}");
        }
        for value in ["", "ghes", "example.com:8443", "192.0.2.0/24"] {
            assert!(proxy(&with("NO_PROXY", value), GHES).is_some(), "{value}");
        }
        let both = [
            ("HTTPS_PROXY", "http://a"),
            ("no_proxy", "x"),
            ("NO_PROXY", "*"),
        ];
        assert!(proxy(&both, GHES).is_some());
    }

    #[test]
    fn this_machine_and_plain_http_are_reached_without() {
        let all = [("HTTPS_PROXY", "http://a"), ("ALL_PROXY", "http://b")];
        for address in [
            "https://localhost:8443/",
            "https://LOCALHOST./",
            "https://127.0.0.2/",
            "https://[::1]:8443/",
            "http://ghes.example.com/",
        ] {
            assert_eq!(proxy(&all, address), None, "{address}");
        }
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_named_and_not_quoted() {
        for url in ["socks5://CANARY:1080", "http://u:CANARY@", "CANARY CANARY"] {
            let variables = ProxyVariables::of([("ALL_PROXY", url.to_owned())]);
            let error = variables.proxy_for(&Uri::from_static(GHES)).unwrap_err();
            let told = error.to_string();
            assert!(told.starts_with("ALL_PROXY: "), "{told}");
            assert!(!told.contains("CANARY"), "{told}");
        }
    }
}
