use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tower::BoxError;

use crate::hygiene::trailers::{self, poll_filtered};
use crate::server::{BodyTimeout, BodyWatch};

/// The body of a request on its way to an upstream, without trailers. It reports when all of it is
/// sent.
pub(crate) struct Upload {
    /// None where the request has no body.
    body: Option<Box<(Incoming, BodyWatch)>>,
    /// hyper takes some resets of a stream for its end.
    says_its_end: bool,
    /// Dropped with the body, which hyper drops as soon as it is sent or no longer needed.
    _under_way: Option<oneshot::Sender<()>>,
    /// The host for the upstream; none if it is the upstream's own. It is kept here because each
    /// connection writes it in its own way, and a request may be sent over two.
    host: Option<HeaderValue>,
}

/// Completes when the body is gone.
#[derive(Debug)]
pub(super) struct Sent(Option<oneshot::Receiver<()>>);

impl Upload {
    pub(super) const EMPTY: Self = Self {
        body: None,
        says_its_end: false,
        _under_way: None,
        host: None,
    };

    /// For a request without a body.
    pub(super) fn empty(host: Option<HeaderValue>) -> Self {
        Self {
            host,
            ..Self::EMPTY
        }
    }

    pub(super) fn host(&self) -> Option<&HeaderValue> {
        self.host.as_ref()
    }

    /// Takes the body, and the host of the request.
    pub(super) fn of(mut request: Request<Incoming>) -> (Request<Self>, Sent) {
        let timeout = request.extensions_mut().remove::<BodyTimeout>();
        let host = request.headers_mut().remove(HOST);
        let (head, body) = request.into_parts();
        if body.is_end_stream() {
            let upload = Self::empty(host);
            return (Request::from_parts(head, upload), Sent::NOTHING);
        }
        let (sender, receiver) = oneshot::channel();
        let upload = Self {
            body: Some(Box::new((body, BodyWatch::new(timeout)))),
            says_its_end: head.version == Version::HTTP_2,
            _under_way: Some(sender),
            host,
        };
        (Request::from_parts(head, upload), Sent(Some(receiver)))
    }
}

impl Sent {
    /// The state of a request without a body.
    pub(super) const NOTHING: Self = Self(None);

    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(receiver) = &mut self.0 {
            // Nothing is ever sent; what counts is that the sender is dropped.
            let _ = ready!(Pin::new(receiver).poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
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
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let says_its_end = self.says_its_end;
        let Some((body, watch)) = self.body.as_deref_mut() else {
            return Poll::Ready(None);
        };
        let polled = poll_filtered(Pin::new(body), cx, trailers::of_request);
        watch.watch(polled, cx).map(|watched| match watched {
            Ok(None) if says_its_end && !body.is_end_stream() => {
                Some(Err("the stream was reset".into()))
            }
            Ok(frame) => frame.map(|frame| frame.map_err(BoxError::from)),
            Err(stalled) => Some(Err(stalled.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        let body = self.body.as_deref();
        body.is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_deref();
        body.map_or_else(|| SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
