use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

use super::families::Families;
use super::process::Process;
use super::{Door, Metrics, Outcome, PurgeSource, Snapshot};
use crate::rejection::RejectionKind;

pub(super) fn text(metrics: &Metrics, now: Snapshot) -> String {
    let scrape = Scrape {
        metrics: metrics.clone(),
        now,
    };
    let mut ours = Registry::with_prefix("ghes_gatekeeper");
    ours.register_collector(Box::new(scrape));
    let mut everybodys = Registry::default();
    everybodys.register_collector(Box::new(Process));
    let mut text = String::new();
    let written = encode_registry(&mut text, &ours)
        .and_then(|()| encode_registry(&mut text, &everybodys))
        .and_then(|()| encode_eof(&mut text));
    // A `String` accepts everything; even a partial exposition would be correct.
    if written.is_err() {
        tracing::error!("cannot write the metrics out");
    }
    text
}

/// The counts, and the state at the time of a scrape.
#[derive(Debug)]
struct Scrape {
    metrics: Metrics,
    now: Snapshot,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        self.requests(&mut families)?;
        self.routes(&mut families)?;
        self.decisions(&mut families)?;
        self.cache(&mut families)?;
        self.calls(&mut families)?;
        self.servers(&mut families)?;
        self.gate(&mut families)?;
        families.build()
    }
}

impl Scrape {
    fn requests(&self, families: &mut Families<'_>) -> fmt::Result {
        let inner = &self.metrics.0;
        let outcomes = Outcome::all().map(|outcome| {
            let count = inner.requests[outcome.index()].get();
            ([("outcome", outcome.as_str())], count)
        });
        families.counters("requests", "Requests that were answered.", outcomes)?;
        let observed = RejectionKind::ALL.into_iter().map(|kind| {
            let count = inner.observed[kind as usize].get();
            ([("reason", kind.as_str())], count)
        });
        // Without a route that observes there is nothing to count.
        let observed = observed.filter(|(_, count)| *count > 0);
        let help = "Requests that passed because their route only observes, by why not otherwise.";
        families.counters("observed_rejections", help, observed)?;
        let help = "Time from a request's head to its response's.";
        families.histogram("request_duration", help, &inner.request_duration)
    }

    fn decisions(&self, families: &mut Families<'_>) -> fmt::Result {
        let inner = &self.metrics.0;
        let decisions = Door::ALL.into_iter().flat_map(|door| {
            Outcome::all().map(move |outcome| {
                let labels = [("door", door.as_str()), ("outcome", outcome.as_str())];
                (labels, inner.decisions.of(door, outcome).get())
            })
        });
        // Without that door there is nothing to count.
        let decisions = decisions.filter(|(_, count)| *count > 0);
        let help = "Decisions for others: about requests that proxies hold, and about tokens.";
        families.counters("decisions", help, decisions)?;
        let help = "Time from a question's head to its answer's.";
        families.histogram("decision_duration", help, &inner.decision_duration)?;
        let purged = [
            (PurgeSource::Admin, &inner.purged_by_admin),
            (PurgeSource::Webhook, &inner.purged_by_webhook),
        ];
        let purged = purged.map(|(source, count)| ([("source", source.as_str())], count.get()));
        families.counters("purged", "Verdicts that were forgotten on demand.", purged)
    }

    /// The active cache is looked up first and the refused one next, so a miss in the first is a
    /// lookup in the second.
    fn cache(&self, families: &mut Families<'_>) -> fmt::Result {
        let stats = &self.now.cache;
        let not_active = stats.inactive_hits + stats.misses;
        let lookups = [
            ("active", "hit", stats.active_hits),
            ("active", "miss", not_active),
            ("inactive", "hit", stats.inactive_hits),
            ("inactive", "miss", stats.misses),
        ];
        let lookups = lookups.map(|(cache, result, n)| ([("cache", cache), ("result", result)], n));
        families.counters("cache_lookups", "Lookups of remembered verdicts.", lookups)?;
        let entries = [
            ([("cache", "active")], stats.active_entries as i64),
            ([("cache", "inactive")], stats.inactive_entries as i64),
        ];
        families.gauges("cache_entries", "Verdicts that are remembered.", entries)?;
        let help = "Answers past their age that were used because GHES was out of reach.";
        families.counter("stale_served", help, stats.stale_served)
    }

