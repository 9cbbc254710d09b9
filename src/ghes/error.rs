use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Response, StatusCode, response};
use serde::Deserialize;
use tower::BoxError;

/// A call to GHES that brought no result.
///
/// Either there was no complete reply, or the reply is an error of GHES's, or it does not have
/// the documented form. `Display` and `source` never contain anything of a reply's body, because
/// GHES may quote a token in it.
pub struct ApiError(Box<Inner>);

struct Inner {
    kind: ApiErrorKind,
    retry_after: Option<Duration>,
    is_limited: bool,
    source: Option<BoxError>,
}

pub(super) enum ApiErrorKind {
    /// GHES answered with an error status; the message if the body is one of GHES's errors.
    Status(StatusCode, Option<String>),
    /// GHES answered something that is not in its documentation.
    Reply(StatusCode),
    /// There was no complete reply in time.
    Timeout,
    /// There was no reply, or it broke off.
    Transport,
}

impl ApiError {
    pub(super) fn transport(source: impl Into<BoxError>) -> Self {
        Self::new(ApiErrorKind::Transport, Some(source.into()))
    }

    pub(super) fn timeout(source: impl Into<BoxError>) -> Self {
        Self::new(ApiErrorKind::Timeout, Some(source.into()))
    }

    pub(super) fn reply(head: &response::Parts, source: impl Into<BoxError>) -> Self {
        Self::new(ApiErrorKind::Reply(head.status), Some(source.into()))
    }

    pub(super) fn status(response: &Response<Bytes>) -> Self {
        let message = serde_json::from_slice(response.body())
            .ok()
            .map(|BasicError { message }| message);
        let mut error = Self::new(ApiErrorKind::Status(response.status(), message), None);
        error.0.retry_after = retry_after(response.headers());
        error.0.is_limited = is_exhausted(response.headers());
        error
    }

    pub(super) fn kind(&self) -> &ApiErrorKind {
        &self.0.kind
    }

    /// Tells whether the rate-limit headers say that nothing is left.
    pub(super) fn is_limited(&self) -> bool {
        self.0.is_limited || self.0.retry_after.is_some()
    }

    /// Returns the status of the reply; none if there was no complete reply.
    #[must_use]
    pub fn status_code(&self) -> Option<StatusCode> {
        match self.0.kind {
            ApiErrorKind::Status(status, _) | ApiErrorKind::Reply(status) => Some(status),
            ApiErrorKind::Timeout | ApiErrorKind::Transport => None,
        }
    }

    /// Returns GitHub's `message`, if the reply is one of GitHub's errors.
    ///
    /// It may quote what was sent, the token included: show it to whoever made the call, and
    /// keep it out of logs.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.0.kind {
            ApiErrorKind::Status(_, message) => message.as_deref(),
            ApiErrorKind::Reply(_) | ApiErrorKind::Timeout | ApiErrorKind::Transport => None,
        }
    }

    /// Returns how long GHES asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    fn new(kind: ApiErrorKind, source: Option<BoxError>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry_after: None,
            is_limited: false,
            source,
        }))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            ApiErrorKind::Status(status, Some(_)) => write!(f, "GHES answered {status}"),
            ApiErrorKind::Status(status, None) => {
                write!(
                    f,
                    "{status} without an error of GHES's; is it GHES that answers there?"
                )
            }
            ApiErrorKind::Reply(status) => {
                write!(f, "{status} without the documented body")
            }
            ApiErrorKind::Timeout => f.write_str("no complete reply in time"),
            ApiErrorKind::Transport => f.write_str("no complete reply"),
        }
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_ref()?;
        Some(&**source)
    }
}

impl fmt::Debug for ApiError {
    /// Shows no message: it may quote a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status_code())
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

/// GitHub's `basic-error`: `message` is what every error of GHES's has in common.
#[derive(Deserialize)]
struct BasicError {
    message: String,
}

/// The wait that a reply asks for. GitHub sends seconds, and in rate limits the [time of the
/// reset] as well.
///
/// [time of the reset]: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/rate-limits-for-the-rest-api
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    if !is_exhausted(headers) {
        return None;
    }
    let reset = UNIX_EPOCH + Duration::from_secs(number(headers, "x-ratelimit-reset")?);
    Some(reset.duration_since(SystemTime::now()).unwrap_or_default())
}

fn is_exhausted(headers: &HeaderMap) -> bool {
    number(headers, "x-ratelimit-remaining") == Some(0)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    let number = headers.get(name)?.to_str().ok()?.parse::<u32>();
    number.ok().map(u64::from)
}
