//! The breaker behind its lock.

use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, Change, Evidence, Probe, Ticket};
use super::sync::{Mutex, MutexGuard, PoisonError};
use crate::protection::BreakerState;

/// The state that all who call the issuer share.
///
/// Each method is one short section under the lock, and none calls anything outside of it.
pub(in crate::protection) struct SharedBreaker(Mutex<Breaker>);

impl SharedBreaker {
    pub(in crate::protection) fn new(now: Instant) -> Self {
        Self(Mutex::new(Breaker::new(now)))
    }

    pub(in crate::protection) fn unprobed(now: Instant) -> Self {
        Self(Mutex::new(Breaker::unprobed(now)))
    }

    pub(super) fn admit(&self, now: Instant) -> Result<Ticket, Duration> {
        self.lock().admit(now)
    }

    pub(super) fn probe(&self, generation: u64, now: Instant) -> Probe {
        self.lock().probe(generation, now)
    }

    pub(super) fn settle(
        &self,
        ticket: Ticket,
        evidence: Evidence,
        now: Instant,
        jitter: f64,
    ) -> Option<Change> {
        self.lock().settle(ticket, evidence, now, jitter)
    }

    pub(in crate::protection) fn state(&self, now: Instant) -> BreakerState {
        self.lock().state(now)
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        // Every section leaves the breaker whole, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
