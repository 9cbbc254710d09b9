use std::time::Duration;

use crate::counter::Counter;

/// Durations, counted in buckets.
///
/// The exporter's own histogram has a lock, which every request would take.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// One for each of [`BOUNDS`].
    buckets: [Counter; BOUNDS.len()],
    microseconds: Counter,
}

/// The counts of a histogram.
#[derive(Debug, PartialEq)]
pub(super) struct Observed<const N: usize> {
    /// In seconds.
    pub(super) sum: f64,
    pub(super) count: u64,
    /// Upper bounds in seconds, each with the observations between it and the one before.
    pub(super) buckets: [(f64, u64); N],
}

impl<const N: usize> Observed<N> {
    pub(super) fn of(buckets: [(f64, u64); N], microseconds: u64) -> Self {
        Self {
            sum: microseconds as f64 / 1e6,
            // Summed, so that it never differs from the last bucket.
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

impl Histogram {
    pub(super) fn observe(&self, elapsed: Duration) {
        self.buckets[bucket(&BOUNDS, elapsed)].increment();
        self.microseconds.add(microseconds(elapsed));
    }

    pub(super) fn observed(&self) -> Observed<{ BOUNDS.len() }> {
        let buckets = std::array::from_fn(|at| (BOUNDS[at], self.buckets[at].get()));
        Observed::of(buckets, self.microseconds.get())
    }
}

/// Returns which of some buckets counts it, by their upper bounds in seconds.
pub(super) fn bucket(bounds: &[f64], elapsed: Duration) -> usize {
    let seconds = elapsed.as_secs_f64();
    bounds.partition_point(|bound| *bound < seconds)
}

/// Wraps after half a million years of waiting.
pub(super) fn microseconds(elapsed: Duration) -> u64 {
    elapsed.as_micros() as u64
}

/// In seconds, from a cached token before a fast upstream to the longest time for an upstream; the
/// calls to GHES end within 3 s.
const BOUNDS: [f64; 15] = [
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    10.0,
    60.0,
    f64::INFINITY,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_took_at_most_its_bound() {
        let histogram = Histogram::default();
        for millis in [0, 1, 2, 5, 3_000, 600_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let observed = histogram.observed();
        let full: Vec<_> = observed.buckets.iter().filter(|(_, n)| *n > 0).collect();
        let expected = [
            (0.0005, 1),
            (0.001, 1),
            (0.0025, 1),
            (0.005, 1),
            (10.0, 1),
            (f64::INFINITY, 1),
        ];
        assert_eq!(full, expected.iter().collect::<Vec<_>>());
        assert_eq!((observed.count, observed.sum), (6, 603.008));
    }
}
