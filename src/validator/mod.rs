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
//! let answer = validator.check(token.clone()).await?;
//! assert!(matches!(answer.verdict, Verdict::Inactive(_)));
//! assert!(validator.lookup(&token.hash()).is_some());
//! # Ok(())
//! # }
//! ```

mod builder;
mod checking;
mod failure_log;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::checking::Grace;
use self::failure_log::FailureLog;
use crate::cache::VerdictCache;
use crate::check::{
    CheckError, CheckErrorKind, CheckRequest, CheckService, InactiveReason, Verdict,
};
use crate::flight::{Flights, Landing, Waiters};
use crate::token::{AccessToken, TokenHash};

pub use self::builder::ValidatorBuilder;
pub use self::checking::Checking;
pub use crate::cache::{Answer, CacheOptions, CacheStats, Freshness, Purge};

/// Answers whose a token is, asking the check service only about what it does not remember.
///
/// A handle: clones share caches and flights. There must be one per issuer and app, because the
/// caches know only the token.
pub struct Validator<C> {
    shared: Arc<Shared<C>>,
    max_age: Option<Duration>,
}

struct Shared<C> {
    cache: Arc<VerdictCache>,
    flights: Arc<Flights>,
    check: C,
    check_timeout: Duration,
    failures: Arc<FailureLog>,
}

impl<C: CheckService> Validator<C> {
    /// Wraps a check service with the default ages and capacities.
    pub fn new(check: C) -> Self {
        Self::builder(check).build()
    }

    /// Wraps a check service with ages and capacities of your choice.
    pub fn builder(check: C) -> ValidatorBuilder<C> {
        ValidatorBuilder::new(check)
    }

    /// Returns what is known about a token, without waiting and without asking.
    ///
    /// If the answer is [due](Freshness::Due), the caller should [renew](Self::renew) it.
    #[must_use]
    pub fn lookup(&self, hash: &TokenHash) -> Option<Answer> {
        self.shared.cache.get(hash, self.max_age)
    }

    /// Asks about a token, together with everybody who is asking about it right now.
    ///
    /// The check runs in a task of its own and its verdict is remembered, even if nobody waits
    /// for it any more. The future fails with [`CheckError`] if there is no verdict, and at once
    /// if too many wait already. Tokens that [cannot be those of an
    /// app](crate::token::TokenKind::may_be_checked) are refused without asking.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn check(&self, token: AccessToken) -> Checking {
        let hash = token.hash();
        let grace = Grace {
            cache: Arc::clone(&self.shared.cache),
            hash,
            max_age: self.max_age,
            failures: Arc::clone(&self.shared.failures),
        };
        if !token.kind().may_be_checked() {
            let refused = Verdict::Inactive(InactiveReason::WrongKind);
            return Checking::decided(Ok(refused), grace);
        }
        let is_known = self.shared.cache.is_known(&hash);
        let Some((seat, landing)) = self.shared.flights.board(hash, is_known) else {
            let error = CheckError::with_source(CheckErrorKind::Shed, "too many requests wait");
            self.shared.failures.note(&error);
            return Checking::decided(Err(error), grace);
        };
        if let Some(landing) = landing {
            self.ask_unless_answered(landing, hash, token);
        }
        Checking::seated(seat, grace)
    }

    /// Tells whether [`check`](Self::check) would send a question about a token of which nothing
    /// is known: what a flood of made-up tokens consists of.
    #[must_use]
    pub fn is_unknown(&self, hash: &TokenHash) -> bool {
        !self.shared.cache.is_known(hash) && !self.shared.flights.is_under_way(hash)
    }

    /// Asks in the background about a token whose answer is due.
    ///
    /// Does nothing if somebody else is at it, or failed to a moment ago. The answer that is
    /// there stays good until its age ends.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn renew(&self, token: AccessToken) {
        let hash = token.hash();
        if !self.shared.cache.claim_renewal(&hash) {
            return;
        }
        if let Some(landing) = self.shared.flights.begin(hash) {
            self.take_off(landing, hash, token);
        }
    }

    /// Forgets what `purge` names, so that it is asked for again; returns how many verdicts.
    ///
    /// Takes effect at once: no request that comes after it is let in on an answer that was asked
    /// for before it. Takes milliseconds for 100,000 entries, during which hits go on.
    pub fn purge(&self, purge: &Purge) -> u64 {
        self.shared.cache.purge(purge)
    }

    /// Returns how lookups have ended so far, and how much is remembered.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.shared.cache.stats()
    }

    /// The last flight may have landed after the caller looked and before it boarded.
    fn ask_unless_answered(&self, landing: Landing, hash: TokenHash, token: AccessToken) {
        let mut landing = Some(landing);
        let close = || landing.take().map(Landing::close);
        let found = self.shared.cache.look_again(&hash, self.max_age, close);
        match (found, landing) {
            (Some((verdict, Some(waiters))), _) => waiters.tell(&Ok(verdict)),
            (_, Some(landing)) => self.take_off(landing, hash, token),
            (_, None) => {}
        }
    }

    fn take_off(&self, landing: Landing, hash: TokenHash, token: AccessToken) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move { shared.fly(landing, hash, token).await });
    }
}

