use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::Histogram;
use crate::check::{CheckErrorKind, CheckOutcome, CheckPurpose};
use crate::protection::CheckObserver;

/// The calls to one GHES. They are rare, so their counters are plain.
#[derive(Debug, Default)]
pub(crate) struct Calls {
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
impl CheckObserver for Arc<Calls> {
    fn begun(&self, _: CheckPurpose) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    fn completed(&self, _: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        let result = match outcome {
            // A check runs in a task of its own, even without a waiter; only its deadline drops it.
            CheckOutcome::Abandoned => CheckOutcome::Failed(CheckErrorKind::Timeout),
            ended => ended,
        };
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.duration.observe(elapsed);
        self.results[result.index()].fetch_add(1, Ordering::Relaxed);
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

    fn meter(calls: &Arc<Calls>) -> MeterLayer {
        MeterLayer::observed_by(Arc::clone(calls))
    }

    fn results(calls: &Calls) -> HashMap<&'static str, u64> {
        let results = calls.results();
        results.filter(|(_, count)| *count > 0).collect()
    }

    #[tokio::test]
    async fn a_call_is_counted_by_how_it_ended() {
        let calls = Arc::<Calls>::default();
        for kind in CheckErrorKind::ALL {
            let failing =
                service_fn(move |_: CheckRequest| ready(Err::<Verdict, _>(CheckError::new(kind))));
            let call = meter(&calls).layer(failing).oneshot(request());
            assert_eq!(call.await.unwrap_err().kind(), kind);
        }
        let refusing = service_fn(|_: CheckRequest| {
            ready(Ok::<_, CheckError>(Verdict::Inactive(
                InactiveReason::Unknown,
            )))
        });
        let call = meter(&calls).layer(refusing).oneshot(request());
        assert!(call.await.is_ok());
        let results = results(&calls);
        assert_eq!(results["invalid"], 1);
        assert_eq!(results["timeout"], 1);
        // A closed connection and a truncated reply; a malformed reply and a doubtful one.
        assert_eq!((results["truncated"], results["bad_response"]), (2, 2));
        // No connection, and a proxy that refuses to open one.
        assert_eq!(results["connect"], 2);
        let all = CheckErrorKind::ALL.len() as u64 + 1;
        assert_eq!(results.values().sum::<u64>(), all);
        assert_eq!(calls.duration.observed().count, all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_took_too_long() {
        let calls = Arc::<Calls>::default();
        let hanging = service_fn(|_: CheckRequest| pending::<Result<Verdict, CheckError>>());
        let call = meter(&calls).layer(hanging).oneshot(request());
        let given_up = tokio::time::timeout(Duration::from_secs(3), async {
            tokio::join!(call, async {
                tokio::task::yield_now().await;
                assert_eq!(calls.in_flight(), 1);
            })
        });
        assert!(given_up.await.is_err());
        assert_eq!(calls.in_flight(), 0);
        assert_eq!(results(&calls), HashMap::from([("timeout", 1)]));
        assert_eq!(calls.duration.observed().sum, 3.0);
    }

    #[test]
    fn what_was_refused_without_a_call_is_none() {
        let calls = Arc::<Calls>::default();
        let outcome = CheckOutcome::Failed(CheckErrorKind::Shed);
        calls.refused(CheckPurpose::Admission, outcome, Duration::ZERO);
        assert_eq!((results(&calls).len(), calls.in_flight()), (0, 0));
        assert_eq!(calls.duration.observed().count, 0);
    }

    #[test]
    fn there_is_a_result_for_each_word_but_that_nobody_waited() {
        let calls = Arc::<Calls>::default();
        let words: Vec<_> = calls.results().map(|(word, _)| word).collect();
        assert_eq!(words.len(), CheckOutcome::WORDS.len() - 1);
        assert!(!words.contains(&"client_gone"));
    }
}
