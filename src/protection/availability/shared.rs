//! The breakers behind their lock.

use tokio::time::Instant;

use super::breaker::Probe;
use super::breakers::{Breakers, Changes, End, HeldBack, Pass};
use super::subject::Subject;
use super::sync::{Mutex, MutexGuard, PoisonError};
use crate::protection::BreakerState;

/// The state that all who call the issuer share.
///
/// Each method is one short section under the lock, and none calls anything outside of it.
pub(in crate::protection) struct SharedBreakers(Mutex<Breakers>);

impl SharedBreakers {
    pub(in crate::protection) fn new(now: Instant) -> Self {
        Self(Mutex::new(Breakers::new(now)))
    }

    pub(in crate::protection) fn unprobed(now: Instant) -> Self {
        Self(Mutex::new(Breakers::unprobed(now)))
    }

    /// Tells whether any subject may be held back by itself.
    pub(super) fn suspects(&self) -> bool {
        self.lock().suspects()
    }

    pub(super) fn held(&self, subject: Subject, now: Instant) -> Option<HeldBack> {
        self.lock().held(subject, now)
    }

    pub(super) fn admit(&self, subject: Subject, now: Instant) -> Result<Pass, HeldBack> {
        self.lock().admit(subject, now)
    }

    pub(super) fn probe(&self, generation: u64, now: Instant) -> Probe {
        self.lock().probe(generation, now)
    }

    pub(super) fn settle(&self, pass: Pass, end: End, now: Instant, jitter: f64) -> Changes {
        self.lock().settle(pass, end, now, jitter)
    }

    pub(in crate::protection) fn state(&self, now: Instant) -> BreakerState {
        self.lock().state(now)
    }

    fn lock(&self) -> MutexGuard<'_, Breakers> {
        // Every section leaves the breakers whole, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
