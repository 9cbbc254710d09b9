//! Why a request is turned away, and what its client is told.
//!
//! | kind | status | challenge |
//! |---|---|---|
//! | [`MissingToken`](RejectionKind::MissingToken) | 401 | `Bearer realm="…"` |
//! | [`InvalidRequest`](RejectionKind::InvalidRequest) | 400 | … `error="invalid_request"` |
//! | [`InvalidToken`](RejectionKind::InvalidToken) | 401 | … `error="invalid_token"` |
//! | [`InsufficientScope`](RejectionKind::InsufficientScope) | 403 | … `error="insufficient_scope", scope="…"` |
//! | [`Forbidden`](RejectionKind::Forbidden) | 403 | none |
//! | [`Unavailable`](RejectionKind::Unavailable) | 503, `Retry-After` | none |
//!
//! The challenges are those of RFC 6750 §3. An issuer that cannot be asked is no error of the
//! token: such a reply carries no challenge, so that clients keep their tokens.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::bearer::BearerError;
use crate::check::{CheckError, InactiveReason};
use crate::policy::Denial;
use crate::scope::Scopes;

/// A decision against a request.
///
/// The gate leaves it in the extensions of the response, so that outer layers can count, log and
/// render from one value. `Display` is the text for the client; it holds nothing secret and
/// nothing of the issuer's reply.
#[derive(Clone, Debug)]
pub struct Rejection {
    kind: RejectionKind,
    required: Option<Scopes>,
    retry_after: Option<Duration>,
}

impl Rejection {
    /// Turns a request away for the reason that `kind` names.
    #[must_use]
    pub fn new(kind: RejectionKind) -> Self {
        Self {
            kind,
            required: None,
            retry_after: None,
        }
    }

    /// Returns the reason as a closed list.
    #[must_use]
    pub fn kind(&self) -> RejectionKind {
        self.kind
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

    /// Renders the rejection as a problem details object (RFC 9457).
    #[must_use]
    pub fn to_problem_json(&self) -> Bytes {
        let row = self.kind.row();
        let problem = ProblemDetails {
            r#type: format!("urn:ghes-gatekeeper:problem:{}", row.reason),
            title: row.title,
            status: row.status.as_u16(),
            detail: row.detail,
            reason: row.reason,
        };
        // Strings and a number always serialise; a body is not worth a panic.
        serde_json::to_vec(&problem).unwrap_or_default().into()
    }

    fn challenge(&self, Realm(realm): &Realm) -> Option<HeaderValue> {
        let error = self.kind.row().challenge?;
        let mut challenge = format!("Bearer realm=\"{realm}\"");
        if !error.is_empty() {
            challenge.push_str(&format!(", error=\"{error}\""));
        }
        if let Some(required) = &self.required {
            challenge.push_str(&format!(", scope=\"{}\"", required.join(" ")));
        }
        HeaderValue::try_from(challenge).ok()
    }
}

/// Renders the rejections that reach it as `application/problem+json`.
///
/// Leaves every other response as it is.
#[must_use]
pub fn with_problem_json<B: From<Bytes>>(mut response: Response<B>) -> Response<B> {
    let Some(rejection) = response.extensions().get::<Rejection>() else {
        return response;
    };
    *response.body_mut() = rejection.to_problem_json().into();
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.row().detail)
    }
}

impl std::error::Error for Rejection {}

impl From<BearerError> for Rejection {
    fn from(error: BearerError) -> Self {
        Self::new(match error {
            BearerError::Missing => RejectionKind::MissingToken,
            BearerError::Malformed | BearerError::TooLong | BearerError::Multiple => {
                RejectionKind::InvalidRequest
            }
        })
    }
}

impl From<InactiveReason> for Rejection {
    /// Every reason is one to the client: it needs another token.
    fn from(_: InactiveReason) -> Self {
        Self::new(RejectionKind::InvalidToken)
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
        Self {
            retry_after: Some(asked.clamp(Duration::from_secs(1), MAX_RETRY_AFTER)),
            ..Self::new(RejectionKind::Unavailable)
        }
    }
}

