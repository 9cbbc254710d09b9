use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::Metrics;
use super::histogram::Histogram;
use crate::check::{CheckErrorKind, CheckOutcome, CheckPurpose};
use crate::protection::CheckObserver;

/// The calls to GHES. They are rare, so their counters are plain.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By [`CheckOutcome::index`].
    results: [AtomicU64; CheckOutcome::WORDS.len()],
    pub(super) duration: Histogram,
    in_flight: AtomicI64,
}

impl Calls {
    pub(super) fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Returns each result with its number of calls.
    pub(super) fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.results.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        let results = CheckOutcome::WORDS.into_iter().zip(counts);
        results.filter(|(word, _)| *word != CheckOutcome::Abandoned.as_str())
    }
}

/// Counts the calls sent to GHES, and none that was refused before.
impl CheckObserver for Metrics {
    fn begun(&self, _: CheckPurpose) {
        self.0.calls.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    fn completed(&self, _: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        let result = match outcome {
            // A check runs in a task of its own, even without a waiter; only its deadline drops it.
            CheckOutcome::Abandoned => CheckOutcome::Failed(CheckErrorKind::Timeout),
            ended => ended,
        };
        let calls = &self.0.calls;
        calls.in_flight.fetch_sub(1, Ordering::Relaxed);
        calls.duration.observe(elapsed);
        calls.results[result.index()].fetch_add(1, Ordering::Relaxed);
    }

    fn refused(&self, _: CheckPurpose, _: CheckOutcome, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::future::{pending, ready};

    use tower::{Layer, ServiceExt, service_fn};

    use super::*;
    use crate::check::{CheckError, CheckRequest, InactiveReason, Verdict};
    use crate::protection::MeterLayer;
    use crate::token::AccessToken;

    fn request() -> CheckRequest {
        CheckRequest::new(AccessToken::new("gho_any"))
    }

    fn meter(metrics: &Metrics) -> MeterLayer {
        MeterLayer::observed_by(metrics.clone())
    }

    fn results(metrics: &Metrics) -> HashMap<&'static str, u64> {
        let results = metrics.0.calls.results();
        results.filter(|(_, count)| *count > 0).collect()
    }

    #[tokio::test]
    async fn a_call_is_counted_by_how_it_ended() {
        let metrics = Metrics::default();
        for kind in CheckErrorKind::ALL {
            let failing =
                service_fn(move |_: CheckRequest| ready(Err::<Verdict, _>(CheckError::new(kind))));
            let call = meter(&metrics).layer(failing).oneshot(request());
            assert_eq!(call.await.unwrap_err().kind(), kind);
        }
        let refusing = service_fn(|_: CheckRequest| {
            ready(Ok::<_, CheckError>(Verdict::Inactive(
                InactiveReason::Unknown,
            )))
        });
        let call = meter(&metrics).layer(refusing).oneshot(request());
        assert!(call.await.is_ok());
        let results = results(&metrics);
        assert_eq!(results["invalid"], 1);
        assert_eq!(results["timeout"], 1);
        // A closed connection and a truncated reply; a malformed reply and a doubtful one.
        assert_eq!((results["truncated"], results["bad_response"]), (2, 2));
        // No connection, and a proxy that refuses to open one.
        assert_eq!(results["connect"], 2);
        let calls = CheckErrorKind::ALL.len() as u64 + 1;
        assert_eq!(results.values().sum::<u64>(), calls);
        assert_eq!(metrics.0.calls.duration.observed().count, calls);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_took_too_long() {
        let metrics = Metrics::default();
        let hanging = service_fn(|_: CheckRequest| pending::<Result<Verdict, CheckError>>());
        let call = meter(&metrics).layer(hanging).oneshot(request());
        let given_up = tokio::time::timeout(Duration::from_secs(3), async {
            tokio::join!(call, async {
                tokio::task::yield_now().await;
                assert_eq!(metrics.0.calls.in_flight(), 1);
            })
        });
        assert!(given_up.await.is_err());
        assert_eq!(metrics.0.calls.in_flight(), 0);
        assert_eq!(results(&metrics), HashMap::from([("timeout", 1)]));
        assert_eq!(metrics.0.calls.duration.observed().sum, 3.0);
    }

    #[test]
    fn what_was_refused_without_a_call_is_none() {
        let metrics = Metrics::default();
        let outcome = CheckOutcome::Failed(CheckErrorKind::Shed);
        metrics.refused(CheckPurpose::Admission, outcome, Duration::ZERO);
        assert_eq!(
            (results(&metrics).len(), metrics.0.calls.in_flight()),
            (0, 0)
        );
        assert_eq!(metrics.0.calls.duration.observed().count, 0);
    }

    #[test]
    fn there_is_a_result_for_each_word_but_that_nobody_waited() {
        let metrics = Metrics::default();
        let words: Vec<_> = metrics.0.calls.results().map(|(word, _)| word).collect();
        assert_eq!(words.len(), CheckOutcome::WORDS.len() - 1);
        assert!(!words.contains(&"client_gone"));
    }
}
