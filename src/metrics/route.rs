use std::time::Duration;

use super::Outcome;
use super::histogram::{Observed, bucket, microseconds};
use crate::counter::Counters;
use crate::upstream::{FailureReason, Observer};

/// What is counted of one route: twelve series of metrics, whatever happens there.
#[derive(Debug, Default)]
pub(crate) struct RouteCounts(Counters<COUNTS>);

/// What became of a request, for the owner of the tool.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RouteResult {
    /// The tool has answered it, or may get it.
    Passed,
    /// It was turned away because of what it is, or of who sent it.
    Rejected,
    /// GHES, the tool or the gate could not do their part.
    Failed,
}

impl RouteCounts {
    pub(crate) fn ended(&self, outcome: Outcome) {
        self.0.increment(RouteResult::of(outcome) as usize);
    }

    /// Returns how many requests have ended with each result.
    pub(super) fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let results = RouteResult::ALL.into_iter();
        results.map(|result| (result.as_str(), self.0.get(result as usize)))
    }

    /// Returns how long the tool took to begin its answers.
    pub(super) fn durations(&self) -> Observed<{ BOUNDS.len() }> {
        let count = |at| (BOUNDS[at], self.0.get(BUCKETS + at));
        Observed::of(std::array::from_fn(count), self.0.get(MICROSECONDS))
    }

    /// Returns how often the tool gave no answer, by why.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = FailureReason::ALL.into_iter();
        reasons.map(|reason| (reason.as_str(), self.0.get(FAILURES + reason as usize)))
    }
}

impl Observer for RouteCounts {
    fn answered(&self, elapsed: Duration) {
        self.0.increment(BUCKETS + bucket(&BOUNDS, elapsed));
        self.0.add(MICROSECONDS, microseconds(elapsed));
    }

    fn failed(&self, reason: FailureReason) {
        self.0.increment(FAILURES + reason as usize);
    }
}

impl RouteResult {
    const ALL: [Self; 3] = [Self::Passed, Self::Rejected, Self::Failed];

    fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allowed | Outcome::Anonymous | Outcome::Observed => Self::Passed,
            Outcome::Rejected(kind) if kind.is_ours() => Self::Failed,
            Outcome::Rejected(_) => Self::Rejected,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

/// In seconds: what is quick, what is slow, and what people give up.
const BOUNDS: [f64; 3] = [0.1, 1.0, f64::INFINITY];

const BUCKETS: usize = RouteResult::ALL.len();
const MICROSECONDS: usize = BUCKETS + BOUNDS.len();
const FAILURES: usize = MICROSECONDS + 1;
const COUNTS: usize = FAILURES + FailureReason::ALL.len();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::RejectionKind;

    #[test]
    fn each_outcome_has_the_result_of_its_status() {
        for (outcome, result) in [
            (Outcome::Allowed, "passed"),
            (Outcome::Anonymous, "passed"),
            (Outcome::Observed, "passed"),
            (Outcome::Rejected(RejectionKind::InvalidToken), "rejected"),
            (
                Outcome::Rejected(RejectionKind::InsufficientScope),
                "rejected",
            ),
            (Outcome::Rejected(RejectionKind::Unavailable), "failed"),
            (Outcome::Rejected(RejectionKind::BadGateway), "failed"),
            (Outcome::Rejected(RejectionKind::GatewayTimeout), "failed"),
        ] {
            let counts = RouteCounts::default();
            counts.ended(outcome);
            let counted: Vec<_> = counts.results().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [(result, 1)], "{outcome:?}");
        }
    }

    #[test]
    fn the_counts_of_a_tool_are_kept_apart() {
        let counts = RouteCounts::default();
        for millis in [1, 100, 101, 5_000] {
            counts.answered(Duration::from_millis(millis));
        }
        for reason in FailureReason::ALL {
            counts.failed(reason);
        }
        let durations = counts.durations();
        assert_eq!(durations.buckets, [(0.1, 2), (1.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((durations.count, durations.sum), (4, 5.202));
        assert!(counts.failures().all(|(_, count)| count == 1));
        assert!(counts.results().all(|(_, count)| count == 0));
    }
}
