use std::convert::Infallible;
use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use super::body::Body;
use super::headers::strip_response;
use crate::rejection::{Realm, Rejection, RejectionKind};

/// Connections to all upstreams: one pool, from which each request takes its own.
#[derive(Clone, Debug)]
pub(super) struct Upstreams(Client<HttpConnector, Incoming>);

impl Upstreams {
    pub(super) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .build(tcp);
        Self(client)
    }

    pub(super) fn at(&self, authority: Authority) -> Upstream {
        Upstream {
            connections: self.clone(),
            authority,
        }
    }
}

/// The service that one route leads to.
///
/// Its address comes from the configuration alone; nothing in a request can change it.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    connections: Upstreams,
    authority: Authority,
}

impl Upstream {
    /// The same path and query, byte by byte, at the upstream.
    fn uri(&self, requested: &Uri) -> Result<Uri, http::uri::InvalidUriParts> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        let root = || PathAndQuery::from_static("/");
        parts.path_and_query = Some(requested.path_and_query().cloned().unwrap_or_else(root));
        Uri::from_parts(parts)
    }

    async fn forward(
        self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, RejectionKind> {
        let Ok(uri) = self.uri(request.uri()) else {
            return Err(RejectionKind::InvalidRequest);
        };
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        let answer = self.connections.0.request(request);
        match tokio::time::timeout(RESPONSE_TIMEOUT, answer).await {
            Ok(Ok(response)) => Ok(pass_on(response)),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(self.too_slow()),
        }
    }

    fn failed(&self, error: &Error) -> RejectionKind {
        tracing::warn!(
            upstream = %self.authority,
            error.cause = error.source().map(tracing::field::display),
            "upstream failed: {error}",
        );
        RejectionKind::BadGateway
    }

    fn too_slow(&self) -> RejectionKind {
        tracing::warn!(upstream = %self.authority, "upstream sent no response in time");
        RejectionKind::GatewayTimeout
    }
}

impl Service<Request<Incoming>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move {
            let response = upstream.forward(request).await;
            // No kind that an upstream can cause carries a challenge, so the realm is not seen.
            Ok(response
                .unwrap_or_else(|kind| Rejection::new(kind).into_response(&Realm::default())))
        })
    }
}

fn pass_on(response: Response<Incoming>) -> Response<Body> {
    let mut response = response.map(Body::Streaming);
    strip_response(response.headers_mut());
    response
}

/// An upstream in the same network accepts within milliseconds; after a second it is down, and a
/// client is better told so.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// As nginx's `proxy_read_timeout`, which tools behind proxies are used to. Only the head of the
/// response must come in this time; its body may take as long as it takes.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Below the idle timeouts of common servers (75 s nginx, 60 s many others), so that we close
/// first and no request runs into a closing connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