/// What kind of rejection it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The upstream refused the connection, or broke it.
    BadGateway,
    /// A policy turned this person away.
    Forbidden,
    /// The upstream was too slow.
    GatewayTimeout,
    /// The token lacks a scope.
    InsufficientScope,
    /// The request or its credential is malformed, or there are two credentials.
    InvalidRequest,
    /// The issuer says that the token is no good.
    InvalidToken,
    /// The request carries no bearer token.
    MissingToken,
    /// No route is configured for the request.
    NoRoute,
    /// The method is never forwarded.
    NotImplemented,
    /// The issuer could not be asked.
    Unavailable,
}

/// What a client is told for one kind of rejection.
struct Row {
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    detail: &'static str,
    /// The error code of the challenge, empty for a challenge without one.
    challenge: Option<&'static str>,
}

impl RejectionKind {
    /// Every kind there is.
    pub const ALL: [Self; 10] = [
        Self::BadGateway,
        Self::Forbidden,
        Self::GatewayTimeout,
        Self::InsufficientScope,
        Self::InvalidRequest,
        Self::InvalidToken,
        Self::MissingToken,
        Self::NoRoute,
        Self::NotImplemented,
        Self::Unavailable,
    ];

    /// Returns the kind as one lower-case word, as it stands in the problem's `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().reason
    }

    /// The whole table, in one place.
    const fn row(self) -> Row {
        match self {
            Self::BadGateway => row(
                StatusCode::BAD_GATEWAY,
                "bad_gateway",
                "Bad gateway",
                "The service behind this gate could not be reached.",
                None,
            ),
            Self::Forbidden => row(
                StatusCode::FORBIDDEN,
                "forbidden",
                "Not allowed",
                "You are known, but not allowed to do this.",
                None,
            ),
            Self::GatewayTimeout => row(
                StatusCode::GATEWAY_TIMEOUT,
                "gateway_timeout",
                "Gateway timeout",
                "The service behind this gate did not answer in time.",
                None,
            ),
            Self::InsufficientScope => row(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "Insufficient scope",
                "The access token lacks a scope that this needs.",
                Some("insufficient_scope"),
            ),
            Self::InvalidRequest => row(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "Invalid request",
                "The request or its credential is malformed.",
                Some("invalid_request"),
            ),
            Self::InvalidToken => row(
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "Invalid token",
                "The access token is unknown, revoked, expired or of another app.",
                Some("invalid_token"),
            ),
            Self::MissingToken => row(
                StatusCode::UNAUTHORIZED,
                "missing_token",
                "Access token required",
                "Send a GitHub access token as Authorization: Bearer.",
                Some(""),
            ),
            Self::NoRoute => row(
                StatusCode::NOT_FOUND,
                "no_route",
                "No such route",
                "Nothing is configured for this path.",
                None,
            ),
            Self::NotImplemented => row(
                StatusCode::NOT_IMPLEMENTED,
                "not_implemented",
                "Method not supported",
                "This gate does not forward this method.",
                None,
            ),
            Self::Unavailable => row(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Token check unavailable",
                "The access token could not be checked right now. It may still be good.",
                None,
            ),
        }
    }
}

const fn row(
    status: StatusCode,
    reason: &'static str,
    title: &'static str,
    detail: &'static str,
    challenge: Option<&'static str>,
) -> Row {
    Row {
        status,
        reason,
        title,
        detail,
        challenge,
    }
}

/// The name of the protected space in challenges, safe to stand between quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Realm(Box<str>);

impl Realm {
    /// Takes a name without quotes and backslashes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] if the name holds anything but visible ASCII and spaces, or a
    /// quote or a backslash, which clients unquote in different ways (RFC 9110 §5.6.4).
    pub fn new(name: &str) -> Result<Self, InvalidRealm> {
        let legal = |b: u8| (b == b' ' || b.is_ascii_graphic()) && b != b'"' && b != b'\\';
        if name.bytes().all(legal) {
            Ok(Self(name.into()))
        } else {
            Err(InvalidRealm(()))
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("ghes".into())
    }
}

/// The error for a name that cannot stand in a challenge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidRealm(());

impl fmt::Display for InvalidRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a realm is visible ASCII and spaces without quote or backslash")
    }
}

