//! Why a request is turned away, and what its client is told.
//!
//! | kind | status | challenge |
//! |---|---|---|
//! | [`MissingToken`](RejectionKind::MissingToken) | 401 | `Bearer realm="…"` |
//! | [`InvalidRequest`](RejectionKind::InvalidRequest) | 400 | … `error="invalid_request"` |
//! | [`InvalidToken`](RejectionKind::InvalidToken) | 401 | … `error="invalid_token"` |
//! | [`InsufficientScope`](RejectionKind::InsufficientScope) | 403 | … `error="insufficient_scope", scope="…"` |
//! | [`InvalidClient`](RejectionKind::InvalidClient) | 401 | those of the caller's own scheme |
//! | [`UriTooLong`](RejectionKind::UriTooLong) | 414 | none |
//! | [`ExpectationFailed`](RejectionKind::ExpectationFailed) | 417 | none |
//! | [`HeaderFieldsTooLarge`](RejectionKind::HeaderFieldsTooLarge) | 431 | none |
//! | [`Forbidden`](RejectionKind::Forbidden) | 403 | none |
//! | [`TooManyRequests`](RejectionKind::TooManyRequests) | 429, `Retry-After` | none |
//! | [`TooManyAtOnce`](RejectionKind::TooManyAtOnce) | 429, `Retry-After` | none |
//! | [`UpstreamBusy`](RejectionKind::UpstreamBusy) | 503, `Retry-After` | none |
//! | [`Unavailable`](RejectionKind::Unavailable) | 503, `Retry-After` | none |
//!
//! The challenges are those of RFC 6750 §3, with `resource_metadata="…"` (RFC 9728 §5.1) where the
//! [`Realm`] has one. Beside each stands `Basic realm="…", charset="UTF-8"` (RFC 7617) where the
//! [options](crate::bearer::BearerOptions::with_basic) take a password. An issuer that cannot be
//! asked is no error of the token: such a reply carries no challenge, so that clients keep their
//! tokens.
//!
//! Where a kind covers several mistakes, a [`RejectionDetail`] says which it was: to the client as
//! the problem's `detail`, and to the log as one word.

mod body;
mod detail;
pub(crate) mod grpc;
mod kind;
mod problem;
mod realm;
#[cfg(test)]
mod tests;
mod untold;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response};

use crate::bearer::BearerError;
use crate::check::{CheckError, InactiveReason};
use crate::policy::Denial;
use crate::scope::Scopes;

pub(crate) use self::body::Bodies;
pub use self::detail::RejectionDetail;
pub use self::kind::RejectionKind;
pub use self::realm::{InvalidRealm, Realm};
pub(crate) use self::untold::Denied;

use self::untold::Untold;

/// A decision against a request.
///
/// The gate leaves it in the extensions of the response, so that outer layers can count, log and
/// render from one value. `Display` is the text for the client; it holds nothing secret and
/// nothing of the issuer's reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    kind: RejectionKind,
    detail: Option<RejectionDetail>,
    required: Option<Scopes>,
    retry_after: Option<Duration>,
    untold: Untold,
}

impl Rejection {
    /// Turns a request away for the reason that `kind` names, and nothing more: the scopes that are
    /// missing and the time to wait come with the conversions from what knows them. Who is turned
    /// away because too much is under way is told to wait in any case.
    #[must_use]
    pub fn new(kind: RejectionKind) -> Self {
        Self {
            kind,
            detail: None,
            required: None,
            retry_after: kind.retry_after(),
            untold: Untold::default(),
        }
    }

    /// Notes for the log whom it is about.
    pub(crate) fn of(self, denied: Denied) -> Self {
        let untold = denied.into();
        Self { untold, ..self }
    }

    /// Returns whom it is about, if that is known.
    #[cfg_attr(not(feature = "proxy"), expect(dead_code, reason = "nobody else logs"))]
    pub(crate) fn denied(&self) -> Option<&Denied> {
        self.untold.get()
    }

    /// Turns a request away that may come again after a while.
    pub(crate) fn for_now(kind: RejectionKind, wait: Duration) -> Self {
        // Whole seconds, and up: who comes a moment too early is only turned away again.
        let started = u64::from(wait.subsec_nanos() > 0);
        let seconds = wait.as_secs().saturating_add(started);
        let wait = Duration::from_secs(seconds.max(1)).min(MAX_RETRY_AFTER);
        Self {
            retry_after: Some(wait),
            ..Self::new(kind)
        }
    }

