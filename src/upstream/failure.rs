use std::error::Error;
use std::fmt;

use tower::BoxError;

use super::endpoint::turns::Busy;
use crate::hygiene::response::Malformed;
use crate::rejection::RejectionKind;

/// Why an upstream gave no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection could be made.
    Connect(BoxError),
    /// The connection was not accepted in time.
    ConnectTimeout,
    /// All exchanges are taken, and none ended in time.
    Busy,
    /// The connection broke, or the bytes on it were not a response.
    Broken(hyper::Error),
    /// The response must not be passed on.
    Malformed(&'static str),
    /// The response did not begin in time.
    ResponseTimeout,
}

/// The kinds of failures of upstreams, as their owners look for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FailureReason {
    /// It cannot be reached.
    Connect,
    /// It does not answer in time.
    Timeout,
    /// It has as many requests as it may get.
    Busy,
    /// What it sends is no response, or breaks off.
    Response,
}

impl FailureReason {
    pub(crate) const ALL: [Self; 4] = [Self::Connect, Self::Timeout, Self::Busy, Self::Response];

    /// Returns the reason as one lower-case word, for metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Busy => "busy",
            Self::Response => "response",
        }
    }
}

impl Failure {
    pub(super) fn reason(&self) -> FailureReason {
        match self {
            Self::Connect(_) | Self::ConnectTimeout => FailureReason::Connect,
            Self::ResponseTimeout => FailureReason::Timeout,
            Self::Busy => FailureReason::Busy,
            Self::Broken(_) | Self::Malformed(_) => FailureReason::Response,
        }
    }

    pub(super) fn connect(source: impl Into<BoxError>) -> Self {
        Self::Connect(source.into())
    }

    /// Returns whether the request's body broke off or was malformed, which is not the upstream's
    /// fault. The request was not finished then, and its connection is not used again.
    pub(super) fn is_of_the_client(&self) -> bool {
        matches!(self, Self::Broken(error) if error.is_user())
    }

    pub(super) fn kind(&self) -> RejectionKind {
        match self {
            Self::Connect(_) | Self::Broken(_) | Self::Malformed(_) => RejectionKind::BadGateway,
            Self::ConnectTimeout | Self::ResponseTimeout => RejectionKind::GatewayTimeout,
            Self::Busy => RejectionKind::UpstreamBusy,
        }
    }
}

impl From<Malformed> for Failure {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<Busy> for Failure {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(_) => "no connection",
            Self::ConnectTimeout => "no connection in time",
            Self::Busy => "as many requests as server.limits.upstream_connections are under way",
            Self::Broken(_) => "the exchange broke off",
            Self::Malformed(what) => what,
            Self::ResponseTimeout => "no response in time",
        })
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connect(source) => Some(&**source),
            Self::Broken(source) => Some(source),
            Self::Busy | Self::ConnectTimeout | Self::Malformed(_) | Self::ResponseTimeout => None,
        }
    }
}
