use std::borrow::Cow;
use std::error::Error;
use std::{fmt, io};

use tower::BoxError;

use super::chain::{find, is_tls};
use crate::check::CheckErrorKind;
use crate::connect::{ProxyUrl, TunnelError};
use crate::ghes::wire::resolver::Unresolved;

/// A connection that did not come about.
#[derive(Debug)]
pub(in crate::ghes) struct ConnectError {
    kind: CheckErrorKind,
    text: Cow<'static, str>,
    source: BoxError,
}

impl ConnectError {
    pub(in crate::ghes::wire) fn new(
        kind: CheckErrorKind,
        text: impl Into<Cow<'static, str>>,
        source: impl Into<BoxError>,
    ) -> Self {
        let (text, source) = (text.into(), source.into());
        Self { kind, text, source }
    }

    pub(in crate::ghes::wire) fn tcp(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::new(of_no_connection(&*source), "no connection", source)
    }

    /// A peer that hangs up before any TLS says nothing about trust, and has not seen the request.
    pub(in crate::ghes::wire) fn handshake(source: io::Error) -> Self {
        match is_tls(&source) {
            true => Self::new(CheckErrorKind::Tls, NO_TLS, source),
            false => {
                let text = "the connection was closed during the TLS handshake";
                Self::new(CheckErrorKind::Closed, text, source)
            }
        }
    }

    /// The name that is not found may be the proxy's: it says nothing about the name of GHES.
    pub(in crate::ghes::wire) fn no_proxy(proxy: &ProxyUrl, source: impl Into<BoxError>) -> Self {
        let text = format!("no connection to the proxy {proxy}");
        Self::new(CheckErrorKind::Connect, text, source)
    }

    pub(in crate::ghes::wire) fn proxy_without_tls(proxy: &ProxyUrl, source: Self) -> Self {
        let text = format!("no TLS with the proxy {proxy}");
        Self::new(source.kind, text, source)
    }

    pub(in crate::ghes::wire) fn tunnel(proxy: &ProxyUrl, source: TunnelError) -> Self {
        let kind = match source.is_refusal() {
            true => CheckErrorKind::ProxyRefused,
            false => CheckErrorKind::Connect,
        };
        Self::new(
            kind,
            format!("no connection through the proxy {proxy}"),
            source,
        )
    }

    pub(in crate::ghes) fn kind(&self) -> CheckErrorKind {
        self.kind
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// Names what went wrong before there was a connection.
pub(super) fn of_no_connection(error: &(dyn Error + 'static)) -> CheckErrorKind {
    match find::<Unresolved>(error) {
        Some(_) => CheckErrorKind::Dns,
        None => CheckErrorKind::Connect,
    }
}

pub(in crate::ghes::wire) const NO_TLS: &str = "the TLS handshake failed";
