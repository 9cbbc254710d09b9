//! How other people's proxies ask about a request that they hold.
//!
//! Each asks in its own header fields, and each passes on fields that its client wrote. A gate that
//! preferred one family of fields to another would let the client of some proxy choose what is
//! decided. So the path that is asked decides the [`Dialect`], and a dialect reads nothing but its
//! own fields:
//!
//! | dialect | asks at | says what it holds in |
//! |---|---|---|
//! | `nginx` | `/auth/nginx` | `X-Original-Method` and `X-Original-URL`, or in place of the latter `X-Original-URI`, `-Host`, `-Proto` |
//! | `traefik`, `caddy` | `/auth/traefik`, `/auth/caddy` | `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` |
//! | `envoy` | `/auth/envoy/…` | its method, its `Host`, and the path behind the prefix |
//! | [`ext_authz`] | `/envoy.service.auth.v3.Authorization/Check`, by gRPC | a message |
//! | `oauth2-proxy` | `/oauth2/auth`, where that is configured | `Host` and `X-Forwarded-Uri`, and no method |
//!
//! 1. A field that is missing, that is there twice, or that cannot be what it should be, is a
//!    mistake of the proxy: 400.
//! 2. The query of the asked path decides nothing: Caddy appends the client's own to it.
//! 3. What is read becomes a [request](Dialect::question) like one of a client, with the client's
//!    other fields, which goes the way of all requests.

mod envoy;
pub(crate) mod ext_authz;
mod forwarded;
mod nginx;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use crate::hygiene::names::X_FORWARDED_PROTO;
use crate::rejection::RejectionDetail;

/// How a proxy says which request it asks about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// nginx, by `auth_request`.
    Nginx,
    /// Traefik, by `forwardAuth`.
    Traefik,
    /// Caddy, by `forward_auth`.
    Caddy,
    /// Envoy, by `ext_authz` over HTTP, and the Gateway API.
    Envoy,
    /// nginx with the snippet of oauth2-proxy.
    OAuth2Proxy,
}

/// The request that a proxy holds, in its own words.
struct Held {
    /// None where the dialect does not say it.
    method: Option<Method>,
    /// None where the dialect does not say it.
    scheme: Option<HeaderValue>,
    host: HeaderValue,
    target: PathAndQuery,
}

/// A request to decide about, with the client's header fields.
pub(crate) struct Question {
    pub(crate) request: Request<()>,
    /// Whether it is known to have a body. Not every proxy says so.
    pub(crate) has_body: bool,
    /// Whether the method is the client's. Otherwise it is GET, and nothing may depend on it.
    pub(crate) has_method: bool,
}

/// Shows no header fields: they have the client's token.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { has_method, .. } = self;
        let mut shown = f.debug_struct("Question");
        shown
            .field("has_method", has_method)
            .finish_non_exhaustive()
    }
}

impl Dialect {
    const ALL: [Self; 5] = [
        Self::Nginx,
        Self::Traefik,
        Self::Caddy,
        Self::Envoy,
        Self::OAuth2Proxy,
    ];

    /// Returns its name, as it stands in the configuration, the log and the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Envoy => "envoy",
            Self::OAuth2Proxy => "oauth2-proxy",
        }
    }

    /// Returns the dialect that is spoken at a path; `oauth2_auth` is that of `/oauth2/auth`.
    pub(crate) fn of_path(path: &str, oauth2_auth: Option<Self>) -> Option<Self> {
        match path {
            "/auth/nginx" => Some(Self::Nginx),
            "/auth/traefik" => Some(Self::Traefik),
            "/auth/caddy" => Some(Self::Caddy),
            "/oauth2/auth" => oauth2_auth,
            _ => envoy::target(path).map(|_| Self::Envoy),
        }
    }

    /// Reads which request is asked about.
    ///
    /// # Errors
    ///
    /// Returns the mistake of the proxy that asks.
    pub(crate) fn question(self, mut asking: Parts) -> Result<Question, RejectionDetail> {
        let held = match self {
            Self::Nginx => nginx::held(&asking.headers).ok_or(RejectionDetail::NginxQuestion),
            Self::Traefik | Self::Caddy => {
                forwarded::held(&asking.headers).ok_or(RejectionDetail::ForwardedQuestion)
            }
            Self::Envoy => envoy::held(&asking).ok_or(RejectionDetail::EnvoyQuestion),
            Self::OAuth2Proxy => {
                forwarded::held_of_snippet(&asking).ok_or(RejectionDetail::OAuth2ProxyQuestion)
            }
        }?;
        if self == Self::OAuth2Proxy {
            forwarded::tell_client(&mut asking.headers);
        }
        Ok(held.into_question(asking.headers))
    }
}

impl Held {
    /// Puts the request together as its client sent it to the proxy.
    fn into_question(self, mut headers: HeaderMap) -> Question {
        let has_body = has_body(&headers);
        for name in OF_THE_ASKING {
            headers.remove(name);
        }
        headers.insert(HOST, self.host);
        if let Some(scheme) = self.scheme {
            headers.insert(X_FORWARDED_PROTO.clone(), scheme);
        }
        let has_method = self.method.is_some();
        let mut request = Request::new(());
        *request.method_mut() = self.method.unwrap_or(Method::GET);
        *request.uri_mut() = Uri::from(self.target);
        *request.headers_mut() = headers;
        Question {
            request,
            has_body,
            has_method,
        }
    }
}

/// What says anything about the proxy's own request, or about what it holds, in any dialect. What a
/// client wrote there is gone with it.
const OF_THE_ASKING: [HeaderName; 19] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-method"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-uri"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-original-proto"),
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-original-url"),
];

/// Tells whether a proxy passes on that there is a body (RFC 9112 §6).
fn has_body(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_long = lengths.any(|length| !length.is_empty() && length != "0");
    is_long || headers.contains_key(TRANSFER_ENCODING)
}

/// Returns the value of a field that is there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

fn method(value: &HeaderValue) -> Option<Method> {
    Method::from_bytes(value.as_bytes()).ok()
}

/// Traefik names the scheme of a WebSocket.
fn scheme(value: &str) -> Option<HeaderValue> {
    Some(HeaderValue::from_static(match value {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => return None,
    }))
}

/// Reads the target of a request in origin form. `http` would forget a fragment, and a tool might
/// not.
fn target(text: &[u8]) -> Option<PathAndQuery> {
    let is_origin_form = text.starts_with(b"/") && !text.contains(&b'#');
    is_origin_form.then(|| PathAndQuery::try_from(text).ok())?
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        let mut all = Self::ALL.into_iter();
        all.find(|dialect| dialect.as_str() == name)
            .ok_or(UnknownDialect(()))
    }
}

/// The error for a name of no [`Dialect`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownDialect(());

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a dialect; write one of ")?;
        let names = Dialect::ALL.map(Dialect::as_str);
        f.write_str(&names.join(", "))
    }
}

impl std::error::Error for UnknownDialect {}
