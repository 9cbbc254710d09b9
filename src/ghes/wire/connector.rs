use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::cause::{ConnectError, NO_TLS};
use super::resolver::RememberingResolver;
use super::watched_stream::WatchedStream;
use crate::check::CheckErrorKind;
use crate::connect::{ProxyUrl, open_tunnel};

/// Makes connections, directly or through a proxy, and says of each that fails at which step it
/// did. Each step has a limit.
#[derive(Clone)]
pub(in crate::ghes) struct Connector {
    tcp: HttpConnector<RememberingResolver<GaiResolver>>,
    tls: TlsConnector,
    proxy: Option<Arc<ProxyUrl>>,
}

impl Connector {
    pub(in crate::ghes) fn new(tls: TlsConnector, proxy: Option<Arc<ProxyUrl>>) -> Self {
        let resolver = RememberingResolver::new(GaiResolver::new());
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        Self { tcp, tls, proxy }
    }

    async fn direct(mut self, uri: Uri) -> Result<WatchedStream, ConnectError> {
        let tcp = self.tcp.call(uri.clone()).await;
        let tcp = tcp.map_err(ConnectError::tcp)?.into_inner();
        self.secured(tcp, &uri).await
    }

    /// TLS with the server is spoken through the tunnel, so a proxy sees its name and no more.
    async fn through(mut self, proxy: &ProxyUrl, uri: Uri) -> Result<WatchedStream, ConnectError> {
        let to_proxy = proxy.uri();
        let tcp = self.tcp.call(to_proxy.clone()).await;
        let tcp = tcp.map_err(|error| ConnectError::no_proxy(proxy, error))?;
        let tcp = tcp.into_inner();
        if !proxy.is_https() {
            let tunnel = tunnel(tcp, proxy, &uri).await?;
            return self.secured(tunnel, &uri).await;
        }
        let stream = self.handshake(tcp, &to_proxy).await;
        let stream = stream.map_err(|error| ConnectError::proxy_without_tls(proxy, error))?;
        let tunnel = tunnel(stream, proxy, &uri).await?;
        self.secured(tunnel, &uri).await
    }

    async fn secured<S>(&self, stream: S, uri: &Uri) -> Result<WatchedStream, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        match uri.scheme() == Some(&Scheme::HTTPS) {
            true => Ok(WatchedStream::new(self.handshake(stream, uri).await?)),
            false => Ok(WatchedStream::new(stream)),
        }
    }

    async fn handshake<S>(&self, stream: S, uri: &Uri) -> Result<TlsStream<S>, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = self.tls.connect(server_name(uri)?, stream);
        tokio::time::timeout(TLS_TIMEOUT, handshake)
            .await
            .map_err(|elapsed| {
                let text = "the TLS handshake took too long";
                ConnectError::new(CheckErrorKind::Timeout, text, elapsed)
            })?
            .map_err(ConnectError::handshake)
    }
}

async fn tunnel<S>(stream: S, proxy: &ProxyUrl, uri: &Uri) -> Result<S, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    tokio::time::timeout(TUNNEL_TIMEOUT, open_tunnel(stream, proxy, uri))
        .await
        .map_err(|elapsed| {
            let text = format!("the proxy {proxy} took too long to answer CONNECT");
            ConnectError::new(CheckErrorKind::Timeout, text, elapsed)
        })?
        .map_err(|error| ConnectError::tunnel(proxy, error))
}

impl Service<Uri> for Connector {
    type Response = TokioIo<WatchedStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.tcp.poll_ready(cx).map_err(ConnectError::tcp)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let stream = match connector.proxy.clone() {
                None => connector.direct(uri).await?,
                Some(proxy) => connector.through(&proxy, uri).await?,
            };
            Ok(TokioIo::new(stream))
        })
    }
}

fn server_name(uri: &Uri) -> Result<ServerName<'static>, ConnectError> {
    let host = uri.host().unwrap_or_default();
    // An IPv6 address stands in brackets in a URI only.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(host.to_owned())
        .map_err(|error| ConnectError::new(CheckErrorKind::Tls, NO_TLS, error))
}

/// A GHES in the same network answers within milliseconds; one that takes a second to accept is
/// down, and waiting longer only makes clients queue.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Two round trips and a signature; the rest of the three seconds that a call may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(2);

/// The proxy looks the server up and connects to it, for which it takes what `CONNECT_TIMEOUT` and
/// the resolver's limit allow ourselves.
const TUNNEL_TIMEOUT: Duration = Duration::from_secs(2);
