use std::error::Error as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{HeaderValue, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use super::body::Body;
use super::headers::strip_response;
use super::response_gate::{Malformed, response_gate};
use super::upload::Upload;
use crate::causes::Causes;
use crate::rejection::RejectionKind;

/// Connections to all upstreams: one pool, from which each request takes its own.
#[derive(Clone, Debug)]
pub(super) struct Upstreams(Client<HttpConnector, Upload>);

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
        // hyper drops the body of a GET whose length it does not know, unless it is told to chunk it.
        if request.body().size_hint().exact().is_none() {
            let chunked = HeaderValue::from_static("chunked");
            request.headers_mut().insert(TRANSFER_ENCODING, chunked);
        }
        let (request, sent) = Upload::of(request);
        let too_late = async {
            sent.wait().await;
            tokio::time::sleep(RESPONSE_TIMEOUT).await;
        };
        tokio::select! {
            biased;
            answer = self.connections.0.request(request) => match answer {
                Ok(response) => pass_on(response).map_err(|error| self.malformed(error)),
                Err(error) => Err(self.failed(&error)),
            },
            () = too_late => Err(self.too_slow()),
        }
    }

    fn failed(&self, error: &Error) -> RejectionKind {
        if is_of_the_client(error) {
            return RejectionKind::InvalidRequest;
        }
        tracing::warn!(
            upstream = %self.authority,
            error.causes = %Causes(error),
            "upstream failed: {error}",
        );
        RejectionKind::BadGateway
    }

    fn malformed(&self, Malformed(why): Malformed) -> RejectionKind {
        tracing::warn!(upstream = %self.authority, "upstream sent a malformed response: {why}");
        RejectionKind::BadGateway
    }

    fn too_slow(&self) -> RejectionKind {
        tracing::warn!(upstream = %self.authority, "upstream sent no response in time");
        RejectionKind::GatewayTimeout
    }
}

impl Service<Request<Incoming>> for Upstream {
    type Response = Response<Body>;
    type Error = RejectionKind;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, RejectionKind>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RejectionKind>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.clone().forward(request))
    }
}

/// Tells whether the request's body broke off or was malformed, which the upstream can do nothing
/// about. The request was not finished then, and its connection is not used again.
fn is_of_the_client(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(hyper::Error::is_user)
}

/// Dropping a response with its body unread also ends its connection.
fn pass_on(mut response: Response<Incoming>) -> Result<Response<Body>, Malformed> {
    response_gate(&mut response)?;
    strip_response(response.headers_mut());
    Ok(response.map(Body::Streaming))
}

/// An upstream in the same network accepts within milliseconds; after a second it is down, and a
/// client is better told so.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What tools behind proxies are used to from nginx's `proxy_read_timeout`. It runs from the end of
/// the request's body to the head of the response; bodies may take as long as they take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// Below nginx's idle timeout of 75 s. Servers that close sooner are no harm: a request that was
/// not begun to be written goes to another connection.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);
