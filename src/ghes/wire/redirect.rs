use std::fmt;

use http::Uri;
use http::header::{HeaderMap, LOCATION};

/// Where a redirect leads, for the log: the host, since the rest may hold anything.
#[derive(Debug)]
pub(in crate::ghes) enum RedirectTarget {
    Host(String),
    SameHost,
    Unreadable,
}

impl RedirectTarget {
    pub(in crate::ghes) fn of(headers: &HeaderMap) -> Self {
        let Some(Ok(uri)) = headers
            .get(LOCATION)
            .map(|location| Uri::try_from(location.as_bytes()))
        else {
            return Self::Unreadable;
        };
        match uri.host() {
            None => Self::SameHost,
            Some(host) if host.len() <= MAX_HOST_LENGTH => Self::Host(host.to_owned()),
            Some(_) => Self::Unreadable,
        }
    }
}

impl fmt::Display for RedirectTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "it leads to the host {host}"),
            Self::SameHost => f.write_str("it leads elsewhere on the same host"),
            Self::Unreadable => f.write_str("where it leads cannot be read"),
        }
    }
}

impl std::error::Error for RedirectTarget {}

/// RFC 1035 §2.3.4.
const MAX_HOST_LENGTH: usize = 255;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn target(location: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_str(location).unwrap());
        RedirectTarget::of(&headers).to_string()
    }

    #[test]
    fn no_more_than_the_host_is_told() {
        for location in [
            "https://sso.example.com/login?secret",
            "https://user:secret@sso.example.com:8443/secret#secret",
            "http://sso.example.com",
        ] {
            assert_eq!(target(location), "it leads to the host sso.example.com");
        }
        assert_eq!(target("/secret"), "it leads elsewhere on the same host");
        let unreadable = RedirectTarget::of(&HeaderMap::new()).to_string();
        let long = format!("https://{}/", "secret".repeat(100));
        for location in ["", "//sso.example.com/secret", "login/secret", &long] {
            let told = target(location);
            assert!(!told.contains("secret"), "{told}");
        }
        assert_eq!(target(&long), unreadable);
    }
}
