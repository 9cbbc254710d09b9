use std::fmt;
use std::time::Duration;

use tower::service_fn;

use super::Validator;
use super::cache::{AnswerCache, CacheOptions};
use super::failure_log::FailureLog;
use super::flight::Seats;
use super::memberships::{BoxMembershipService, MembershipIssuer};
use super::read_through::ReadThrough;
use crate::check::CheckService;
use crate::membership::MembershipService;

/// Options of a [`Validator`], made by [`Validator::builder`].
#[must_use]
pub struct ValidatorBuilder<C> {
    check: C,
    cache: CacheOptions,
    check_timeout: Duration,
    seats: Seats,
    memberships: Option<BoxMembershipService>,
}

impl<C: CheckService> ValidatorBuilder<C> {
    pub(super) fn new(check: C) -> Self {
        Self {
            check,
            cache: CacheOptions::default(),
            check_timeout: Duration::from_secs(3),
            seats: Seats::default(),
            memberships: None,
        }
    }

    /// Sets how long and how many verdicts are remembered.
    pub fn with_cache(mut self, cache: CacheOptions) -> Self {
        self.cache = cache;
        self
    }

    /// Sets who is asked where people belong. Without it, requests whose policy needs to know that
    /// get 503.
    pub fn with_memberships(mut self, service: impl MembershipService) -> Self {
        let ask = service_fn(move |request| service.clone().ask(request));
        self.memberships = Some(BoxMembershipService::new(ask));
        self
    }

    /// Sets how long one check may take, all attempts of the service included; 3 s by default.
    ///
    /// It ends every check, whatever the service does, so that no request waits for ever.
    pub fn with_check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Sets how many requests may wait for checks: for that of one token, and for all together.
    ///
    /// Requests beyond these fail at once. By default 16,384 and 65,536: a request that
    /// waits takes a few KiB.
    pub fn with_max_waiting(mut self, per_token: usize, in_all: usize) -> Self {
        self.seats = Seats {
            per_flight: per_token,
            in_all,
        };
        self
    }

    /// Makes the validator.
    pub fn build(self) -> Validator<C> {
        let failures = FailureLog::of("token check");
        let tokens = ReadThrough::new(
            AnswerCache::new(self.cache),
            self.seats,
            self.check,
            self.check_timeout,
            failures,
        );
        let memberships = self.memberships.map(|service| {
            ReadThrough::new(
                AnswerCache::new(self.cache.of_memberships()),
                self.seats,
                MembershipIssuer::new(service, tokens.cache()),
                self.check_timeout,
                FailureLog::of("question about a membership"),
            )
        });
        Validator {
            tokens,
            memberships,
            max_age: None,
        }
    }
}

impl<C> fmt::Debug for ValidatorBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorBuilder")
            .field("cache", &self.cache)
            .field("check_timeout", &self.check_timeout)
            .field("seats", &self.seats)
            .finish_non_exhaustive()
    }
}
