use std::pin::Pin;

use http::header::{HOST, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};

use super::handle::Handle;
use super::upload::Upload;

/// An open connection, as HTTP/1.1 or HTTP/2 was agreed on.
pub(super) enum Connection {
    /// Carries one exchange after the other.
    Http1(Handle<http1::SendRequest<Upload>>),
    /// Carries many at once; this is one of the handles to it.
    Http2(Handle<http2::SendRequest<Upload>>),
}

/// Why there was no response; with the request, if nothing of it was written.
pub(super) type Unanswered = Box<TrySendError<Request<Upload>>>;

/// Which connection will do for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    Any,
    /// One that no request was sent over yet.
    Fresh,
    /// The same, and of HTTP/1.1, whatever else the upstream speaks.
    FreshHttp1,
}

/// What a request has to say to whom it is sent.
pub(super) struct Host {
    scheme: Scheme,
    authority: Authority,
    header: HeaderValue,
}

impl Host {
    pub(super) fn new(scheme: Scheme, authority: Authority) -> Self {
        let header = HeaderValue::from_str(authority.as_str());
        Self {
            scheme,
            header: header.expect("an authority is visible ASCII"),
            authority,
        }
    }

    /// RFC 9112 §3.2.1: the path, and the host in a field.
    fn tell_http1(&self, request: &mut Request<Upload>) {
        // It is in its origin form, unless a connection of HTTP/2 has not taken it.
        if request.uri().authority().is_some() {
            let mut parts = Parts::default();
            parts.path_and_query = request.uri().path_and_query().cloned();
            set_uri(request, parts);
        }
        let has_length = request.body().size_hint().exact().is_some();
        let headers = request.headers_mut();
        headers.remove(TE);
        // hyper drops the body of a GET whose length it does not know, unless it is told to chunk.
        if !has_length {
            headers.insert(TRANSFER_ENCODING, CHUNKED);
        }
        headers.insert(HOST, self.header.clone());
        *request.version_mut() = Version::HTTP_11;
    }

    /// RFC 9113 §8.3.1: scheme, authority and path, and no such field.
    fn tell_http2(&self, request: &mut Request<Upload>) {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = request.uri().path_and_query().cloned();
        set_uri(request, parts);
        let headers = request.headers_mut();
        headers.remove(HOST);
        // gRPC servers want to hear it, and we do take trailers.
        headers.insert(TE, TRAILERS);
        *request.version_mut() = Version::HTTP_2;
    }
}

fn set_uri(request: &mut Request<Upload>, parts: Parts) {
    // Fails for no path at all only, which a request in its origin form has.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

impl Connection {
    /// Tells whether the exchange before is over as far as the connection is concerned.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::Http1(handle) => handle.requests.is_ready(),
            Self::Http2(handle) => handle.requests.is_ready(),
        }
    }

    /// Waits until the connection is ready, or has ended.
    pub(super) async fn becomes_ready(&mut self) -> bool {
        match self {
            Self::Http1(handle) => handle.requests.ready().await.is_ok(),
            Self::Http2(handle) => handle.requests.ready().await.is_ok(),
        }
    }

    /// Sends a request. What is returned waits for the head of the response.
    ///
    /// hyper's future is boxed, because it has room for the request, and would pass it on to all
    /// that wait for it.
    ///
    /// Returns the connection too if others may use it after this exchange. That of HTTP/2 they
    /// use already; a handle of this exchange's would only keep it from being let go.
    ///
    /// # Errors
    ///
    /// Returns the request with the error if nothing of it was written.
    ///
    /// # Cancel safety
    ///
    /// The exchange is ended: HTTP/1.1 closes the connection for that.
    pub(super) fn send(
        mut self,
        host: &Host,
        mut request: Request<Upload>,
    ) -> impl Future<Output = Result<(Response<Incoming>, Option<Self>), Unanswered>> + Send + use<>
    {
        let response: Pin<Box<dyn Future<Output = _> + Send>> = match &mut self {
            Self::Http1(handle) => {
                host.tell_http1(&mut request);
                Box::pin(handle.requests.try_send_request(request))
            }
            Self::Http2(handle) => {
                host.tell_http2(&mut request);
                Box::pin(handle.requests.try_send_request(request))
            }
        };
        async {
            match self {
                Self::Http1(handle) => {
                    let (response, handle) = handle.response(response).await?;
                    Ok((response, handle.map(Self::Http1)))
                }
                Self::Http2(handle) => {
                    let (response, _) = handle.response(response).await?;
                    Ok((response, None))
                }
            }
        }
    }
}

const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