impl std::error::Error for InvalidRealm {}

/// RFC 9457 §3, with `reason` as an extension member.
#[derive(Serialize)]
struct ProblemDetails {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'static str,
    reason: &'static str,
}

/// About as long as GHES takes to restart a front-end process; clients that retry faster only
/// add to an outage.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Longer waits, as GitHub's hourly limits can ask for, make clients give up for good.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckErrorKind;

    fn respond(rejection: Rejection) -> Response<Bytes> {
        with_problem_json(rejection.into_response(&Realm::default()))
    }

    fn header<'r>(response: &'r Response<Bytes>, name: &str) -> Option<&'r str> {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn every_kind_is_what_the_contract_says() {
        for (kind, status, challenge) in [
            (
                RejectionKind::MissingToken,
                401,
                Some("Bearer realm=\"ghes\""),
            ),
            (
                RejectionKind::InvalidRequest,
                400,
                Some("Bearer realm=\"ghes\", error=\"invalid_request\""),
            ),
            (
                RejectionKind::InvalidToken,
                401,
                Some("Bearer realm=\"ghes\", error=\"invalid_token\""),
            ),
            (RejectionKind::Forbidden, 403, None),
            (RejectionKind::NoRoute, 404, None),
            (RejectionKind::NotImplemented, 501, None),
            (RejectionKind::BadGateway, 502, None),
            (RejectionKind::Unavailable, 503, None),
            (RejectionKind::GatewayTimeout, 504, None),
        ] {
            let response = respond(Rejection::new(kind));
            assert_eq!(response.status(), status);
            assert_eq!(header(&response, "www-authenticate"), challenge, "{kind:?}");
        }
    }

    #[test]
    fn every_rejection_is_a_problem_that_nobody_stores() {
        for kind in RejectionKind::ALL {
            let response = respond(Rejection::new(kind));
            assert_eq!(header(&response, "cache-control"), Some("no-store"));
            assert_eq!(
                header(&response, "content-type"),
                Some("application/problem+json")
            );
            let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            assert_eq!(problem["status"], response.status().as_u16());
            assert_eq!(problem["reason"], kind.as_str());
            assert!(problem["title"].is_string() && problem["detail"].is_string());
            let kept = response.extensions().get::<Rejection>().unwrap();
            assert_eq!(kept.kind(), kind);
        }
    }

    #[test]
    fn a_missing_scope_is_named() {
        let required = Scopes::parse(["read:org", "gist"]).unwrap();
        let response = respond(Denial::InsufficientScope(required).into());
        assert_eq!(response.status(), 403);
        assert_eq!(
            header(&response, "www-authenticate"),
            Some("Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"gist read:org\"")
        );
    }

    #[test]
    fn no_answer_is_503_with_a_bounded_wait() {
        let retry_after = |error: &CheckError| {
            let response = respond(error.into());
            assert_eq!(response.status(), 503);
            header(&response, "retry-after").map(str::to_owned)
        };
        let limited = |seconds| {
            let wait = Duration::from_secs(seconds);
            CheckError::with_retry_after(CheckErrorKind::RateLimited, wait, "limit")
        };
        assert_eq!(
            retry_after(&CheckError::new(CheckErrorKind::Timeout)).unwrap(),
            "5"
        );
        assert_eq!(retry_after(&limited(17)).unwrap(), "17");
        assert_eq!(retry_after(&limited(0)).unwrap(), "1");
        assert_eq!(retry_after(&limited(86_400)).unwrap(), "300");
    }

    #[test]
    fn a_realm_cannot_end_its_quotes() {
        for bad in ["a\"b", "a\\b", "a\r\nb", "é"] {
            assert!(Realm::new(bad).is_err(), "{bad:?}");
        }
        let response: Response<Bytes> = Rejection::new(RejectionKind::MissingToken)
            .into_response(&Realm::new("My tools").unwrap());
        assert_eq!(
            header(&response, "www-authenticate"),
            Some("Bearer realm=\"My tools\"")
        );
    }
}
