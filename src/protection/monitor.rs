use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::availability::SharedBreakers;
use super::credentials::SharedRotation;
use super::meter::Counts;
use super::state::BreakerState;

/// What stands around a check service, seen from outside. Cheap to clone and to ask.
///
/// Those of several apps of [one issuer](super::IssuerProtection) tell the same of what these
/// share: calls, their results, and memberships.
#[derive(Clone)]
pub struct ProtectionMonitor {
    pub(super) availability: Arc<SharedBreakers>,
    pub(super) memberships: Arc<SharedBreakers>,
    pub(super) suspension: Arc<SharedBreakers>,
    pub(super) credentials: Arc<SharedRotation>,
    pub(super) counts: Arc<Counts>,
}

impl ProtectionMonitor {
    /// Tells whether the gate should be given requests: not while the issuer refuses the app's
    /// credentials.
    ///
    /// An issuer that is down leaves the gate ready. It still lets in the people it remembers, and
    /// a gate beside it could not do better.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.credentials() == BreakerState::Closed
    }

    /// Returns whether calls are held back because the issuer failed, asked for quiet, or refused
    /// to check tokens for the app.
    #[must_use]
    pub fn availability(&self) -> BreakerState {
        let now = Instant::now();
        match self.availability.state(now) {
            BreakerState::Closed => self.suspension.state(now),
            held_back => held_back,
        }
    }

    /// Returns whether questions about memberships are held back because the issuer failed to
    /// answer them: all, or those of all people about one group.
    #[must_use]
    pub fn memberships(&self) -> BreakerState {
        self.memberships.state(Instant::now())
    }

    /// Takes note that the app's credentials were replaced: they are tried by the next call, though
    /// those before were refused.
    pub fn credentials_replaced(&self) {
        self.credentials.replaced();
    }

    /// Returns whether calls are held back because the app's credentials were refused.
    #[must_use]
    pub fn credentials(&self) -> BreakerState {
        self.credentials.state(Instant::now())
    }

    /// Returns how many calls are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.counts.in_flight()
    }

    /// Returns how many checks have ended with each [word](crate::check::CheckOutcome::as_str),
    /// zeros included: the calls, and the checks that were refused without one.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.counts.results()
    }
}

impl fmt::Debug for ProtectionMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectionMonitor")
            .field("availability", &self.availability())
            .field("memberships", &self.memberships())
            .field("credentials", &self.credentials())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
