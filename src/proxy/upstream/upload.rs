use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

/// The body of a request on its way to an upstream, which tells when it is all sent.
///
/// Trailers end here: what is said after the body could not be looked at before it was let in
/// (RFC 9110 §6.5.1).
pub(in crate::proxy) struct Upload {
    /// None where the request has no body.
    body: Option<Incoming>,
    /// Dropped with the body, which hyper does as soon as it is sent or nobody wants it any more.
    _under_way: Option<oneshot::Sender<()>>,
}

/// Completes when the body is gone.
#[derive(Debug)]
pub(super) struct Sent(Option<oneshot::Receiver<()>>);

impl Upload {
    pub(super) const EMPTY: Self = Self {
        body: None,
        _under_way: None,
    };

    pub(super) fn of(request: Request<Incoming>) -> (Request<Self>, Sent) {
        let (head, body) = request.into_parts();
        if body.is_end_stream() {
            return (Request::from_parts(head, Self::EMPTY), Sent(None));
        }
        let (sender, receiver) = oneshot::channel();
        let upload = Self {
            body: Some(body),
            _under_way: Some(sender),
        };
        (Request::from_parts(head, upload), Sent(Some(receiver)))
    }
}

impl Sent {
    pub(super) async fn wait(&mut self) {
        if let Some(receiver) = &mut self.0 {
            // Nothing is ever sent; what counts is that the sender is dropped.
            let _ = receiver.await;
            self.0 = None;
        }
    }

    pub(super) fn is_over(&mut self) -> bool {
        match &mut self.0 {
            Some(receiver) => receiver.try_recv() == Err(TryRecvError::Closed),
            None => true,
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match ready!(Pin::new(body).poll_frame(cx)) {
            Some(Ok(frame)) if frame.is_trailers() => Poll::Ready(None),
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
