use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::histogram::Histogram;
use super::{Door, Metrics, Outcome, PurgeSource};
use crate::rejection::RejectionKind;
use crate::validator::CacheStats;

pub(super) fn text(metrics: &Metrics, cache: CacheStats) -> String {
    let scrape = Scrape {
        metrics: metrics.clone(),
        cache,
    };
    let mut registry = Registry::with_prefix("ghes_gatekeeper");
    registry.register_collector(Box::new(scrape));
    let mut text = String::new();
    // A `String` accepts everything; even a partial exposition would be correct.
    if encode(&mut text, &registry).is_err() {
        tracing::error!("cannot write the metrics out");
    }
    text
}

/// The counts at one moment.
#[derive(Debug)]
struct Scrape {
    metrics: Metrics,
    cache: CacheStats,
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        self.requests(&mut families)?;
        self.cache(&mut families)?;
        self.calls(&mut families)?;
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
        families.histogram("request_duration", help, &inner.request_duration)?;
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
        let stats = &self.cache;
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
            ([("cache", "active")], stats.active_entries),
            ([("cache", "inactive")], stats.inactive_entries),
        ];
        families.gauges("cache_entries", "Verdicts that are remembered.", entries)?;
        let help = "Answers past their age that were used because GHES was out of reach.";
        families.counter("stale_served", help, stats.stale_served)
    }

    fn calls(&self, families: &mut Families<'_>) -> fmt::Result {
        let calls = &self.metrics.0.calls;
        let results = calls.results().map(|(word, n)| ([("result", word)], n));
        families.counters("ghes_requests", "Calls to GHES that have ended.", results)?;
        let help = "Time that calls to GHES took.";
        families.histogram("ghes_request_duration", help, &calls.duration)?;
        families.gauge(
            "ghes_in_flight",
            "Calls to GHES under way.",
            calls.in_flight(),
        )
    }
}

/// Writes families of metrics, each with its name, which gets its suffix from its type, and help.
struct Families<'e>(DescriptorEncoder<'e>);

impl Families<'_> {
    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let counter = ConstCounter::new(count);
        let encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        counter.encode(encoder)
    }

    fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        counts: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in counts {
            ConstCounter::new(count).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }

    fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        let (seconds, kind) = (Some(&Unit::Seconds), MetricType::Histogram);
        let observed = histogram.observed();
        self.0
            .encode_descriptor(name, help, seconds, kind)?
            .encode_histogram::<NoLabelSet>(observed.sum, observed.count, &observed.buckets, None)
    }

    /// A gauge and not an info: parsers of the older text format do not know infos, and can read
    /// all other types.
    fn build(&mut self) -> fmt::Result {
        let version = ([("version", env!("CARGO_PKG_VERSION"))], 1);
        self.gauges("build_info", "The version that runs.", [version])
    }
}
