use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use tower::BoxError;

use super::wire::cause;
use super::wire::content;
use super::wire::error_body::{ErrorBody, FieldError};
use super::wire::limits::{OtpDelivery, RateLimit, is_exhausted, retry_after};
use super::wire::redirect::RedirectTarget;
use super::wire::scope_headers::missing_scopes;
use crate::check::CheckErrorKind;
use crate::scope::Scopes;

/// A call to GHES that brought no result.
///
/// Either there was no complete reply, or the reply is an error of GHES's, or it does not have
/// the documented form. `Display`, `Debug` and `source` never contain anything of a reply's body,
/// because GHES may quote a token in it.
pub struct ApiError(Box<Inner>);

struct Inner {
    kind: ApiErrorKind,
    retry_after: Option<Duration>,
    is_limited: bool,
    documentation_url: Option<String>,
    errors: Vec<FieldError>,
    rate_limit: Option<RateLimit>,
    otp_required: Option<OtpDelivery>,
    missing_scopes: Option<Scopes>,
    source: Option<BoxError>,
}

pub(super) enum ApiErrorKind {
    /// What was asked for cannot be made into a request; nothing was sent.
    Request,
    /// GHES answered with an error status; the message if the body is one of GHES's errors.
    Status(StatusCode, Option<String>),
    /// What was answered is not in GHES's documentation.
    Reply(StatusCode, CheckErrorKind),
    /// There was no reply, or it broke off.
    Transport(CheckErrorKind),
}

impl ApiError {
    pub(super) fn request(source: impl Into<BoxError>) -> Self {
        Self::new(ApiErrorKind::Request, Some(source.into()))
    }

    /// Before the head of a reply was complete.
    pub(super) fn no_head(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        let kind = cause::of_no_head(&*source);
        Self::new(ApiErrorKind::Transport(kind), Some(source))
    }

    /// After the head of a reply.
    pub(super) fn broken_body(status: StatusCode, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        let kind = match cause::of_broken_body(&*source) {
            kind @ (CheckErrorKind::TooLarge | CheckErrorKind::UnexpectedResponse) => {
                ApiErrorKind::Reply(status, kind)
            }
            kind => ApiErrorKind::Transport(kind),
        };
        Self::new(kind, Some(source))
    }

    pub(super) fn timeout(source: impl Into<BoxError>) -> Self {
        let kind = ApiErrorKind::Transport(CheckErrorKind::Timeout);
        Self::new(kind, Some(source.into()))
    }

    /// A reply that GHES may have written, but that is not as documented.
    pub(super) fn unexpected<B>(reply: &Response<B>, source: impl Into<BoxError>) -> Self {
        let kind = ApiErrorKind::Reply(reply.status(), CheckErrorKind::UnexpectedResponse);
        Self::new(kind, Some(source.into()))
    }

    /// A reply of which it is in doubt whether GHES wrote it.
    pub(super) fn doubtful<B>(reply: &Response<B>, source: impl Into<BoxError>) -> Self {
        let kind = ApiErrorKind::Reply(reply.status(), CheckErrorKind::DoubtfulResponse);
        Self::new(kind, Some(source.into()))
    }

    pub(super) fn status(response: &Response<Bytes>) -> Self {
        let (status, headers) = (response.status(), response.headers());
        let body = content::is_plain(response).then(|| ErrorBody::parse(response.body()));
        let (message, documentation_url, errors) = match body.flatten() {
            Some(body) => (Some(body.message), body.documentation_url, body.errors),
            None => (None, None, Vec::new()),
        };
        let target = status.is_redirection().then(|| RedirectTarget::of(headers));
        Self(Box::new(Inner {
            kind: ApiErrorKind::Status(status, message),
            retry_after: retry_after(headers),
            is_limited: is_exhausted(headers),
            documentation_url,
            errors,
            rate_limit: RateLimit::of(headers),
            otp_required: OtpDelivery::required_by(headers),
            missing_scopes: missing_scopes(headers),
            source: target.map(BoxError::from),
        }))
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
            ApiErrorKind::Status(status, _) | ApiErrorKind::Reply(status, _) => Some(status),
            ApiErrorKind::Request | ApiErrorKind::Transport(_) => None,
        }
    }

    /// Returns GitHub's `message`, if the reply is one of GitHub's errors.
    ///
    /// It may quote what was sent, the token included: show it to the caller only, and keep it out
    /// of logs.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match &self.0.kind {
            ApiErrorKind::Status(_, message) => message.as_deref(),
            ApiErrorKind::Request | ApiErrorKind::Reply(..) | ApiErrorKind::Transport(_) => None,
        }
    }

    /// Returns the page that GitHub refers to.
    #[must_use]
    pub fn documentation_url(&self) -> Option<&str> {
        self.0.documentation_url.as_deref()
    }

    /// Returns GitHub's reasons for refusing what was sent; empty if it gives none.
    ///
    /// Where GitHub writes a string instead of a list, that is the message of the only one.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// Returns the rate limit that the call counted against, if GHES refused it and has one.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&RateLimit> {
        self.0.rate_limit.as_ref()
    }

    /// Tells whether GHES wants a one-time password, and where the user finds it.
    ///
    /// See [`with_otp`](super::AuthorizationsClient::with_otp).
    #[must_use]
    pub fn otp_required(&self) -> Option<OtpDelivery> {
        self.0.otp_required
    }

    /// Returns the scopes one of which the token would have needed, if GHES says so.
    #[must_use]
    pub fn missing_scopes(&self) -> Option<&Scopes> {
        self.0.missing_scopes.as_ref()
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
            documentation_url: None,
            errors: Vec::new(),
            rate_limit: None,
            otp_required: None,
            missing_scopes: None,
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
            ApiErrorKind::Reply(status, _) => {
                write!(f, "{status} without the documented body")
            }
            ApiErrorKind::Request => f.write_str("the request cannot be made"),
            ApiErrorKind::Transport(CheckErrorKind::Timeout) => {
                f.write_str("no complete reply in time")
            }
            ApiErrorKind::Transport(_) => f.write_str("no complete reply"),
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
