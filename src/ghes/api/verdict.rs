//! From a reply of check-token to a verdict, or to the reason why there is none.
//!
//! Only four replies say that a token is bad: 404 and 422 in GHES's own form, and a 200 that is
//! expired or has no user. Everything else says nothing about the token.

use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::checked_token::{CheckedToken, Expiry};
use super::model::SimpleUser;
use crate::check::{CheckError, CheckErrorKind, InactiveReason, Verdict};
use crate::ghes::error::{ApiError, ApiErrorKind};
use crate::identity::{Identity, User};
use crate::scope::Scopes;
use crate::token::AccessToken;

/// Judges a reply about `token`, which must have been issued to `client_id`.
///
/// The subject of the reply is checked first: a reply about another token says nothing about this
/// one, not even that it has expired.
pub(in crate::ghes) fn verdict(
    reply: Result<CheckedToken, ApiError>,
    token: &AccessToken,
    client_id: &str,
) -> Result<Verdict, CheckError> {
    let mismatch = |what| Err(CheckError::with_source(CheckErrorKind::AppMismatch, what));
    match reply {
        Ok(authorization) if authorization.app.client_id != client_id => {
            mismatch("it names another app")
        }
        Ok(authorization) if !authorization.is_about(token) => mismatch("it names another token"),
        Ok(authorization) => authorized(authorization),
        Err(error) => refused(error),
    }
}

fn authorized(authorization: CheckedToken) -> Result<Verdict, CheckError> {
    let expires_at = match authorization.expires_at {
        Expiry::Never => None,
        Expiry::At(at) if at <= SystemTime::now() => {
            return Ok(Verdict::Inactive(InactiveReason::Expired));
        }
        Expiry::At(at) => Some(at),
        Expiry::Unreadable => {
            let kind = CheckErrorKind::DoubtfulResponse;
            return Err(CheckError::with_source(kind, "expires_at is no time"));
        }
    };
    let Some(user) = authorization.user else {
        return Ok(Verdict::Inactive(InactiveReason::NoUser));
    };
    // An empty one grants nothing, whatever else was meant.
    let scopes = authorization.scopes.iter().map(String::as_str);
    let scopes = Scopes::parse(scopes.filter(|scope| !scope.trim().is_empty()))
        .map_err(|error| CheckError::with_source(CheckErrorKind::UnexpectedResponse, error))?;
    let identity = Identity::new(
        self::user(&user),
        &authorization.app.client_id,
        authorization.id,
        scopes,
    )
    .map_err(|error| CheckError::with_source(CheckErrorKind::UnexpectedResponse, error))?;
    Ok(Verdict::Active(match expires_at {
        Some(at) => identity.with_expires_at(at),
        None => identity,
    }))
}

fn user(user: &SimpleUser) -> User {
    User::new(&user.login, user.id)
        .with_node_id(&user.node_id)
        .with_kind(&user.kind)
        .with_site_admin(user.site_admin)
}

fn refused(error: ApiError) -> Result<Verdict, CheckError> {
    let ApiErrorKind::Status(status, _) = *error.kind() else {
        return Err(failure_of(error));
    };
    match (status, said_by_ghes(&error)) {
        (StatusCode::NOT_FOUND, Some(_)) => Ok(Verdict::Inactive(InactiveReason::Unknown)),
        // The same status stands for "validation failed" and for "the endpoint has been
        // spammed". The request has no member but the token that could be invalid.
        (StatusCode::UNPROCESSABLE_ENTITY, Some(message)) if !mentions(message, &[SPAMMED]) => {
            Ok(Verdict::Inactive(InactiveReason::Unprocessable))
        }
        _ => Err(failure_of(error)),
    }
}

/// Names the failure of a call that brought no answer about a token or person.
pub(in crate::ghes) fn failure_of(error: ApiError) -> CheckError {
    let kind = match error.kind() {
        ApiErrorKind::Request => CheckErrorKind::Unavailable,
        ApiErrorKind::Reply(_, kind) | ApiErrorKind::Transport(kind) => *kind,
        ApiErrorKind::Status(status, message) => {
            failure(*status, message.as_deref(), error.is_limited())
        }
    };
    check_error(kind, error)
}

/// The message of an error that only GHES writes. Gateways in between say `message` as well, but
/// none of them links to GitHub's documentation.
pub(in crate::ghes) fn said_by_ghes(error: &ApiError) -> Option<&str> {
    error.documentation_url().and_then(|_| error.message())
}

fn failure(status: StatusCode, message: Option<&str>, is_limited: bool) -> CheckErrorKind {
    let message = message.unwrap_or_default();
    match status {
        StatusCode::UNAUTHORIZED => CheckErrorKind::CredentialsRefused,
        StatusCode::TOO_MANY_REQUESTS => CheckErrorKind::RateLimited,
        StatusCode::UNPROCESSABLE_ENTITY if mentions(message, &[SPAMMED]) => {
            CheckErrorKind::RateLimited
        }
        StatusCode::FORBIDDEN if is_limited || mentions(message, &LIMIT_WORDS) => {
            CheckErrorKind::RateLimited
        }
        StatusCode::FORBIDDEN => CheckErrorKind::Forbidden,
        // As another web server or a wrong path would answer: GHES may well be behind it.
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
            CheckErrorKind::UnexpectedResponse
        }
        status if status.is_redirection() => CheckErrorKind::Redirect,
        status if status.is_server_error() => CheckErrorKind::ServerError,
        _ => CheckErrorKind::DoubtfulResponse,
    }
}

/// Tells whether a 403 is about how often was asked.
pub(in crate::ghes) fn is_about_limits(error: &ApiError) -> bool {
    error.is_limited() || mentions(error.message().unwrap_or_default(), &LIMIT_WORDS)
}

fn check_error(kind: CheckErrorKind, error: ApiError) -> CheckError {
    // No time at all is what a clock that differs from GHES's makes of the time of a reset.
    let asked = error.retry_after().filter(|wait| !wait.is_zero());
    let least = (kind == CheckErrorKind::RateLimited).then_some(LEAST_LIMIT_WAIT);
    match asked.or(least) {
        Some(wait) => CheckError::with_retry_after(kind, wait, error),
        None => CheckError::with_source(kind, error),
    }
}

fn mentions(message: &str, words: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// How GitHub's 403 replies name a limit: primary, secondary (once "abuse"), failed logins.
///
/// Like [`SPAMMED`], each has a space in it: a message may quote the token, which a client may have
/// made up, but no token has a space.
const LIMIT_WORDS: [&str; 3] = ["rate limit", "abuse detection", "login attempts"];

/// How GitHub's 422 replies say that they are about the caller and not about what was sent.
const SPAMMED: &str = "been spammed";

/// [GitHub's rule] for a limit that comes without a time.
///
/// [GitHub's rule]: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const LEAST_LIMIT_WAIT: Duration = Duration::from_secs(60);
