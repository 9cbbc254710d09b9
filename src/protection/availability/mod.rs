//! The availability breaker: an issuer that fails is left alone until it is back.
//!
//! While requests are held back, a task of the breaker's own asks twice a second about a token
//! that nobody has, and closes the breaker at the first answer of any kind. So the open time, up
//! to a minute, does not decide how soon the gate notices that the issuer is back, and no user's
//! request is spent on finding out. Why twice a second: with at most half a second for each
//! probe, one that was lost in the outage and the next one fit into the second within which a
//! recovery must be noticed; and two calls a second stay below the limit of 180 checks a minute
//! that GitHub gives an endpoint where limits are on. An issuer that is back but answers more
//! slowly than that is found by a trial.

mod breaker;
mod concern;
mod shared;
mod window;

#[cfg(test)]
mod model;
#[cfg(test)]
mod schedules;

/// What the tests of schedules replace with a lock whose schedule they decide.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};
}

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tower::{Layer, Service, ServiceExt};

use self::breaker::{Change, Probe, Ticket};
use super::background::{Background, jitter};
use super::refusal::Refusal;
use super::{Question, Stack, StackFuture};
use crate::check::{CheckError, CheckErrorKind};

pub(super) use self::breaker::Evidence;
pub(super) use self::concern::Concern;
pub(super) use self::shared::SharedBreaker;

/// Holds calls back while the issuer fails. Clones, and the services they make, share the
/// breaker and its one prober.
#[derive(Clone)]
pub(super) struct AvailabilityLayer {
    concern: Concern,
    breaker: Arc<SharedBreaker>,
    prober: Arc<Background>,
    last_failure: Arc<LastFailure>,
}

/// How the last call that failed did: what the issuer would say to those who are held back.
struct LastFailure(Mutex<CheckErrorKind>);

impl Default for LastFailure {
    fn default() -> Self {
        Self(Mutex::new(CheckErrorKind::Unavailable))
    }
}

impl LastFailure {
    fn get(&self) -> CheckErrorKind {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note<A>(&self, outcome: &Result<A, CheckError>, evidence: Evidence) {
        if let (Err(error), Evidence::Failed(_) | Evidence::Limited(_)) = (outcome, evidence) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = error.kind();
        }
    }
}

impl AvailabilityLayer {
    pub(super) fn new(concern: Concern, breaker: &Arc<SharedBreaker>) -> Self {
        Self {
            concern,
            breaker: Arc::clone(breaker),
            prober: Arc::default(),
            last_failure: Arc::default(),
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

impl<Q: Question, S: Stack<Q>> Service<Q> for Availability<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let admitted = service.layer.breaker.admit(Instant::now());
            let AvailabilityLayer {
                concern,
                last_failure,
                ..
            } = &service.layer;
            let ticket =
                admitted.map_err(|wait| Refusal::Availability(last_failure.get()).error(wait))?;
            let mut call = Pending::<Q, S>::begin(&service, ticket);
            let outcome = service.inner.clone().oneshot(request).await;
            let evidence = Q::evidence(&outcome, concern);
            last_failure.note(&outcome, evidence);
            call.evidence = Some(evidence);
            outcome
        })
    }
}

/// A call whose end the breaker must hear of, even if nobody waits for it.
struct Pending<'s, Q: Question, S: Stack<Q>> {
    service: &'s Availability<S>,
    ticket: Ticket,
    began_at: Instant,
    evidence: Option<Evidence>,
    question: PhantomData<fn(Q)>,
}

impl<'s, Q: Question, S: Stack<Q>> Pending<'s, Q, S> {
    fn begin(service: &'s Availability<S>, ticket: Ticket) -> Self {
        Self {
            service,
            ticket,
            began_at: Instant::now(),
            evidence: None,
            question: PhantomData,
        }
    }
}

impl<Q: Question, S: Stack<Q>> Drop for Pending<'_, Q, S> {
    fn drop(&mut self) {
        let Availability { inner, layer } = self.service;
        let given_up = || layer.concern.given_up_after(self.began_at.elapsed());
        let evidence = self.evidence.unwrap_or_else(given_up);
        // Not the whole layer: the task would keep alive what ends it.
        let held = Held {
            concern: layer.concern.clone(),
            breaker: Arc::clone(&layer.breaker),
            last_failure: Arc::clone(&layer.last_failure),
        };
        if let Some(generation) = held.settle(self.ticket, evidence)
            && let Some(probe) = Q::probe()
        {
            let probing = held.keep_probing(inner.clone(), probe, generation);
            layer.prober.replace(probing);
        }
    }
}

/// What a call and a prober tell the breaker by.
struct Held {
    concern: Concern,
    breaker: Arc<SharedBreaker>,
    last_failure: Arc<LastFailure>,
}

impl Held {
    /// Tells the breaker; returns the opening that is now to be probed, if there is a new one.
    fn settle(&self, ticket: Ticket, evidence: Evidence) -> Option<u64> {
        let change = self
            .breaker
            .settle(ticket, evidence, Instant::now(), jitter())?;
        self.concern.tell(change);
        match change {
            Change::Opened { generation, .. } => Some(generation),
            Change::Closed => None,
        }
    }

    /// Probes the issuer until the opening is over.
    async fn keep_probing<Q: Question, S: Stack<Q>>(self, inner: S, probe: Q, mut generation: u64) {
        sleep(PROBE_INTERVAL).await;
        loop {
            let began_at = Instant::now();
            match self.breaker.probe(generation, began_at) {
                Probe::Over => return,
                Probe::Wait(until) => sleep_until(until).await,
                Probe::Send(ticket) => {
                    let call = inner.clone().oneshot(probe.clone());
                    let evidence = match timeout(PROBE_INTERVAL, call).await {
                        Ok(outcome) => {
                            let evidence = Q::evidence(&outcome, &self.concern);
                            self.last_failure.note(&outcome, evidence);
                            evidence
                        }
                        Err(_) => Evidence::Failed(None),
                    };
                    if let Some(next) = self.settle(ticket, evidence) {
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
