use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::endpoint::Lease;
use super::upload::Sent;
use crate::hygiene::trailers::{self, poll_filtered};
use crate::server::CountedRequest;

/// The body of an upstream's response, with the connection that carries it.
///
/// The connection is given back if the response was read and the request was sent to the end.
/// Otherwise it is closed with the body: its remaining bytes belong to no exchange.
pub struct Download {
    incoming: Incoming,
    has_ended: bool,
    lease: Option<Lease>,
    sent: Sent,
    /// The request's place in its client's count, until the whole response is gone.
    counted: Option<CountedRequest>,
}

impl Download {
    pub(super) fn new(incoming: Incoming, lease: Lease, sent: Sent) -> Self {
        Self {
            has_ended: incoming.is_end_stream(),
            incoming,
            lease: Some(lease),
            sent,
            counted: None,
        }
    }

    pub(crate) fn hold(&mut self, counted: Option<CountedRequest>) {
        self.counted = counted;
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take()
            && self.has_ended
            && self.sent.is_over()
        {
            lease.give_back();
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let incoming = Pin::new(&mut self.incoming);
        let frame = ready!(poll_filtered(incoming, cx, trailers::of_response));
        if let Some(lease) = &self.lease {
            lease.progressed();
        }
        self.has_ended = match &frame {
            None => true,
            Some(Ok(_)) => self.incoming.is_end_stream(),
            Some(Err(_)) => false,
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
