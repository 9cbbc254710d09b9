//! `CONNECT`: a connection through an HTTP proxy.
//!
//! hyper handles the request as with any server: it bounds the head, accepts every 2xx, skips
//! interim responses, and returns the connection. The `Tunnel` of hyper-util would be shorter, but
//! its error lacks the status, so a wrong password and a server that is down look alike.

use std::fmt;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::BoxError;

use super::ProxyUrl;

/// Asks the proxy at the other end of `stream` to connect to the server of `address`; returns the
/// connection to that server.
pub(crate) async fn open_tunnel<S>(
    stream: S,
    proxy: &ProxyUrl,
    address: &Uri,
) -> Result<S, TunnelError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let request = request(proxy, address).map_err(TunnelError::broken)?;
    let mut client = http1::Builder::new();
    client.max_buf_size(MAX_HEAD_BYTES);
    let handshake = client.handshake::<_, Empty<Bytes>>(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(TunnelError::broken)?;
    // The task ends by itself once the sender is dropped, so a caller may stop waiting.
    let connection = tokio::spawn(connection.without_shutdown());
    let response = sender.send_request(request).await;
    let status = response.map_err(TunnelError::broken)?.status();
    if !status.is_success() {
        return Err(TunnelError::Status(status));
    }
    let parts = connection.await.map_err(TunnelError::broken)?;
    let parts = parts.map_err(TunnelError::broken)?;
    // A client speaks first in TLS and in HTTP, so this cannot come from the server.
    if !parts.read_buf.is_empty() {
        return Err(TunnelError::broken("the proxy added bytes to its answer"));
    }
    Ok(parts.io.into_inner())
}

fn request(proxy: &ProxyUrl, address: &Uri) -> http::Result<Request<Empty<Bytes>>> {
    let host = address.host().unwrap_or_default();
    let default_port = match address.scheme() == Some(&Scheme::HTTPS) {
        true => 443,
        false => 80,
    };
    // RFC 9112 §3.2.3: with the port, even if it is the default.
    let port = address.port_u16().unwrap_or(default_port);
    let authority = format!("{host}:{port}").parse::<Authority>()?;
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .header(HOST, authority.as_str())
        .header(USER_AGENT, HeaderValue::from_static(PRODUCT))
        .uri(authority);
    if let Some(credentials) = proxy.credentials() {
        request = request.header(PROXY_AUTHORIZATION, credentials.clone());
    }
    request.body(Empty::new())
}

/// A connection that a proxy did not open.
#[derive(Debug)]
pub(crate) enum TunnelError {
    /// The proxy answered with something other than success.
    Status(StatusCode),
    /// The proxy gave no answer that can be used.
    Broken(BoxError),
}

impl TunnelError {
    fn broken(source: impl Into<BoxError>) -> Self {
        Self::Broken(source.into())
    }

    /// Returns whether the proxy refuses, so that a retry is useless: a password that is sent
    /// repeatedly may lock its account.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Status(status) => !status.is_server_error(),
            Self::Broken(_) => false,
        }
    }
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => f.write_str(
                "it answers 407 Proxy Authentication Required: the user name or password of its \
                 URL is missing or wrong",
            ),
            Self::Status(status) => write!(f, "it answers {status} to CONNECT"),
            Self::Broken(_) => f.write_str("it gives no usable answer to CONNECT"),
        }
    }
}

impl std::error::Error for TunnelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Status(_) => None,
            Self::Broken(source) => Some(&**source),
        }
    }
}

const PRODUCT: &str = concat!("ghes-gatekeeper/", env!("CARGO_PKG_VERSION"));

/// Proxies send some hundred bytes here; a page that explains a refusal is in the body, and not
/// read.
const MAX_HEAD_BYTES: usize = 16 * 1024;