impl<C: CheckService> Shared<C> {
    async fn fly(&self, landing: Landing, hash: TokenHash, token: AccessToken) {
        let mut landing = Some(landing);
        let asking = self.ask(&mut landing, hash, token);
        let asked = tokio::time::timeout(self.check_timeout, asking).await;
        let error = match asked {
            Ok(Ok((verdict, waiters))) => return waiters.tell(&Ok(verdict)),
            Ok(Err(error)) => error,
            Err(elapsed) => CheckError::with_source(CheckErrorKind::Timeout, elapsed),
        };
        if error.kind() == CheckErrorKind::AppMismatch {
            self.cache.forget(&hash);
        }
        self.failures.note(&error);
        if let Some(landing) = landing {
            landing.land(&Err(error));
        }
    }

    /// Asks, and ends the flight in the same moment as the verdict is stored: whoever comes later
    /// finds the one that is stored, or asks anew, and no purge comes in between.
    ///
    /// Asks again if the token was purged meanwhile, because the answer may be from before the
    /// event that it was purged for.
    async fn ask(
        &self,
        landing: &mut Option<Landing>,
        hash: TokenHash,
        token: AccessToken,
    ) -> Result<(Verdict, Waiters), CheckError> {
        let request = if self.cache.is_known(&hash) {
            CheckRequest::renewal(token)
        } else {
            CheckRequest::new(token)
        };
        loop {
            let question = self.cache.question();
            let verdict = self.check.clone().check(request.clone()).await?;
            let close = || landing.take().map(Landing::close).unwrap_or_default();
            if let Ok(waiters) = self.cache.store(hash, &verdict, question, close) {
                return Ok((verdict, waiters));
            }
        }
    }
}

impl<C> Validator<C> {
    /// Returns a handle that wants answers no older than `max_age`.
    ///
    /// For those who must know sooner that a token was revoked. It shares everything else, and
    /// what it learns is remembered for all.
    #[must_use]
    pub fn with_max_age(&self, max_age: Duration) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            max_age: Some(max_age.min(LONGEST_AGE)),
        }
    }
}

impl<C> Clone for Validator<C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            max_age: self.max_age,
        }
    }
}

impl<C> fmt::Debug for Validator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// Who wants nothing older than a day wants nothing special.
const LONGEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, pending};

    use tokio::time::Instant;
    use tower::service_fn;

    use super::*;

    fn never_asked(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
        panic!("asked");
    }

    #[tokio::test]
    async fn a_verdict_that_came_after_the_lookup_is_found() {
        let validator = Validator::new(service_fn(never_asked));
        let token = AccessToken::new("a");
        assert!(validator.lookup(&token.hash()).is_none());
        let verdict = Verdict::Inactive(InactiveReason::Unknown);
        let cache = &validator.shared.cache;
        cache
            .store(token.hash(), &verdict, cache.question(), || ())
            .unwrap();
        let found = validator.check(token).await.unwrap();
        assert!(matches!(found.verdict, Verdict::Inactive(_)), "{found:?}");
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
