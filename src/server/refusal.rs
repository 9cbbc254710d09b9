//! Requests that never reach a service: those that hyper and h2 refuse by themselves, and those
//! that are kept from them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use super::peer::Peer;
use crate::rejection::{Realm, Rejection, RejectionKind, with_problem_json};

/// Why a request could not be read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Unreadable {
    /// A line of the head ends with LF alone.
    BareLineFeed,
    /// The head has too many fields, or too many bytes.
    HeadTooLarge,
    /// It was sent without TLS to a listener that speaks TLS.
    HttpToTls,
    /// It has a `Content-Length` beside a `Transfer-Encoding`.
    LengthAndCoding,
    /// It is not HTTP, or has what HTTP forbids.
    Malformed,
    /// The target is longer than `http` can hold.
    TargetTooLong,
}

/// Counts and logs unreadable requests, and makes their responses. A handle.
#[derive(Clone)]
pub(crate) struct UnreadableHandler(Arc<HandleUnreadable>);

type HandleUnreadable = dyn Fn(Peer, Unreadable) -> Response<Bytes> + Send + Sync;

impl UnreadableHandler {
    pub(crate) fn new(
        refuse: impl Fn(Peer, Unreadable) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(refuse))
    }

    /// Records a request, and returns the response for its client where one can be sent.
    pub(super) fn refuse(&self, peer: Peer, unreadable: Unreadable) -> Response<Bytes> {
        (self.0)(peer, unreadable)
    }
}

impl Default for UnreadableHandler {
    fn default() -> Self {
        Self::new(|peer, unreadable| {
            tracing::debug!(%peer, "a request cannot be read: {unreadable}");
            let rejection = Rejection::new(unreadable.kind());
            with_problem_json(rejection.into_response(&Realm::default()))
        })
    }
}

impl Unreadable {
    pub(crate) fn kind(self) -> RejectionKind {
        match self {
            Self::BareLineFeed | Self::HttpToTls | Self::LengthAndCoding | Self::Malformed => {
                RejectionKind::InvalidRequest
            }
            Self::HeadTooLarge => RejectionKind::HeaderFieldsTooLarge,
            Self::TargetTooLong => RejectionKind::UriTooLong,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BareLineFeed => "a line of its head ends with LF alone",
            Self::HeadTooLarge => "its head is too large",
            Self::HttpToTls => "it is plain HTTP, where TLS is spoken",
            Self::LengthAndCoding => "its length is told in two ways",
            Self::Malformed => "it is malformed",
            Self::TargetTooLong => "its target is too long",
        })
    }
}

impl fmt::Debug for UnreadableHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnreadableHandler(..)")
    }
}