    /// Returns the reason as a closed list.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// Returns what exactly was wrong, where the kind covers several mistakes.
    #[must_use]
    pub fn detail(&self) -> Option<RejectionDetail> {
        self.detail
    }

    /// What the client is told.
    fn text(&self) -> &'static str {
        match self.detail {
            Some(detail) => detail.row().text,
            None => self.kind.row().detail,
        }
    }

    /// Makes the response for the client; `realm` names the protected space (RFC 9110 §11.5).
    ///
    /// The body is left at its default: see [`Rejection::to_problem_json`].
    pub fn into_response<B: Default>(self, realm: &Realm) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.kind.row().status;
        let headers = response.headers_mut();
        // RFC 6750 §5.3: nothing about a credential may be kept by a shared cache.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge(realm) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(retry_after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
        }
        response.extensions_mut().insert(self);
        response
    }

    /// Makes the response for a client that sent a request with these `headers`: a problem in JSON,
    /// or the status of gRPC where it called by gRPC.
    pub(crate) fn answer<B: Default + 'static>(
        self,
        realm: &Realm,
        headers: &HeaderMap,
        bodies: &Bodies,
    ) -> Response<B> {
        let problem = bodies.are_wanted().then(|| self.to_problem_json());
        let mut response = self.into_response(realm);
        if grpc::is_call(headers) {
            return grpc::with_status(response);
        }
        if let Some(body) = problem.and_then(|problem| bodies.make(problem)) {
            *response.body_mut() = body;
            response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        }
        response
    }

    /// Renders the rejection as a problem details object (RFC 9457).
    #[must_use]
    pub fn to_problem_json(&self) -> Bytes {
        problem::of(self)
    }

    fn challenge(&self, realm: &Realm) -> Option<HeaderValue> {
        let error = self.kind.row().challenge?;
        Some(realm.challenge(error, self.required.as_ref()))
    }
}

/// Renders the rejections that reach it as `application/problem+json`.
///
/// Leaves every other response as it is, and those to a call of gRPC. The gate does so by itself
/// where it can make the body: see [`with_problem_json`](crate::GatekeeperLayer::with_problem_json).
#[must_use]
pub fn with_problem_json<B: From<Bytes>>(mut response: Response<B>) -> Response<B> {
    let Some(rejection) = response.extensions().get::<Rejection>() else {
        return response;
    };
    if response.headers().contains_key(grpc::STATUS) {
        return response;
    }
    *response.body_mut() = rejection.to_problem_json().into();
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    response
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Rejection {}

impl From<RejectionKind> for Rejection {
    fn from(kind: RejectionKind) -> Self {
        Self::new(kind)
    }
}

impl From<RejectionDetail> for Rejection {
    fn from(detail: RejectionDetail) -> Self {
        Self {
            detail: Some(detail),
            ..Self::new(detail.kind())
        }
    }
}

impl From<BearerError> for Rejection {
    fn from(error: BearerError) -> Self {
        let detail = Option::<RejectionDetail>::from(error);
        detail.map_or_else(|| Self::new(RejectionKind::MissingToken), Self::from)
    }
}

impl From<InactiveReason> for Rejection {
    /// Every reason is one to the client: it needs another token.
    fn from(reason: InactiveReason) -> Self {
        let detail = Option::<RejectionDetail>::from(reason);
        detail.map_or_else(|| Self::new(RejectionKind::InvalidToken), Self::from)
    }
}

impl From<Denial> for Rejection {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Forbidden => Self::new(RejectionKind::Forbidden),
            Denial::InsufficientScope(required) => Self {
                required: Some(required),
                ..Self::new(RejectionKind::InsufficientScope)
            },
        }
    }
}

impl From<&CheckError> for Rejection {
    fn from(error: &CheckError) -> Self {
        let asked = error.retry_after().unwrap_or(DEFAULT_RETRY_AFTER);
        Self::for_now(RejectionKind::Unavailable, asked)
    }
}

/// About as long as GHES takes to restart a front-end process; clients that retry faster only
/// add to an outage.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Longer waits, as GitHub's hourly limits can ask for, make clients give up for good.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
