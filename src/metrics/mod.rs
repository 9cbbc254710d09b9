//! Counts of past events, for Prometheus.
//!
//! 1. Every label has a closed set of values: words of ours, and what the configuration names, as
//!    routes, servers and client ids. Nothing that a request brings becomes one, so no login, token
//!    or path does.
//! 2. A request costs six additions here, three of them for its route. Threads do not share the
//!    counters.
//! 3. Nothing is global: two proxies in one process count separately.

mod calls;
mod door;
mod exposition;
mod families;
mod format;
mod histogram;
mod outcome;
mod process;
mod route;
mod snapshot;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::histogram::Histogram;
use crate::counter::Counter;
use crate::rejection::RejectionKind;

pub(crate) use self::calls::Calls;
pub(crate) use self::door::Door;
pub(crate) use self::format::Format;
pub(crate) use self::outcome::Outcome;
pub(crate) use self::route::RouteCounts;
pub(crate) use self::snapshot::{AppState, ServerState, Snapshot};

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
    /// By server, as those of routes by route.
    calls: Mutex<Named<Calls>>,
    routes: Mutex<Named<RouteCounts>>,
    purged_by_admin: Counter,
    purged_by_webhook: Counter,
    reloads: Counter,
    failed_reloads: Counter,
}

/// What is counted of each thing that the configuration names.
type Named<C> = BTreeMap<Box<str>, Arc<C>>;

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

    pub(crate) fn reloaded(&self, has_worked: bool) {
        match has_worked {
            true => self.0.reloads.increment(),
            false => self.0.failed_reloads.increment(),
        }
    }

    /// Returns where the calls to a server of this name are counted, as they were before.
    ///
    /// It is kept when a reload takes the server away: one that comes back soon is asked through what
    /// counts here already.
    pub(crate) fn of_server(&self, name: &str) -> Arc<Calls> {
        named(&self.0.calls, name)
    }

    /// Returns where the requests of a route of this name are counted, as they were before.
    pub(crate) fn of_route(&self, name: &str) -> Arc<RouteCounts> {
        named(&self.0.routes, name)
    }

    /// Forgets the routes that have no name among these: nothing is counted of them any more.
    pub(crate) fn keep_routes<'n>(&self, names: impl Iterator<Item = &'n str>) {
        let kept: HashSet<_> = names.collect();
        let mut routes = self.0.routes.lock();
        routes.retain(|name, _| kept.contains(&**name));
    }

    /// Writes all metrics.
    pub(crate) fn exposition(&self, now: Snapshot, format: Format) -> String {
        format.of_open_metrics(exposition::text(self, now))
    }
}

fn named<C: Default>(all: &Mutex<Named<C>>, name: &str) -> Arc<C> {
    let mut all = all.lock();
    Arc::clone(all.entry(name.into()).or_default())
}

impl PurgeSource {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Webhook => "webhook",
        }
    }
}
