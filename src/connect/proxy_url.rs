use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use secrecy::zeroize::Zeroizing;

use crate::authority::is_connectable;

/// The address of an HTTP proxy that opens tunnels (`CONNECT`, RFC 9110 §9.3.6).
///
/// | text | the proxy |
/// |---|---|
/// | `http://proxy.corp:3128`, `proxy.corp:3128` | is used without TLS |
/// | `https://proxy.corp` | is used over TLS |
/// | `http://user:password@proxy.corp:3128` | gets the user by Basic authentication |
///
/// Without a port it is 80, and 443 for `https`. User name and password are percent-encoded.
/// `Display` and `Debug` show neither.
#[derive(Clone, Eq, PartialEq)]
pub struct ProxyUrl {
    scheme: Scheme,
    authority: Authority,
    credentials: Option<HeaderValue>,
}

impl ProxyUrl {
    /// Returns whether the address has a user name or a password.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Returns whether the connection to the proxy itself uses TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Returns the host and, if the address has one, the port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Returns the value of `Proxy-Authorization`.
    pub(super) fn credentials(&self) -> Option<&HeaderValue> {
        self.credentials.as_ref()
    }

    /// Returns the address to connect to.
    pub(crate) fn uri(&self) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
        Uri::from_parts(parts).expect("scheme, authority and path make a URI")
    }
}

impl FromStr for ProxyUrl {
    type Err = InvalidProxyUrl;

    fn from_str(url: &str) -> Result<Self, InvalidProxyUrl> {
        // `Uri` drops a fragment silently, and a password may have a `#` in it.
        if url.contains('#') {
            return Err(InvalidProxyUrl::Malformed);
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(InvalidProxyUrl::Scheme),
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(end) => rest.split_at(end),
            None => (rest, "/"),
        };
        if path != "/" {
            return Err(InvalidProxyUrl::Path);
        }
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let authority: Authority = host.parse().map_err(|_| InvalidProxyUrl::Malformed)?;
        if !is_connectable(&authority) {
            return Err(InvalidProxyUrl::Malformed);
        }
        Ok(Self {
            scheme,
            authority,
            credentials: user.map(basic).transpose()?,
        })
    }
}

/// Makes Basic credentials of `user:password` (RFC 7617 §2).
fn basic(userinfo: &str) -> Result<HeaderValue, InvalidProxyUrl> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decoded = |text| Zeroizing::new(percent_decode_str(text).collect::<Vec<u8>>());
    let (user, password) = (decoded(user), decoded(password));
    // The colon is the separator, so a user name with one would be split in the wrong place.
    let is_control = |byte: &u8| byte.is_ascii_control();
    if user.contains(&b':') || user.iter().chain(password.iter()).any(is_control) {
        return Err(InvalidProxyUrl::Credentials);
    }
    let pair = Zeroizing::new([user.as_slice(), b":", &password].concat());
    let text = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(&*pair)));
    let mut value = HeaderValue::from_str(&text).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Display for ProxyUrl {
    /// Writes the address without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// The error for a text that is not a usable proxy address. It never quotes the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidProxyUrl {
    /// The user name has a colon, or one of both a control character.
    Credentials,
    /// It is no URL.
    Malformed,
    /// It has a path or a query.
    Path,
    /// The scheme is neither `http` nor `https`.
    Scheme,
}

impl fmt::Display for InvalidProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => {
                "the user name or password has a character that no header can carry"
            }
            Self::Malformed => {
                "not the URL of a proxy; write it like http://proxy.example.com:3128, with user \
                 name and password percent-encoded"
            }
            Self::Path => "leave out the path; in a user name or password, write / as %2F",
            Self::Scheme => "only http:// and https:// proxies can be used; SOCKS is not spoken",
        })
    }
}

impl std::error::Error for InvalidProxyUrl {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> (String, Option<String>) {
        let proxy: ProxyUrl = url.parse().unwrap();
        let credentials = proxy
            .credentials()
            .map(|value| value.to_str().unwrap().to_owned());
        assert!(credentials.is_none() || proxy.credentials().unwrap().is_sensitive());
        (proxy.to_string(), credentials)
    }

    #[test]
    fn an_address_is_read_with_and_without_scheme_port_and_user() {
        let basic = |pair| Some(format!("Basic {}", BASE64_STANDARD.encode(pair)));
        for (url, address, credentials) in [
            ("http://proxy.corp:3128", "http://proxy.corp:3128", None),
            ("proxy.corp:3128", "http://proxy.corp:3128", None),
            ("HTTPS://proxy.corp/", "https://proxy.corp", None),
            (
                "http://[2001:db8::1]:3128/",
                "http://[2001:db8::1]:3128",
                None,
            ),
            ("http://u:p@proxy:1", "http://proxy:1", basic("u:p")),
            ("u:p:q@proxy:1", "http://proxy:1", basic("u:p:q")),
            ("http://u@proxy", "http://proxy", basic("u:")),
            (
                "http://a%40b:p%2Fw%C3%A4@proxy",
                "http://proxy",
                basic("a@b:p/w\u{e4}"),
            ),
            ("http://u:p@w@proxy", "http://proxy", basic("u:p@w")),
        ] {
            assert_eq!(shown(url), (address.to_owned(), credentials), "{url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_quoted() {
        for (url, error) in [
            ("", InvalidProxyUrl::Malformed),
            ("http://", InvalidProxyUrl::Malformed),
            ("http://u:CANARY@", InvalidProxyUrl::Malformed),
            ("http://u:CANARY@proxy:99999", InvalidProxyUrl::Malformed),
            ("http://u:CAN#ARY@proxy", InvalidProxyUrl::Malformed),
            ("http://u:CAN/ARY@proxy", InvalidProxyUrl::Path),
            ("http://proxy/?q", InvalidProxyUrl::Path),
            ("socks5://u:CANARY@proxy:1080", InvalidProxyUrl::Scheme),
            ("ftp://proxy", InvalidProxyUrl::Scheme),
            ("http://u%3Av:CANARY@proxy", InvalidProxyUrl::Credentials),
            (
                "http://u:CANARY%0D%0AX:@proxy",
                InvalidProxyUrl::Credentials,
            ),
        ] {
            let found = url.parse::<ProxyUrl>().unwrap_err();
            assert_eq!(found, error, "{url}");
            assert!(!format!("{found} {found:?}").contains("CANARY"));
        }
    }

    #[test]
    fn neither_display_nor_debug_shows_credentials() {
        let proxy: ProxyUrl = "http://CANARYuser:CANARYpass@proxy:3128".parse().unwrap();
        let shown = format!("{proxy} {proxy:?} {:?}", proxy.credentials());
        assert!(!shown.contains("CANARY"), "{shown}");
        assert!(!shown.contains(&BASE64_STANDARD.encode("CANARYuser:CANARYpass")));
    }
}
