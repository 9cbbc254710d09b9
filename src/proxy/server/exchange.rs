//! One request and its response, from the head of the one to the last byte of the other.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project::pin_project;

use super::activity::{Activity, RequestUnderWay};
use super::body_timeout::BodyTimeout;

/// The service of a connection, which tells when its requests begin and end.
pub(super) struct Exchanges<S> {
    inner: S,
    activity: Arc<Activity>,
}

#[pin_project]
pub(super) struct Exchange<F> {
    #[pin]
    inner: F,
    version: Version,
    activity: Arc<Activity>,
    under_way: Option<RequestUnderWay>,
}

#[pin_project]
pub(super) struct ResponseBody<B> {
    #[pin]
    inner: B,
    _under_way: Option<RequestUnderWay>,
}

impl<S> Exchanges<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
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
        if !request.body().is_end_stream() {
            let timeout = BodyTimeout(self.activity.timeouts().body);
            request.extensions_mut().insert(timeout);
        }
        Exchange {
            version: request.version(),
            inner: self.inner.call(request),
            activity: Arc::clone(&self.activity),
            under_way,
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
        if *this.version < Version::HTTP_2 && this.activity.is_draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        let under_way = this.under_way.take();
        Poll::Ready(Ok(response.map(|inner| ResponseBody {
            inner,
            _under_way: under_way,
        })))
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
