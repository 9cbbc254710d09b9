//! From a token to a verdict: remembered if possible, asked once if not.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use ghes_gatekeeper::check::{CheckRequest, InactiveReason, Verdict};
//! use ghes_gatekeeper::token::AccessToken;
//! use ghes_gatekeeper::validator::Validator;
//! use tower::service_fn;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ghes_gatekeeper::check::CheckError> {
//! let nobody = service_fn(async |_: CheckRequest| {
//!     Ok::<_, Infallible>(Verdict::Inactive(InactiveReason::Unknown))
//! });
//! let validator = Validator::new(nobody);
//! let token = AccessToken::new("gho_unknown");
//!
//! assert!(validator.lookup(&token.hash()).is_none());
//! let verdict = validator.check(token.clone()).await?;
//! assert!(matches!(verdict, Verdict::Inactive(_)));
//! assert!(validator.lookup(&token.hash()).is_some());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::{CacheOptions, VerdictCache};
use crate::causes::Causes;
use crate::check::{CheckError, CheckErrorKind, CheckRequest, CheckService, Verdict};
use crate::flight::{Flights, Landing};
use crate::token::{AccessToken, TokenHash};

pub use crate::flight::Checking;

/// Answers whose a token is, asking the check service only about what it does not remember.
///
/// A handle: clones share caches and flights. There must be one per issuer and app, because the
/// caches know only the token.
pub struct Validator<C>(Arc<Shared<C>>);

struct Shared<C> {
    cache: VerdictCache,
    flights: Arc<Flights>,
    check: C,
    check_timeout: Duration,
}

impl<C: CheckService> Validator<C> {
    /// Wraps a check service with the default ages and capacities.
    pub fn new(check: C) -> Self {
        Self::builder(check).build()
    }

    /// Wraps a check service with ages and capacities of your choice.
    pub fn builder(check: C) -> ValidatorBuilder<C> {
        ValidatorBuilder {
            check,
            cache: CacheOptions::default(),
            check_timeout: Duration::from_secs(3),
        }
    }

    /// Returns what is known about a token, without waiting and without asking.
    #[must_use]
    pub fn lookup(&self, hash: &TokenHash) -> Option<Verdict> {
        self.0.cache.get(hash)
    }

    /// Asks about a token, together with everybody who is asking about it right now.
    ///
    /// The check runs in a task of its own and its verdict is remembered, even if nobody waits
    /// for it any more. The future fails with [`CheckError`] if there is no verdict.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn check(&self, token: AccessToken) -> Checking {
        let hash = token.hash();
        let (checking, landing) = self.0.flights.board(hash);
        if let Some(landing) = landing {
            // The last flight may have landed after the caller looked and before it boarded.
            if let Some(verdict) = self.lookup(&hash) {
                landing.land(&Ok(verdict));
            } else {
                let shared = Arc::clone(&self.0);
                tokio::spawn(async move { shared.fly(landing, hash, token).await });
            }
        }
        checking
    }
}

impl<C: CheckService> Shared<C> {
    async fn fly(&self, landing: Landing, hash: TokenHash, token: AccessToken) {
        let asked_at = Instant::now();
        let outcome = self.ask(token).await;
        match &outcome {
            // Stored before the flight ends: whoever comes in between finds one of the two.
            Ok(verdict) => self.cache.store(hash, verdict, asked_at),
            Err(error) => warn(error),
        }
        landing.land(&outcome);
    }

    async fn ask(&self, token: AccessToken) -> Result<Verdict, CheckError> {
        let check = self.check.clone().check(CheckRequest::new(token));
        match tokio::time::timeout(self.check_timeout, check).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(CheckError::with_source(CheckErrorKind::Timeout, elapsed)),
        }
    }
}

fn warn(error: &CheckError) {
    tracing::warn!(
        error.kind = error.kind().as_str(),
        error.causes = %Causes(error),
        "token check failed: {error}",
    );
}

impl<C> Clone for Validator<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Validator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}

/// Options of a [`Validator`], made by [`Validator::builder`].
#[must_use]
pub struct ValidatorBuilder<C> {
    check: C,
    cache: CacheOptions,
    check_timeout: Duration,
}

impl<C: CheckService> ValidatorBuilder<C> {
    /// Sets how long a good token is trusted; 60 s by default.
    ///
    /// This is the longest that a revoked token still works. Each token gets up to a tenth less,
    /// so that tokens checked together are not all checked again together. More than a day is
    /// taken for a day.
    pub fn with_active_max_age(mut self, age: Duration) -> Self {
        self.cache.active_max_age = age.min(LONGEST_AGE);
        self
    }

    /// Sets how long a bad token is refused without asking again; 10 s by default, a day at most.
    pub fn with_inactive_max_age(mut self, age: Duration) -> Self {
        self.cache.inactive_max_age = age.min(LONGEST_AGE);
        self
    }

    /// Sets how many good tokens are remembered; 100,000 by default.
    pub fn with_active_capacity(mut self, tokens: u64) -> Self {
        self.cache.active_capacity = tokens;
        self
    }

    /// Sets how many bad tokens are remembered; 100,000 by default.
    pub fn with_inactive_capacity(mut self, tokens: u64) -> Self {
        self.cache.inactive_capacity = tokens;
        self
    }

    /// Sets how long one check may take, all attempts of the service included; 3 s by default.
    ///
    /// It ends every check, whatever the service does, so that nobody waits for ever.
    pub fn with_check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Makes the validator.
    pub fn build(self) -> Validator<C> {
        Validator(Arc::new(Shared {
            cache: VerdictCache::new(self.cache),
            flights: Arc::default(),
            check: self.check,
            check_timeout: self.check_timeout,
        }))
    }
}

/// Longer than anybody should trust an answer, and short enough for every clock below us.
const LONGEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

impl<C> fmt::Debug for ValidatorBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorBuilder")
            .field("cache", &self.cache)
            .field("check_timeout", &self.check_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, pending};

    use tower::service_fn;

    use super::*;
    use crate::check::InactiveReason;

    fn never_asked(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
        panic!("asked");
    }

    #[tokio::test]
    async fn a_verdict_that_came_after_the_lookup_is_found() {
        let validator = Validator::new(service_fn(never_asked));
        let token = AccessToken::new("a");
        assert!(validator.lookup(&token.hash()).is_none());
        let verdict = Verdict::Inactive(InactiveReason::Unknown);
        validator
            .0
            .cache
            .store(token.hash(), &verdict, Instant::now());
        let found = validator.check(token).await;
        assert!(matches!(found, Ok(Verdict::Inactive(_))), "{found:?}");
    }

    #[test]
    fn an_age_without_an_end_is_taken_for_a_day() {
        let builder = Validator::builder(service_fn(never_asked))
            .with_active_max_age(Duration::MAX)
            .with_inactive_max_age(Duration::MAX);
        assert_eq!(builder.cache.active_max_age, LONGEST_AGE);
        assert!(format!("{:?}", builder.build()).starts_with("Validator"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_is_the_configured_one() {
        let silent = service_fn(|_: CheckRequest| pending::<Result<Verdict, Infallible>>());
        let validator = Validator::builder(silent)
            .with_check_timeout(Duration::from_secs(7))
            .build();
        let began_at = Instant::now();
        let error = validator.check(AccessToken::new("a")).await.unwrap_err();
        assert_eq!(error.kind(), CheckErrorKind::Timeout);
        assert_eq!(began_at.elapsed(), Duration::from_secs(7));
    }
}
