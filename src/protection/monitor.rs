use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::availability::SharedBreakers;
use super::credentials::SharedRotation;
use crate::check::{CheckError, CheckErrorKind, CheckPurpose, InactiveReason, Verdict};
use crate::membership::Membership;

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
    /// An issuer that is down leaves the gate ready. It still lets in whom it remembers, and a
    /// gate beside it could not do better.
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
        self.counts.in_flight.load(Ordering::Relaxed)
    }

    /// Returns how many checks have ended with each [label](CheckOutcome::as_str), zeros
    /// included: the calls, and the checks that were refused without one.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.counts.results.iter();
        LABELS
            .into_iter()
            .zip(counts.map(|count| count.load(Ordering::Relaxed)))
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

/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BreakerState {
    /// All may pass.
    Closed,
    /// None may pass.
    Open,
    /// One may pass, to find out.
    HalfOpen,
}

impl BreakerState {
    /// Returns the state as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Whoever wants to know how each check ended; for metrics.
pub trait CheckObserver: Send + Sync + 'static {
    /// Is told that a call has ended, or that a check was refused without a call.
    ///
    /// `elapsed` is the time of the call, or the time until the refusal. Retries and probes are
    /// calls of their own. It is called between other work and must not block.
    fn completed(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration);
}

/// How a check ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CheckOutcome {
    /// Nobody waited for the answer any more.
    Abandoned,
    /// The token is good.
    Active,
    /// There was no answer.
    Failed(CheckErrorKind),
    /// The token is no good.
    Inactive(InactiveReason),
    /// The person belongs to the group.
    Member,
    /// The person does not belong to the group.
    NotMember,
    /// The token may not see whether the person belongs to the group.
    NotVisible,
    /// The issuer takes the token no more.
    TokenRefused,
}

impl CheckOutcome {
    /// Returns the outcome as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "client_gone",
            Self::Active => "valid",
            Self::Failed(kind) => kind.as_str(),
            Self::Inactive(reason) => reason.as_str(),
            Self::Member => "member",
            Self::NotMember => "not_member",
            Self::NotVisible => "not_visible",
            Self::TokenRefused => "token_refused",
        }
    }

    pub(super) fn of(outcome: &Result<Verdict, CheckError>) -> Self {
        match outcome {
            Ok(Verdict::Active(_)) => Self::Active,
            Ok(Verdict::Inactive(reason)) => Self::Inactive(*reason),
            Err(error) => Self::Failed(error.kind()),
        }
    }

    pub(super) fn of_membership(outcome: &Result<Membership, CheckError>) -> Self {
        match outcome {
            Ok(Membership::Active) => Self::Member,
            Ok(Membership::NotMember) => Self::NotMember,
            Ok(Membership::NotVisible(_)) => Self::NotVisible,
            Ok(Membership::TokenRefused) => Self::TokenRefused,
            Err(error) => Self::Failed(error.kind()),
        }
    }
}

/// The counters of one stack, and who else is told.
pub(super) struct Counts {
    in_flight: AtomicUsize,
    results: [AtomicU64; LABELS.len()],
    observer: Option<Arc<dyn CheckObserver>>,
}

impl Counts {
    pub(super) fn new(observer: Option<Arc<dyn CheckObserver>>) -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            results: [const { AtomicU64::new(0) }; LABELS.len()],
            observer,
        }
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn completed(
        &self,
        purpose: CheckPurpose,
        outcome: CheckOutcome,
        elapsed: Duration,
    ) {
        let label = outcome.as_str();
        if let Some(index) = LABELS.iter().position(|known| *known == label) {
            self.results[index].fetch_add(1, Ordering::Relaxed);
        }
        if let Some(observer) = &self.observer {
            observer.completed(purpose, outcome, elapsed);
        }
    }
}

/// Every label there is; a closed set.
const LABELS: [&str; 26] = [
    "app_mismatch",
    "bad_response",
    "client_auth_failed",
    "client_gone",
    "connect",
    "dns",
    "expired",
    "ghes_5xx",
    "ghes_forbidden",
    "invalid",
    "member",
    "no_user",
    "not_member",
    "not_visible",
    "outage",
    "rate_limited",
    "redirect",
    "shed",
    "timeout",
    "tls",
    "token_refused",
    "too_large",
    "truncated",
    "unavailable",
    "unprocessable",
    "valid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_counter_and_every_counter_an_outcome() {
        let failed = CheckErrorKind::ALL.map(CheckOutcome::Failed);
        let reasons = [
            InactiveReason::Expired,
            InactiveReason::NoUser,
            InactiveReason::Unknown,
            InactiveReason::Unprocessable,
        ];
        let mut labels: Vec<&str> = failed
            .into_iter()
            .chain(reasons.map(CheckOutcome::Inactive))
            .chain([
                CheckOutcome::Abandoned,
                CheckOutcome::Active,
                CheckOutcome::Member,
                CheckOutcome::NotMember,
                CheckOutcome::NotVisible,
                CheckOutcome::TokenRefused,
            ])
            .map(CheckOutcome::as_str)
            .collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels, LABELS);
    }
}
