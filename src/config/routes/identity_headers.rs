use std::fmt;
use std::str::FromStr;

use http::HeaderName;

/// How an upstream is told who is asking.
///
/// Only the name of the login's header differs; every preset also has `X-GitHub-User-Id`,
/// `X-OAuth-Scopes` and `X-OAuth-Client-Id`. What a client sends under the names of any preset is
/// removed, whichever is chosen.
///
/// | preset | the login's header | for tools made for |
/// |---|---|---|
/// | `x-forwarded` | `X-Forwarded-User` | oauth2-proxy as a reverse proxy |
/// | `x-auth-request` | `X-Auth-Request-User`, `X-Auth-Request-Preferred-Username` | oauth2-proxy behind nginx |
/// | `remote-user` | `Remote-User` | Authelia, and CGI's `REMOTE_USER` |
/// | `x-webauth` | `X-WEBAUTH-USER` | Grafana, Gitea |
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum IdentityHeaders {
    /// `remote-user`.
    RemoteUser,
    /// `x-auth-request`.
    XAuthRequest,
    /// `x-forwarded`.
    #[default]
    XForwarded,
    /// `x-webauth`.
    XWebauth,
}

impl IdentityHeaders {
    const ALL: [Self; 4] = [
        Self::XForwarded,
        Self::XAuthRequest,
        Self::RemoteUser,
        Self::XWebauth,
    ];

    /// Returns the preset's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoteUser => "remote-user",
            Self::XAuthRequest => "x-auth-request",
            Self::XForwarded => "x-forwarded",
            Self::XWebauth => "x-webauth",
        }
    }

    /// Returns the headers that hold the login.
    pub(crate) fn of_the_login(self) -> &'static [HeaderName] {
        match self {
            Self::RemoteUser => &REMOTE_USER,
            Self::XAuthRequest => &X_AUTH_REQUEST,
            Self::XForwarded => &X_FORWARDED,
            Self::XWebauth => &X_WEBAUTH,
        }
    }
}

static REMOTE_USER: [HeaderName; 1] = [HeaderName::from_static("remote-user")];
static X_AUTH_REQUEST: [HeaderName; 2] = [
    HeaderName::from_static("x-auth-request-user"),
    HeaderName::from_static("x-auth-request-preferred-username"),
];
static X_FORWARDED: [HeaderName; 1] = [HeaderName::from_static("x-forwarded-user")];
static X_WEBAUTH: [HeaderName; 1] = [HeaderName::from_static("x-webauth-user")];

impl FromStr for IdentityHeaders {
    type Err = UnknownIdentityHeaders;

    fn from_str(name: &str) -> Result<Self, UnknownIdentityHeaders> {
        let mut all = Self::ALL.into_iter();
        let named = all.find(|preset| preset.as_str() == name);
        named.ok_or(UnknownIdentityHeaders(()))
    }
}

/// The error for a name that no preset has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownIdentityHeaders(());

impl fmt::Display for UnknownIdentityHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = IdentityHeaders::ALL.map(IdentityHeaders::as_str);
        write!(f, "not known; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownIdentityHeaders {}
