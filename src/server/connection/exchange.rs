//! One request and its response, from the first byte of the head to the last byte of the body.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project::pin_project;

use super::activity::{Activity, Framing, RequestUnderWay};
use super::body_timeout::BodyTimeout;
use super::flow::{Flow, Streams};

/// The service of a connection, which records when its requests begin and end.
pub(in crate::server) struct Exchanges<S> {
    inner: S,
    activity: Arc<Activity>,
    /// The streams of HTTP/2.
    streams: Option<Streams>,
}

/// hyper keeps room for one in each idle connection.
#[pin_project]
pub(in crate::server) struct Exchange<F> {
    #[pin]
    inner: F,
    version: Version,
    is_connect: bool,
    under_way: Option<RequestUnderWay>,
    flow: Option<Arc<Flow>>,
}

#[pin_project]
pub(in crate::server) struct ResponseBody<B> {
    #[pin]
    inner: B,
    flow: Option<Arc<Flow>>,
    _under_way: Option<RequestUnderWay>,
}

/// Keeps the connection busy for as long as the tunnel of a CONNECT lives, which outlasts its
/// response.
#[derive(Clone, Debug)]
pub(crate) struct TunnelUnderWay(#[expect(dead_code, reason = "held")] Arc<RequestUnderWay>);

impl<S> Exchanges<S> {
    pub(in crate::server) fn new(
        inner: S,
        activity: Arc<Activity>,
        streams: Option<Streams>,
    ) -> Self {
        Self {
            inner,
            activity,
            streams,
        }
    }
}

impl<S, B> Service<Request<Incoming>> for Exchanges<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = Exchange<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let under_way = Some(self.activity.begin_request());
        if self.streams.is_none() {
            let length = request.body().size_hint().exact();
            let framing = length.map_or(Framing::Chunked, Framing::Length);
            self.activity.parsed(framing);
        }
        if !request.body().is_end_stream() {
            self.activity.begin_body();
            let timeout = BodyTimeout::new(self.activity.timeouts());
            request.extensions_mut().insert(timeout);
        }
        if request.method() == Method::CONNECT {
            let tunnel = TunnelUnderWay(Arc::new(self.activity.begin_request()));
            request.extensions_mut().insert(tunnel);
        }
        Exchange {
            version: request.version(),
            is_connect: request.method() == Method::CONNECT,
            inner: self.inner.call(request),
            under_way,
            flow: self.streams.as_ref().map(Streams::begin),
        }
    }
}

impl<F, B, E> Future for Exchange<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        let is_draining = this.under_way.as_ref().is_some_and(|it| it.is_draining());
        if *this.version < Version::HTTP_2 && is_draining {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        if let Some(under_way) = this.under_way.as_ref()
            && *this.version < Version::HTTP_2
            && is_tunnel(response.status(), *this.is_connect)
        {
            under_way.begin_tunnel();
        }
        let (under_way, flow) = (this.under_way.take(), this.flow.take());
        Poll::Ready(Ok(response.map(|inner| ResponseBody {
            inner,
            flow,
            _under_way: under_way,
        })))
    }
}

/// RFC 9110 §15.2.2, §9.3.6.
fn is_tunnel(status: StatusCode, is_connect: bool) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || (is_connect && status.is_success())
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(cx);
        if let Some(flow) = this.flow {
            match polled {
                Poll::Ready(Some(_)) => flow.has_piece(),
                Poll::Ready(None) | Poll::Pending => flow.has_nothing(),
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
