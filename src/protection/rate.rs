//! A limit on the calls per second, of which a fifth is kept for renewals.
//!
//! An admission must pass two limiters, its own and the one for all; a renewal only the latter.
//! So admissions never use up more than four fifths of what all may have, at any time scale. A
//! question about a membership must pass a third one besides, which leaves half of that to
//! admissions.

use std::sync::Arc;
use std::task::{Context, Poll};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use tower::{Layer, Service, ServiceExt};

use super::limits::{for_admissions, for_memberships};
use super::refusal::Refusal;
use super::{Limits, Stack, StackFuture};
use crate::check::{CheckError, CheckPurpose, Question};
use crate::clock::TokioClock;

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// Refuses calls beyond a rate. Clones, and the services they make, share the rate.
#[derive(Clone)]
pub(super) struct RateLayer(Arc<Limiters>);

struct Limiters {
    memberships: Limiter,
    admissions: Limiter,
    all: Limiter,
    clock: TokioClock,
}

impl RateLayer {
    pub(super) fn new(limits: &Limits) -> Self {
        let clock = TokioClock::new();
        let admissions = Quota::per_second(for_admissions(limits.rate))
            .allow_burst(for_admissions(limits.burst));
        let memberships = Quota::per_second(for_memberships(limits.rate))
            .allow_burst(for_memberships(limits.burst));
        let all = Quota::per_second(limits.rate).allow_burst(limits.burst);
        Self(Arc::new(Limiters {
            memberships: RateLimiter::direct_with_clock(memberships, clock),
            admissions: RateLimiter::direct_with_clock(admissions, clock),
            all: RateLimiter::direct_with_clock(all, clock),
            clock,
        }))
    }
}

impl Limiters {
    fn admit(&self, purpose: CheckPurpose) -> Result<(), CheckError> {
        let refuse =
            |until: NotUntil<Nanos>| Refusal::Rate.error(until.wait_time_from(self.clock.now()));
        if purpose == CheckPurpose::Membership {
            self.memberships.check().map_err(refuse)?;
        }
        if purpose != CheckPurpose::Renewal {
            self.admissions.check().map_err(refuse)?;
        }
        self.all.check().map_err(refuse)
    }
}

impl<S> Layer<S> for RateLayer {
    type Service = Rate<S>;

    fn layer(&self, inner: S) -> Rate<S> {
        Rate {
            inner,
            limiters: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(super) struct Rate<S> {
    inner: S,
    limiters: Arc<Limiters>,
}

impl<Q: Question, S: Stack<Q>> Service<Q> for Rate<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        match self.limiters.admit(request.purpose()) {
            Ok(()) => Box::pin(self.inner.clone().oneshot(request)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
