//! Trailers, which pass only by an allow-list.
//!
//! RFC 9110 §6.5.1 lets a recipient merge trailers into the headers if their definition says so,
//! and many merge all of them. A client's trailer could then stand beside a field of ours, so none
//! passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use hyper::body::Incoming;

/// Drops a client's trailers. No known trailer means anything to an upstream.
pub(crate) fn of_request(frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
    frame.is_data().then_some(frame)
}

/// Drops an upstream's trailers except gRPC's status, which has no other place.
pub(crate) fn of_response(frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
    match frame.into_trailers() {
        Ok(mut trailers) => {
            keep_allowed(&mut trailers);
            (!trailers.is_empty()).then(|| Frame::trailers(trailers))
        }
        Err(frame) => Some(frame),
    }
}

fn keep_allowed(trailers: &mut HeaderMap) {
    crate::fold::remove_where(trailers, |name| !ALLOWED.contains(&name.as_str()));
}

/// From gRPC's protocol over HTTP/2.
const ALLOWED: [&str; 3] = ["grpc-message", "grpc-status", "grpc-status-details-bin"];

/// Polls again after a frame that was dropped whole.
pub(crate) fn poll_filtered(
    mut body: Pin<&mut Incoming>,
    cx: &mut Context<'_>,
    filter: fn(Frame<Bytes>) -> Option<Frame<Bytes>>,
) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    loop {
        let polled = ready!(http_body::Body::poll_frame(body.as_mut(), cx)?);
        match polled.map(filter) {
            Some(None) => {}
            Some(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
            None => return Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn trailers(names: &[&'static str]) -> Frame<Bytes> {
        let one = |name: &&'static str| (name.parse().unwrap(), HeaderValue::from_static("1"));
        Frame::trailers(names.iter().map(one).collect())
    }

    #[test]
    fn only_the_status_of_grpc_comes_back() {
        let names = [
            "x-forwarded-user",
            "grpc-status",
            "grpc-message",
            "set-cookie",
        ];
        let frame = of_response(trailers(&names)).unwrap();
        let kept = frame.into_trailers().unwrap();
        assert_eq!(kept.len(), 2);
        assert!(kept.contains_key("grpc-status") && kept.contains_key("grpc-message"));
        assert!(of_response(trailers(&["set-cookie"])).is_none());
    }

    #[test]
    fn no_trailer_goes_in_and_all_data_passes() {
        assert!(of_request(trailers(&["grpc-status"])).is_none());
        for pass in [of_request, of_response] {
            let frame = pass(Frame::data(Bytes::from_static(b"x"))).unwrap();
            assert_eq!(frame.into_data().unwrap(), "x");
        }
    }
}
