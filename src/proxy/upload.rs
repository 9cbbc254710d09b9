use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project::pin_project;
use tokio::sync::oneshot;
use tower::BoxError;

use super::server::{BodyTimeout, BodyWatch};

use super::body::poll_filtered;
use super::trailers;

/// The body of a request on its way to an upstream, without trailers, which tells when it is all
/// sent.
#[pin_project]
pub(super) struct Upload {
    #[pin]
    body: Incoming,
    watch: BodyWatch,
    /// Dropped with the body, which hyper does as soon as it is sent or nobody wants it any more.
    _under_way: oneshot::Sender<()>,
}

/// Completes when the body is gone.
pub(super) struct Sent(oneshot::Receiver<()>);

impl Upload {
    pub(super) fn of(mut request: Request<Incoming>) -> (Request<Self>, Sent) {
        let timeout = request.extensions_mut().remove::<BodyTimeout>();
        let (sender, receiver) = oneshot::channel();
        let request = request.map(|body| Self {
            body,
            watch: BodyWatch::new(timeout),
            _under_way: sender,
        });
        (request, Sent(receiver))
    }
}

impl Sent {
    pub(super) async fn wait(self) {
        // Nothing is ever sent; what counts is that the sender is dropped.
        let _ = self.0.await;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let polled = poll_filtered(this.body, cx, trailers::of_request);
        this.watch.watch(polled, cx).map(|watched| match watched {
            Ok(frame) => frame.map(|frame| frame.map_err(BoxError::from)),
            Err(stalled) => Some(Err(stalled.into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
