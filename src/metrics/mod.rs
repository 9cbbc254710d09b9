//! Counts of past events, for Prometheus.
//!
//! 1. Every label has a closed set of values. No login, token, hash, path, client id or address
//!    becomes one.
//! 2. A request costs four additions, to counters that threads do not share.
//! 3. Nothing is global: two proxies in one process count separately.

mod calls;
mod door;
mod exposition;
mod format;
mod histogram;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use self::calls::Calls;
use self::histogram::Histogram;
use crate::counter::Counter;
use crate::rejection::RejectionKind;
use crate::validator::CacheStats;

pub(crate) use self::door::Door;
pub(crate) use self::format::Format;
pub(crate) use self::outcome::Outcome;

/// The counts of one proxy. A handle: clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By [`Outcome::index`].
    requests: [Counter; Outcome::COUNT],
    request_duration: Histogram,
    decisions: Decisions,
    decision_duration: Histogram,
    /// By the place of the kind.
    observed: [Counter; RejectionKind::ALL.len()],
    calls: Calls,
    purged_by_admin: Counter,
    purged_by_webhook: Counter,
}

/// Counts by door and outcome; in memory of their own, because they are many.
#[derive(Debug)]
struct Decisions(Box<[Counter]>);

impl Decisions {
    fn of(&self, door: Door, outcome: Outcome) -> &Counter {
        &self.0[door.index() * Outcome::COUNT + outcome.index()]
    }
}

impl Default for Decisions {
    fn default() -> Self {
        let none = std::iter::repeat_with(Counter::default);
        Self(none.take(Door::ALL.len() * Outcome::COUNT).collect())
    }
}

/// The source of a purge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PurgeSource {
    Admin,
    Webhook,
}

impl Metrics {
    /// Counts a request; the head of its response was ready after `elapsed`.
    pub(crate) fn answered(&self, outcome: Outcome, elapsed: Duration) {
        self.0.requests[outcome.index()].increment();
        self.0.request_duration.observe(elapsed);
    }

    /// Counts a decision about a request that another proxy holds, after `elapsed`.
    pub(crate) fn decided(&self, door: Door, outcome: Outcome, elapsed: Duration) {
        self.0.decisions.of(door, outcome).increment();
        self.0.decision_duration.observe(elapsed);
    }

    /// Counts a request that would have been turned away, had the gate not only observed.
    pub(crate) fn observed(&self, kind: RejectionKind) {
        self.0.observed[kind as usize].increment();
    }

    /// Counts purged verdicts.
    pub(crate) fn purged(&self, source: PurgeSource, verdicts: u64) {
        match source {
            PurgeSource::Admin => self.0.purged_by_admin.add(verdicts),
            PurgeSource::Webhook => self.0.purged_by_webhook.add(verdicts),
        }
    }

    /// Writes all metrics.
    pub(crate) fn exposition(&self, cache: CacheStats, format: Format) -> String {
        format.of_open_metrics(exposition::text(self, cache))
    }
}

impl PurgeSource {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Webhook => "webhook",
        }
    }
}
