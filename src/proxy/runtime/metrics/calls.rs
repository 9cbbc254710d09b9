use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use super::Metrics;
use super::histogram::Histogram;
use crate::check::{CheckError, CheckErrorKind, InactiveReason, Verdict};
use crate::membership::Membership;

/// The calls to GHES. They are rare, so their counters are plain.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// One for each of [`RESULTS`].
    results: [AtomicU64; RESULTS.len()],
    pub(super) duration: Histogram,
    in_flight: AtomicI64,
}

impl Calls {
    pub(super) fn in_flight(&self) -> i64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Returns each result with how many calls ended so.
    pub(super) fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self
            .results
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        RESULTS.into_iter().zip(counts)
    }

    fn ended(&self, call: &Call) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.duration.observe(call.began_at.elapsed());
        if let Some(at) = RESULTS.iter().position(|known| *known == call.result) {
            self.results[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts the calls of a check service. It belongs around the client itself, inside of whatever
/// limits or repeats the calls.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct CallsLayer(Metrics);

impl CallsLayer {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }
}

impl<S> Layer<S> for CallsLayer {
    type Service = CountCalls<S>;

    fn layer(&self, inner: S) -> CountCalls<S> {
        CountCalls {
            inner,
            metrics: self.0.clone(),
        }
    }
}

/// A check service whose calls are counted.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct CountCalls<S> {
    inner: S,
    metrics: Metrics,
}

impl<S, Q> Service<Q> for CountCalls<S>
where
    S: Service<Q, Response: Answer, Error = CheckError>,
{
    type Response = S::Response;
    type Error = CheckError;
    type Future = CallFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let call = Call::begin(self.metrics.clone());
        CallFuture {
            inner: self.inner.call(request),
            call: Some(call),
        }
    }
}

/// Response future of [`CountCalls`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(in crate::proxy) struct CallFuture<F> {
    #[pin]
    inner: F,
    call: Option<Call>,
}

impl<F, A> Future for CallFuture<F>
where
    F: Future<Output = Result<A, CheckError>>,
    A: Answer,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let Some(mut call) = this.call.take() {
            call.result = match &outcome {
                Ok(answer) => answer.result(),
                Err(error) => error.kind().as_str(),
            };
        }
        Poll::Ready(outcome)
    }
}

/// What a call can bring.
pub(in crate::proxy) trait Answer {
    /// Returns its word, one of [`RESULTS`].
    fn result(&self) -> &'static str;
}

impl Answer for Verdict {
    fn result(&self) -> &'static str {
        match self {
            Self::Active(_) => VALID,
            Self::Inactive(reason) => reason.as_str(),
        }
    }
}

impl Answer for Membership {
    fn result(&self) -> &'static str {
        self.as_str()
    }
}

/// A call under way; counted when dropped.
#[derive(Debug)]
struct Call {
    metrics: Metrics,
    began_at: Instant,
    result: &'static str,
}

impl Call {
    fn begin(metrics: Metrics) -> Self {
        metrics.0.calls.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            metrics,
            began_at: Instant::now(),
            // A check runs in a task of its own, whoever waits; only its deadline drops it.
            result: CheckErrorKind::Timeout.as_str(),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.metrics.0.calls.ended(self);
    }
}

/// A good token; the other results have their words from what they are.
const VALID: &str = "valid";

/// A membership that a token may not show.
const NOT_VISIBLE: &str = "not_visible";

/// Every word for the end of a call, once.
const RESULTS: [&str; 25] = [
    VALID,
    InactiveReason::Expired.as_str(),
    InactiveReason::NoUser.as_str(),
    InactiveReason::Unknown.as_str(),
    InactiveReason::Unprocessable.as_str(),
    Membership::Active.as_str(),
    Membership::NotMember.as_str(),
    NOT_VISIBLE,
    Membership::TokenRefused.as_str(),
    CheckErrorKind::AppMismatch.as_str(),
    CheckErrorKind::Closed.as_str(),
    CheckErrorKind::Connect.as_str(),
    CheckErrorKind::CredentialsRefused.as_str(),
    CheckErrorKind::Dns.as_str(),
    CheckErrorKind::DoubtfulResponse.as_str(),
    CheckErrorKind::Forbidden.as_str(),
    CheckErrorKind::Outage.as_str(),
    CheckErrorKind::RateLimited.as_str(),
    CheckErrorKind::Redirect.as_str(),
    CheckErrorKind::ServerError.as_str(),
    CheckErrorKind::Shed.as_str(),
    CheckErrorKind::Timeout.as_str(),
    CheckErrorKind::Tls.as_str(),
    CheckErrorKind::TooLarge.as_str(),
    CheckErrorKind::Unavailable.as_str(),
];

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::future::{pending, ready};
    use std::time::Duration;

    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::check::CheckRequest;
    use crate::scope::Scopes;
    use crate::token::AccessToken;

    fn request() -> CheckRequest {
        CheckRequest::new(AccessToken::new("gho_any"))
    }

    fn results(metrics: &Metrics) -> HashMap<&'static str, u64> {
        let results = metrics.0.calls.results();
        results.filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn every_end_of_a_call_has_one_word() {
        let words: HashSet<_> = RESULTS.into_iter().collect();
        assert_eq!(words.len(), RESULTS.len());
        for kind in CheckErrorKind::ALL {
            assert!(words.contains(kind.as_str()), "{kind:?}");
        }
        let not_visible = Membership::NotVisible(Scopes::default());
        for answer in [Membership::Active, Membership::NotMember, not_visible] {
            assert!(words.contains(answer.result()), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_call_is_counted_by_how_it_ended() {
        let metrics = Metrics::default();
        for kind in CheckErrorKind::ALL {
            let failing = service_fn(move |_| ready(Err::<Verdict, _>(CheckError::new(kind))));
            let call = metrics.of_calls().layer(failing).oneshot(request());
            assert_eq!(call.await.unwrap_err().kind(), kind);
        }
        let refusing = service_fn(|_| ready(Ok(Verdict::Inactive(InactiveReason::Unknown))));
        let call = metrics.of_calls().layer(refusing).oneshot(request());
        assert!(call.await.is_ok());
        let results = results(&metrics);
        assert_eq!(results["invalid"], 1);
        assert_eq!(results["timeout"], 1);
        // A closed connection and a reply that breaks off, an odd reply and a doubtful one.
        assert_eq!((results["truncated"], results["bad_response"]), (2, 2));
        // No connection, and a proxy that refuses to make one.
        assert_eq!(results["connect"], 2);
        let calls = CheckErrorKind::ALL.len() as u64 + 1;
        assert_eq!(results.values().sum::<u64>(), calls);
        assert_eq!(metrics.0.calls.duration.observed().count, calls);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_given_up_took_too_long() {
        let metrics = Metrics::default();
        let hanging = service_fn(|_| pending::<Result<Verdict, CheckError>>());
        let call = metrics.of_calls().layer(hanging).oneshot(request());
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
}
