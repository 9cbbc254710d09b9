//! The availability breakers: an issuer that fails is left alone until it is back, and what fails
//! for one subject alone is that subject's.
//!
//! # Whose fault a failure is
//!
//! A *subject* is what a call is about: a token, or a person and a group. GHES may answer about all
//! subjects but one: a 500 for one organization, a reply that cannot be read, a query that takes
//! too long for one person with thousands of teams. A client that repeats that question five times
//! a second must not look like an outage. So:
//!
//! 1. A failure counts once for each subject, in a row and in the window. An outage is a matter of
//!    *different* subjects. For memberships, those that count differ in person *and* in group, so
//!    that neither an odd person, who asks about many groups, nor an odd group, about which many
//!    people ask, is taken for one.
//! 2. If no connection could be made (name, connection, TLS), the failure is the issuer's, whatever
//!    the subject, and counts each time. A timeout, a dropped connection and any odd reply may be
//!    about the subject, and count once for it: in an outage, other subjects fail, too.
//! 3. A subject that fails is held back by itself: for a second, then for twice as long with each
//!    failure, up to 2 s for a token and 6 s for a membership. Meanwhile its clients are told the
//!    same failure, and it uses no place, no rate and no trial.
//! 4. Each group has a breaker of its own, in which different people count, and so has each person
//!    who asks about groups. They are like the one around all of them.
//! 5. An answer about any subject shows that the issuer is there, and closes the breaker around
//!    all. A subject with a failed trial lets others go first for 5 s, so that trials do not go to
//!    the same failing call over and over.
//! 6. After an outage, the failures of single subjects mean nothing. When the breaker around all
//!    closes, no subject is held back any longer; nor when a subject that had failed is answered
//!    after two or more had failed in a row.
//!
//! # How much is asked
//!
//! No more than if every failure counted. Five failures in a row used to open the breaker, which
//! leaves two probes a second for tokens, and a trial in 5 s for memberships. A single token that
//! fails is now asked about after 0, 1 and 3 s and then every 2 s; a single membership after 0, 1,
//! 3, 7 and 13 s and then every 6 s.
//!
//! Where up to four subjects fail and nothing is answered in between, which may be an outage of a
//! gate that few people use, each is held back for as many times as long: but for the first
//! seconds, in which each may be asked about twice, they are together asked about as often as one.
//! The fifth opens the breaker. For the same reason the breakers around two to four groups that
//! fail are open for as many times as long.
//!
//! # Probes
//!
//! While requests are held back, a task of the breaker's own asks twice a second about a made-up
//! token, and closes the breaker at the first answer of any kind. So the open time, up to a minute,
//! does not decide how soon the gate notices that the issuer is back, and no user's request is
//! spent on finding out. Why twice a second: with at most half a second for each probe, one that
//! was lost in the outage and the next one fit into the second within which a recovery must be
//! noticed; and two calls a second stay below the limit of 180 checks a minute that GitHub gives an
//! endpoint where limits are on. An issuer that is back but answers more slowly than that is found
//! by a trial.

mod breaker;
mod breakers;
mod concern;
mod hold_back;
mod shared;
mod subject;
mod suspects;
mod window;

#[cfg(test)]
mod model;
#[cfg(test)]
mod others;
#[cfg(test)]
mod schedules;

/// The tests of schedules replace this with a lock that they schedule.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::{Layer, Service, ServiceExt};

use self::breaker::{Change, Probe};
use self::breakers::{End, HeldBack, Holder, Pass};
use super::background::{Background, jitter};
use super::refusal::Refusal;
use super::{Guarded, Stack, StackFuture};
use crate::check::{CheckError, CheckErrorKind};
use crate::membership::Group;

pub(super) use self::breaker::Evidence;
pub(super) use self::concern::Concern;
pub(super) use self::hold_back::HoldBackLayer;
pub(super) use self::shared::SharedBreakers;
pub(super) use self::subject::Subject;

/// Holds calls back while the issuer fails. Clones, and the services they make, share the
/// breaker and its one prober.
#[derive(Clone)]
pub(super) struct AvailabilityLayer {
    concern: Concern,
    breakers: Arc<SharedBreakers>,
    prober: Arc<Background>,
}

impl AvailabilityLayer {
    pub(super) fn new(concern: Concern, breakers: &Arc<SharedBreakers>) -> Self {
        Self {
            concern,
            breakers: Arc::clone(breakers),
            prober: Arc::default(),
        }
    }
}

impl<S> Layer<S> for AvailabilityLayer {
    type Service = Availability<S>;

