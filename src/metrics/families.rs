use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::histogram::{Histogram, Observed};

/// Writes families of metrics, each with its name, which gets its suffix from its type, and help.
pub(super) struct Families<'e>(pub(super) DescriptorEncoder<'e>);

impl Families<'_> {
    pub(super) fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        self.one(name, help, None, &ConstCounter::new(count))
    }

    pub(super) fn counter_of_seconds(&mut self, name: &str, help: &str, count: f64) -> fmt::Result {
        self.one(name, help, Some(&Unit::Seconds), &ConstCounter::new(count))
    }

    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        counts: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        let counts = counts.into_iter();
        let counts = counts.map(|(labels, count)| (labels, ConstCounter::new(count)));
        self.each(name, help, MetricType::Counter, counts)
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        self.one(name, help, None, &ConstGauge::new(value))
    }

    pub(super) fn gauge_of_seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.one(name, help, Some(&Unit::Seconds), &ConstGauge::new(value))
    }

    pub(super) fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, i64)>,
    ) -> fmt::Result {
        let values = values.into_iter();
        let values = values.map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.each(name, help, MetricType::Gauge, values)
    }

    fn one(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        metric: &impl EncodeMetric,
    ) -> fmt::Result {
        let kind = metric.metric_type();
        metric.encode(self.0.encode_descriptor(name, help, unit, kind)?)
    }

    fn each<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        metrics: impl Iterator<Item = (L, impl EncodeMetric)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, metric) in metrics {
            metric.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        histogram: &Histogram,
    ) -> fmt::Result {
        let (seconds, kind) = (Some(&Unit::Seconds), MetricType::Histogram);
        let observed = histogram.observed();
        self.0
            .encode_descriptor(name, help, seconds, kind)?
            .encode_histogram::<NoLabelSet>(observed.sum, observed.count, &observed.buckets, None)
    }

    pub(super) fn histograms<L: EncodeLabelSet, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        histograms: impl IntoIterator<Item = (L, Observed<N>)>,
    ) -> fmt::Result {
        let (seconds, kind) = (Some(&Unit::Seconds), MetricType::Histogram);
        let mut encoder = self.0.encode_descriptor(name, help, seconds, kind)?;
        for (labels, observed) in histograms {
            encoder
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(
                    observed.sum,
                    observed.count,
                    &observed.buckets,
                    None,
                )?;
        }
        Ok(())
    }

    /// A gauge and not an info: parsers of the older text format do not know infos, and can read
    /// all other types.
    pub(super) fn build(&mut self) -> fmt::Result {
        let version = ([("version", env!("CARGO_PKG_VERSION"))], 1);
        self.gauges("build_info", "The version that runs.", [version])
    }
}