    /// Twelve series for each route.
    fn routes(&self, families: &mut Families<'_>) -> fmt::Result {
        let routes = self.metrics.0.routes.lock();
        let each = || routes.iter().map(|(name, counts)| (&**name, counts));
        let results = each().flat_map(|(route, counts)| {
            let results = counts.results();
            results.map(move |(result, n)| ([("route", route), ("result", result)], n))
        });
        let help = "Requests of each route, sent here or asked about, by whose part has failed.";
        families.counters("route_requests", help, results)?;
        let durations = each().map(|(route, counts)| ([("route", route)], counts.durations()));
        let help = "Time until the heads of upstreams' responses.";
        families.histograms("upstream_request_duration", help, durations)?;
        let failures = each().flat_map(|(route, counts)| {
            let failures = counts.failures();
            failures.map(move |(reason, n)| ([("route", route), ("reason", reason)], n))
        });
        let help = "Requests that an upstream did not answer.";
        families.counters("upstream_failures", help, failures)
    }

    fn calls(&self, families: &mut Families<'_>) -> fmt::Result {
        let calls = self.metrics.0.calls.lock();
        let each = || calls.iter().map(|(name, calls)| (&**name, calls));
        let results = each().flat_map(|(ghes, calls)| {
            let results = calls.results();
            results.map(move |(result, n)| ([("ghes", ghes), ("result", result)], n))
        });
        families.counters("ghes_requests", "Calls to GHES that have ended.", results)?;
        let durations = each().map(|(ghes, calls)| ([("ghes", ghes)], calls.duration.observed()));
        let help = "Time that calls to GHES took.";
        families.histograms("ghes_request_duration", help, durations)?;
        let in_flight = each().map(|(ghes, calls)| ([("ghes", ghes)], calls.in_flight()));
        families.gauges("ghes_in_flight", "Calls to GHES under way.", in_flight)
    }

    fn servers(&self, families: &mut Families<'_>) -> fmt::Result {
        let servers = &self.now.servers;
        let breakers = servers.iter().flat_map(|server| {
            let breakers = [
                ("checks", server.holds_checks_back),
                ("memberships", server.holds_memberships_back),
            ];
            let ghes = server.ghes.as_str();
            breakers.map(|(kind, is_open)| ([("ghes", ghes), ("kind", kind)], i64::from(is_open)))
        });
        let help = "Whether GHES is not asked for a while, because it has failed.";
        families.gauges("breaker_open", help, breakers)?;
        let apps = servers.iter().flat_map(|server| {
            let ghes = server.ghes.as_str();
            server.apps.iter().map(move |app| {
                let labels = [("ghes", ghes), ("client_id", app.client_id.as_str())];
                (labels, i64::from(app.is_refused))
            })
        });
        let help = "Whether GHES refuses the client id and secret of an app.";
        families.gauges("credentials_refused", help, apps)
    }

    /// What concerns the process and its listeners.
    fn gate(&self, families: &mut Families<'_>) -> fmt::Result {
        let now = &self.now;
        let help = "Whether /readyz says that clients may be sent here.";
        families.gauge("ready", help, now.is_ready.into())?;
        let connections = [
            ([("state", "active")], now.connections.active as i64),
            ([("state", "idle")], now.connections.idle as i64),
        ];
        let help = "Connections of clients, by whether a request is under way.";
        families.gauges("connections", help, connections)?;
        let help = "TLS handshakes of clients that have failed.";
        let failed = now.connections.failed_handshakes;
        families.counter("tls_handshake_failures", help, failed)?;
        if let Some(expiry) = now.certificate_expiry {
            let help = "When the first certificate of a listener ends.";
            let name = "tls_certificate_expiry_timestamp_seconds";
            families.gauge(name, help, expiry as i64)?;
        }
        let inner = &self.metrics.0;
        let reloads = [
            ([("result", "ok")], inner.reloads.get()),
            ([("result", "failed")], inner.failed_reloads.get()),
        ];
        let help = "Times that the configuration was read again.";
        families.counters("reloads", help, reloads)
    }
}