    fn layer(&self, inner: S) -> Availability<S> {
        Availability {
            inner,
            layer: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Availability<S> {
    inner: S,
    layer: AvailabilityLayer,
}

impl<Q: Guarded, S: Stack<Q>> Service<Q> for Availability<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let AvailabilityLayer {
                concern, breakers, ..
            } = &service.layer;
            let (subject, group) = (request.subject(), request.group().cloned());
            let pass = breakers
                .admit(subject, Instant::now())
                .map_err(HeldBack::error)?;
            let mut call = Pending::<Q, S>::begin(&service, pass, group);
            let outcome = service.inner.clone().oneshot(request).await;
            call.end = Some(End::of::<Q>(&outcome, concern));
            outcome
        })
    }
}

impl HeldBack {
    fn error(self) -> CheckError {
        let refusal = match self.by {
            Holder::Subject => Refusal::Subject(self.last),
            Holder::Side => Refusal::Side(self.last),
            Holder::All => Refusal::Availability(self.last),
        };
        refusal.error(self.wait)
    }
}

impl End {
    fn of<Q: Guarded>(outcome: &Result<Q::Answer, CheckError>, concern: &Concern) -> Self {
        let kind = outcome.as_ref().err().map(CheckError::kind);
        Self {
            evidence: Q::evidence(outcome, concern),
            kind: kind.unwrap_or(CheckErrorKind::Unavailable),
        }
    }

    fn timeout(evidence: Evidence) -> Self {
        let kind = CheckErrorKind::Timeout;
        Self { evidence, kind }
    }
}

/// A call that must report its end to the breaker, even if its caller is gone.
struct Pending<'s, Q: Guarded, S: Stack<Q>> {
    service: &'s Availability<S>,
    pass: Pass,
    /// That it asks about, for the log.
    group: Option<Group>,
    began_at: Instant,
    end: Option<End>,
    question: PhantomData<fn(Q)>,
}

impl<'s, Q: Guarded, S: Stack<Q>> Pending<'s, Q, S> {
    fn begin(service: &'s Availability<S>, pass: Pass, group: Option<Group>) -> Self {
        Self {
            service,
            pass,
            group,
            began_at: Instant::now(),
            end: None,
            question: PhantomData,
        }
    }
}

impl<Q: Guarded, S: Stack<Q>> Drop for Pending<'_, Q, S> {
    fn drop(&mut self) {
        let Availability { inner, layer } = self.service;
        let given_up = || layer.concern.given_up_after(self.began_at.elapsed());
        let end = self.end.unwrap_or_else(|| End::timeout(given_up()));
        // Not the whole layer: the task would keep alive what ends it.
        let held = Held {
            concern: layer.concern.clone(),
            breakers: Arc::clone(&layer.breakers),
        };
        if let Some(generation) = held.settle(self.pass, end, self.group.as_ref())
            && let Some(probe) = Q::probe()
        {
            let probing = held.keep_probing(inner.clone(), probe, generation);
            layer.prober.replace(probing);
        }
    }
}

/// What a call and a prober tell the breakers by.
struct Held {
    concern: Concern,
    breakers: Arc<SharedBreakers>,
}

impl Held {
    /// Tells the breakers; returns the opening that is now to be probed, if there is a new one.
    fn settle(&self, pass: Pass, end: End, group: Option<&Group>) -> Option<u64> {
        let changes = self.breakers.settle(pass, end, Instant::now(), jitter());
        if let (Some(change), Some(group)) = (changes.group, group) {
            Concern::tell_of_group(change, group);
        }
        let change = changes.all?;
        self.concern.tell(change);
        match change {
            Change::Opened { generation, .. } => Some(generation),
            Change::Closed => None,
        }
    }

    /// Probes the issuer until the opening is over.
    async fn keep_probing<Q: Guarded, S: Stack<Q>>(self, inner: S, probe: Q, mut generation: u64) {
        sleep(PROBE_INTERVAL).await;
        loop {
            let began_at = Instant::now();
            match self.breakers.probe(generation, began_at) {
                Probe::Over => return,
                Probe::Wait(until) => sleep_until(until).await,
                Probe::Send(ticket) => {
                    let call = inner.clone().oneshot(probe.clone());
                    let end = match timeout(PROBE_INTERVAL, call).await {
                        Ok(outcome) => End::of::<Q>(&outcome, &self.concern),
                        Err(_) => End::timeout(Evidence::Failed(None)),
                    };
                    if let Some(next) = self.settle(ticket.into(), end, None) {
                        generation = next;
                    }
                    sleep_until(began_at + PROBE_INTERVAL).await;
                }
            }
        }
    }
}

/// How often, and for how long each, the issuer is probed.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
