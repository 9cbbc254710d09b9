use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tower::{BoxError, Service};

use super::cause;
use super::resolver::RememberingResolver;
use super::watched_stream::WatchedStream;
use crate::check::CheckErrorKind;

/// Makes connections, and says of each that fails at which step it did. Each step has a limit.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector<RememberingResolver<GaiResolver>>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig) -> Self {
        let resolver = RememberingResolver::new(GaiResolver::new());
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        Self {
            tcp,
            tls: TlsConnector::from(Arc::new(tls)),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<WatchedStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.tcp.poll_ready(cx).map_err(ConnectError::tcp)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.tcp.call(uri.clone());
        let tls = self.tls.clone();
        Box::pin(async move {
            let tcp = connecting.await.map_err(ConnectError::tcp)?.into_inner();
            if uri.scheme() != Some(&Scheme::HTTPS) {
                return Ok(TokioIo::new(WatchedStream::new(tcp)));
            }
            let handshake = tls.connect(server_name(&uri)?, tcp);
            let stream = tokio::time::timeout(TLS_TIMEOUT, handshake)
                .await
                .map_err(|elapsed| ConnectError::new(CheckErrorKind::Timeout, elapsed))?
                .map_err(ConnectError::handshake)?;
            Ok(TokioIo::new(WatchedStream::new(stream)))
        })
    }
}

fn server_name(uri: &Uri) -> Result<ServerName<'static>, ConnectError> {
    let host = uri.host().unwrap_or_default();
    // An IPv6 address stands in brackets in a URI only.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(|error| ConnectError::new(CheckErrorKind::Tls, error))
}

/// A connection that did not come about.
#[derive(Debug)]
pub(super) struct ConnectError {
    kind: CheckErrorKind,
    source: BoxError,
}

impl ConnectError {
    fn new(kind: CheckErrorKind, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self { kind, source }
    }

    fn tcp(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::new(cause::of_no_connection(&*source), source)
    }

    /// Whoever hangs up instead of a word of TLS says nothing about trust, and has not seen the
    /// request.
    fn handshake(source: io::Error) -> Self {
        let kind = match cause::is_tls(&source) {
            true => CheckErrorKind::Tls,
            false => CheckErrorKind::Closed,
        };
        Self::new(kind, source)
    }

    pub(super) fn kind(&self) -> CheckErrorKind {
        self.kind
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            CheckErrorKind::Closed => "the connection was closed during the TLS handshake",
            CheckErrorKind::Timeout => "the TLS handshake took too long",
            CheckErrorKind::Tls => "the TLS handshake failed",
            _ => "no connection",
        })
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// A GHES in the same network answers within milliseconds; one that takes a second to accept is
/// down, and waiting longer only makes clients queue.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Two round trips and a signature; the rest of the three seconds that a call may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(2);
