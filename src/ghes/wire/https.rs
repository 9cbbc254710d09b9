use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tower::{BoxError, Service};

use super::connector::Connector;
use crate::connect::{ProxyUrl, system_roots};

/// Connections to GHES: a pool of its own, TLS by rustls, HTTP/1.1.
///
/// The certificate is always verified. `http://` is spoken where the URL says so; whether that is
/// acceptable is decided before (see [`GhesUrl::is_exposed`](crate::ghes::GhesUrl::is_exposed)).
///
/// A connection may take 1 s to be made and TLS 2 s to be agreed on. A name that cannot be
/// resolved keeps its last good addresses for up to 5 minutes. The head of a reply may have 100
/// fields and some 64 KiB. Where GHES has closed an idle connection, the next request goes over
/// another one; a request that was begun is not sent again.
///
/// GHES is reached directly, unless [`with_proxy`](Self::with_proxy) names a proxy.
#[derive(Clone)]
pub struct HttpsTransport {
    client: Client<Connector, Full<Bytes>>,
    tls: TlsConnector,
}

impl HttpsTransport {
    /// Trusts the certificate authorities of the system.
    ///
    /// # Errors
    ///
    /// Returns [`HttpsError`] if no TLS configuration can be made.
    pub fn new() -> Result<Self, HttpsError> {
        Self::with_roots(system_roots())
    }

    /// Trusts the certificate authorities of the system and those in a PEM file.
    ///
    /// # Errors
    ///
    /// Returns [`HttpsError`] if the file cannot be read or holds no certificate, or if no TLS
    /// configuration can be made.
    pub fn with_ca_file(file: impl AsRef<Path>) -> Result<Self, HttpsError> {
        let mut roots = system_roots();
        let before = roots.len();
        for certificate in CertificateDer::pem_file_iter(file.as_ref()).map_err(HttpsError::new)? {
            let certificate = certificate.map_err(HttpsError::new)?;
            roots.add(certificate).map_err(HttpsError::new)?;
        }
        if roots.len() == before {
            return Err(HttpsError::new("the file holds no certificate"));
        }
        Self::with_roots(roots)
    }

    fn with_roots(roots: RootCertStore) -> Result<Self, HttpsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(HttpsError::new)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::over(TlsConnector::from(Arc::new(tls)), None))
    }

    /// Reaches GHES through an HTTP proxy, which is asked to `CONNECT` for every connection, also to
    /// a GHES on this machine.
    ///
    /// TLS with GHES is spoken inside the tunnel, and the certificate verified as without a proxy.
    /// The proxy has 2 s to open it. A proxy that refuses (407, 403) is not asked again for the same
    /// check. See [`ProxyUrl::from_environment`] for what `HTTPS_PROXY` and `NO_PROXY` say.
    #[must_use]
    pub fn with_proxy(self, proxy: ProxyUrl) -> Self {
        Self::over(self.tls, Some(Arc::new(proxy)))
    }

    fn over(tls: TlsConnector, proxy: Option<Arc<ProxyUrl>>) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .http1_max_buf_size(MAX_HEAD_BYTES)
            .build(Connector::new(tls.clone(), proxy));
        Self { client, tls }
    }
}

impl fmt::Debug for HttpsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsTransport").finish_non_exhaustive()
    }
}

impl Service<Request<Full<Bytes>>> for HttpsTransport {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::poll_ready(&mut self.client, cx)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> ResponseFuture {
        Service::call(&mut self.client, request)
    }
}

/// The error for a TLS configuration that cannot be made.
#[derive(Debug)]
pub struct HttpsError(BoxError);

impl HttpsError {
    fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for HttpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TLS to GHES cannot be set up")
    }
}

impl std::error::Error for HttpsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// Shorter than the 75 s after which nginx, GHES's front end, closes idle connections by default:
/// the side that closes first never sends a request into a closing connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A reply's head has about 2 KiB. hyper allows 400 KiB.
const MAX_HEAD_BYTES: usize = 64 * 1024;
