//! The seam between the gate and whoever can tell a good token from a bad one.
//!
//! A check is a [`tower::Service`], so that timeouts, retries, limits and breakers around it are
//! ordinary layers. It has three outcomes, in types that cannot be mixed up:
//!
//! 1. [`Verdict::Active`]: the issuer knows the token and says whose it is.
//! 2. [`Verdict::Inactive`]: the issuer says that the token is no good.
//! 3. [`CheckError`]: the issuer gave no answer. It says nothing about the token, so nobody is
//!    logged out by it and nothing is remembered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::{BoxError, Service};

use crate::identity::Identity;
use crate::token::AccessToken;

/// The question: is this token good, and was it issued to our app?
#[derive(Clone, Debug)]
pub struct CheckRequest {
    token: AccessToken,
}

impl CheckRequest {
    /// Asks about `token`.
    #[must_use]
    pub fn new(token: AccessToken) -> Self {
        Self { token }
    }

    /// Returns the token to be checked.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        &self.token
    }
}

/// The issuer's answer about a token.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The token is good and was issued to our app.
    Active(Identity),
    /// The token is no good.
    Inactive(InactiveReason),
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InactiveReason {
    /// The token's `expires_at` has passed.
    Expired,
    /// The token belongs to no user, so there is nobody to let in.
    NoUser,
    /// The issuer does not know the token, or knows it as another app's.
    Unknown,
    /// The issuer refused the token as input.
    Unprocessable,
}

impl InactiveReason {
    /// Returns the reason as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NoUser => "no_user",
            Self::Unknown => "invalid",
            Self::Unprocessable => "unprocessable",
        }
    }
}

/// A failure to get an answer. Cheap to clone: all who waited for one check share it.
///
/// The text and the [`source`](std::error::Error::source) chain are for the operator's log; a
/// client learns no more than "try again later".
#[derive(Clone, Debug)]
pub struct CheckError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: CheckErrorKind,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

impl CheckError {
    /// Names a failure.
    #[must_use]
    pub fn new(kind: CheckErrorKind) -> Self {
        Self::build(kind, None, None)
    }

    /// Names a failure and its cause. The cause must not contain a secret: it will be logged.
    pub fn with_source(kind: CheckErrorKind, source: impl Into<BoxError>) -> Self {
        Self::build(kind, None, Some(source.into()))
    }

    /// Names a failure after which the issuer wants to be left alone for a while.
    pub fn with_retry_after(
        kind: CheckErrorKind,
        retry_after: Duration,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::build(kind, Some(retry_after), Some(source.into()))
    }

    /// Returns what kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> CheckErrorKind {
        self.0.kind
    }

    /// Returns how long the issuer asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Recovers the error that a stack of layers has boxed, and names what the layers add.
    pub(crate) fn from_boxed(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(other) => Self::with_source(CheckErrorKind::Unavailable, other),
        }
    }

    fn build(
        kind: CheckErrorKind,
        retry_after: Option<Duration>,
        source: Option<BoxError>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            retry_after,
            source,
        }))
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind() {
            CheckErrorKind::AppMismatch => "the reply is about another app",
            CheckErrorKind::CredentialsRefused => "the app's own credentials were refused",
            CheckErrorKind::Forbidden => "the issuer forbids checking tokens",
            CheckErrorKind::RateLimited => "the issuer limits the rate of checks",
            CheckErrorKind::Timeout => "the check took too long",
            CheckErrorKind::Unavailable => "the issuer cannot be reached",
            CheckErrorKind::UnexpectedResponse => "the issuer gave a reply that is no answer",
        })
    }
}

impl std::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_ref()?;
        Some(&**source)
    }
}

/// What kind of failure kept us from an answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CheckErrorKind {
    /// The reply names another app than the one we asked for. Somebody must look at it.
    AppMismatch,
    /// Our client id and secret were refused. Somebody must look at it.
    CredentialsRefused,
    /// The issuer refused the call: the app is suspended, or our address is not allowed.
    Forbidden,
    /// We asked too often.
    RateLimited,
    /// No reply in time.
    Timeout,
    /// No connection, a connection that broke, or a server error.
    Unavailable,
    /// A reply that the documented interface does not have.
    UnexpectedResponse,
}

impl CheckErrorKind {
    /// Returns the kind as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppMismatch => "app_mismatch",
            Self::CredentialsRefused => "client_auth_failed",
            Self::Forbidden => "ghes_forbidden",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::UnexpectedResponse => "bad_response",
        }
    }
}

/// A service that asks a token's issuer about it.
///
/// Essentially an alias for `Service<CheckRequest, Response = Verdict>`: it is implemented for
/// every such service that can be shared between threads, and cannot be implemented otherwise.
pub trait CheckService: sealed::Sealed + Clone + Send + Sync + 'static {
    /// Waits until the service is ready, then asks.
    ///
    /// # Errors
    ///
    /// Returns [`CheckError`] if there is no answer; an error of another type, as layers add
    /// them, becomes the source of one.
    fn check(
        self,
        request: CheckRequest,
    ) -> impl Future<Output = Result<Verdict, CheckError>> + Send;
}

impl<S> CheckService for S
where
    S: Service<CheckRequest, Response = Verdict> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn check(self, request: CheckRequest) -> Result<Verdict, CheckError> {
        tower::util::Oneshot::new(self, request)
            .await
            .map_err(|error| CheckError::from_boxed(error.into()))
    }
}

#[expect(unnameable_types, reason = "naming it would unseal the trait")]
mod sealed {
    use super::{CheckRequest, Service};

    pub trait Sealed {}

    impl<S: Service<CheckRequest>> Sealed for S {}
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_error_is_one_word_and_shared() {
        assert_eq!(size_of::<CheckError>(), size_of::<usize>());
        let error = CheckError::with_source(CheckErrorKind::Timeout, "deadline");
        assert!(Arc::ptr_eq(&error.0, &error.clone().0));
    }

    #[test]
    fn boxing_and_unboxing_keeps_the_error() {
        let error = CheckError::with_source(CheckErrorKind::RateLimited, "slow down");
        let back = CheckError::from_boxed(Box::new(error));
        assert_eq!(back.kind(), CheckErrorKind::RateLimited);
        assert_eq!(back.source().unwrap().to_string(), "slow down");

        let foreign = CheckError::from_boxed("breaker open".into());
        assert_eq!(foreign.kind(), CheckErrorKind::Unavailable);
        assert_eq!(foreign.source().unwrap().to_string(), "breaker open");
    }
}
