use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::header::{HOST, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::{Authority, Parts, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use tokio::time::Sleep;

use super::handle::Handle;
use super::wire::Watch;
use crate::upstream::upload::Upload;

/// An open connection in the negotiated protocol, HTTP/1.1 or HTTP/2.
pub(in crate::upstream) enum Connection {
    /// Carries one exchange after the other.
    Http1(Http1),
    /// Carries many exchanges at once; this is one of the handles to it.
    Http2(Http2),
}

/// A connection of HTTP/1.1, for one exchange at a time.
pub(in crate::upstream) struct Http1 {
    pub(in crate::upstream) handle: Handle<http1::SendRequest<Upload>>,
    /// The clock of the last exchange, reused by the next.
    pub(in crate::upstream) clock: Option<Clock>,
    pub(in crate::upstream) watch: Arc<Watch>,
}

/// A handle to a connection of HTTP/2.
#[derive(Clone)]
pub(in crate::upstream) struct Http2 {
    handle: Handle<http2::SendRequest<Upload>>,
    watch: Arc<Watch>,
}

/// Whether a connection of HTTP/1.1 can take a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::upstream) enum State {
    /// It takes the next request.
    Ready,
    /// Its exchange is not over.
    Busy,
    Closed,
}

/// The timer of a wait.
pub(in crate::upstream) type Clock = Pin<Box<Sleep>>;

/// Completes with the head of the response.
///
/// Boxed, because hyper's future has room for the request, and every future that contains it would
/// have that size too.
pub(in crate::upstream) type Sending =
    Pin<Box<dyn Future<Output = Result<Response<Incoming>, Unanswered>> + Send>>;

/// Why there was no response; with the request, if none of it was written.
pub(in crate::upstream) type Unanswered = TrySendError<Request<Upload>>;

/// Which connection a request can use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::upstream) enum Wanted {
    Any,
    /// A connection without an earlier request.
    Fresh,
    /// A connection without an earlier request, in HTTP/1.1, whatever else the upstream speaks.
    FreshHttp1,
}

/// The target origin of a request.
pub(in crate::upstream) struct Host {
    scheme: Scheme,
    authority: Authority,
    header: HeaderValue,
}

impl Host {
    pub(in crate::upstream) fn new(scheme: Scheme, authority: Authority) -> Self {
        let header = HeaderValue::from_str(authority.as_str());
        Self {
            scheme,
            header: header.expect("an authority is visible ASCII"),
            authority,
        }
    }

    /// Returns the upstream's own scheme and authority.
    pub(in crate::upstream) fn origin(&self) -> (&Scheme, &Authority) {
        (&self.scheme, &self.authority)
    }

    /// RFC 9112 §3.2.1: the path, and the host in a field.
    fn tell_http1(&self, request: &mut Request<Upload>) {
        // It is in its origin form, unless a connection of HTTP/2 has refused it.
        if request.uri().authority().is_some() {
            let mut parts = Parts::default();
            parts.path_and_query = request.uri().path_and_query().cloned();
            set_uri(request, parts);
        }
        let host = request.body().host().unwrap_or(&self.header).clone();
        let has_length = request.body().size_hint().exact().is_some();
        let headers = request.headers_mut();
        headers.remove(TE);
        // hyper drops the body of a GET of unknown length, unless the request asks for chunks.
        if !has_length {
            headers.insert(TRANSFER_ENCODING, CHUNKED);
        }
        headers.insert(HOST, host);
        *request.version_mut() = Version::HTTP_11;
    }

    fn authority_for(&self, upload: &Upload) -> Authority {
        let told = upload.host().map(HeaderValue::as_bytes);
        let told = told.and_then(|host| Authority::try_from(host).ok());
        told.unwrap_or_else(|| self.authority.clone())
    }

    /// RFC 9113 §8.3.1: scheme, authority and path, and no `Host` field.
    fn tell_http2(&self, request: &mut Request<Upload>) {
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority_for(request.body()));
        parts.path_and_query = request.uri().path_and_query().cloned();
        set_uri(request, parts);
        let headers = request.headers_mut();
        headers.remove(HOST);
        // gRPC servers require this, and we do accept trailers.
        headers.insert(TE, TRAILERS);
        *request.version_mut() = Version::HTTP_2;
    }
}

fn set_uri(request: &mut Request<Upload>, parts: Parts) {
    // Fails only without a path, and a request in its origin form has one.
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

impl Connection {
    /// Sends a request, over a connection that `was_used` before or not.
    ///
    /// # Errors
    ///
    /// Returns the request if the connection has ended. The returned future returns it as well if
    /// none of it was written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future ends the exchange: HTTP/1.1 closes the connection for that.
    pub(in crate::upstream) fn send(
        &self,
        host: &Host,
        mut request: Request<Upload>,
        was_used: bool,
    ) -> Result<Sending, Box<Request<Upload>>> {
        match self {
            Self::Http1(connection) => match &mut *connection.handle.requests() {
                Some(requests) => {
                    host.tell_http1(&mut request);
                    connection.watch.begin(was_used);
                    Ok(Box::pin(requests.try_send_request(request)))
                }
                None => Err(Box::new(request)),
            },
            Self::Http2(connection) => match &mut *connection.handle.requests() {
                Some(requests) => {
                    host.tell_http2(&mut request);
                    Ok(Box::pin(requests.try_send_request(request)))
                }
                None => Err(Box::new(request)),
            },
        }
    }
}

impl Http1 {
    pub(in crate::upstream) fn new(
        handle: Handle<http1::SendRequest<Upload>>,
        watch: Arc<Watch>,
    ) -> Self {
        Self {
            handle,
            clock: None,
            watch,
        }
    }

    /// Returns whether the connection has finished its last exchange.
    pub(in crate::upstream) fn is_ready(&self) -> bool {
        self.state() == State::Ready
    }

    pub(in crate::upstream) fn state(&self) -> State {
        match &*self.handle.requests() {
            Some(requests) if requests.is_ready() => State::Ready,
            Some(requests) if !requests.is_closed() => State::Busy,
            _ => State::Closed,
        }
    }

    /// Waits until the connection is ready, or has ended.
    pub(in crate::upstream) async fn becomes_ready(&self) -> bool {
        // The lock is not held while waiting.
        let ready = poll_fn(|cx| match &mut *self.handle.requests() {
            Some(requests) => requests.poll_ready(cx).map(|ready| ready.is_ok()),
            None => Poll::Ready(false),
        });
        ready.await
    }
}

impl Http2 {
    pub(in crate::upstream) fn new(
        handle: Handle<http2::SendRequest<Upload>>,
        watch: Arc<Watch>,
    ) -> Self {
        Self { handle, watch }
    }

    /// Returns whether the connection takes further requests.
    pub(in crate::upstream) fn is_open(&self) -> bool {
        let requests = self.handle.requests();
        requests.as_ref().is_some_and(http2::SendRequest::is_ready)
    }

    /// Returns the byte counter of the connection.
    pub(in crate::upstream) fn into_watch(self) -> Arc<Watch> {
        self.watch
    }
}

const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");
const TRAILERS: HeaderValue = HeaderValue::from_static("trailers");
