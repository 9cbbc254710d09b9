//! Counting, at two places of the stack: the calls where they leave it, and outside of all other
//! layers what those have refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::refusal::Refusal;
use super::{Stack, StackFuture};
use crate::check::{CheckError, CheckOutcome, CheckPurpose, Question};

/// Observes each call and the outcome of each check; for metrics.
///
/// Each method is called between other work and must not block.
pub trait CheckObserver: Send + Sync + 'static {
    /// Is told that a call has begun, of which [`completed`](Self::completed) tells the end.
    ///
    /// Retries and probes are calls of their own.
    fn begun(&self, purpose: CheckPurpose) {
        let _ = purpose;
    }

    /// Is told that a call has ended, which took `elapsed`.
    fn completed(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration);

    /// Is told that a check was refused without a call, `elapsed` after it was asked for.
    ///
    /// Unless you make a difference, it is completed like any other.
    fn refused(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        self.completed(purpose, outcome, elapsed);
    }
}

/// The counters of one issuer, and who else is told.
pub(super) struct Counts {
    in_flight: AtomicUsize,
    /// By [`CheckOutcome::index`].
    results: [AtomicU64; CheckOutcome::WORDS.len()],
    observer: Option<Arc<dyn CheckObserver>>,
}

impl Counts {
    pub(super) fn new(observer: Option<Arc<dyn CheckObserver>>) -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            results: [const { AtomicU64::new(0) }; CheckOutcome::WORDS.len()],
            observer,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn results(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.results.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        CheckOutcome::WORDS.into_iter().zip(counts)
    }

    fn begin(&self, purpose: CheckPurpose) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.begun(purpose);
        }
    }

    fn complete(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.count(outcome);
        if let Some(observer) = &self.observer {
            observer.completed(purpose, outcome, elapsed);
        }
    }

    fn refuse(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        self.count(outcome);
        if let Some(observer) = &self.observer {
            observer.refused(purpose, outcome, elapsed);
        }
    }

    fn count(&self, outcome: CheckOutcome) {
        self.results[outcome.index()].fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts at one place of the stack.
#[derive(Clone)]
pub(crate) struct MeterLayer {
    counts: Arc<Counts>,
    place: Place,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Calls,
    Refusals,
}

impl MeterLayer {
    /// Counts calls for an observer only, where there is no stack.
    #[cfg(feature = "proxy")]
    pub(crate) fn observed_by(observer: impl CheckObserver) -> Self {
        let counts = Counts::new(Some(Arc::new(observer)));
        Self::of_calls(&Arc::new(counts))
    }

    pub(super) fn of_calls(counts: &Arc<Counts>) -> Self {
        Self {
            counts: Arc::clone(counts),
            place: Place::Calls,
        }
    }

    pub(super) fn of_refusals(counts: &Arc<Counts>) -> Self {
        Self {
            counts: Arc::clone(counts),
            place: Place::Refusals,
        }
    }
}

impl<S> Layer<S> for MeterLayer {
    type Service = Meter<S>;

    fn layer(&self, inner: S) -> Meter<S> {
        Meter {
            inner,
            layer: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Meter<S> {
    inner: S,
    layer: MeterLayer,
}

impl<Q: Question, S: Stack<Q>> Service<Q> for Meter<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        let inner = self.inner.clone();
        let counts = Arc::clone(&self.layer.counts);
        match self.layer.place {
            Place::Calls => Box::pin(measured(inner, counts, request)),
            Place::Refusals => Box::pin(counted(inner, counts, request)),
        }
    }
}

async fn measured<Q: Question, S: Stack<Q>>(
    inner: S,
    counts: Arc<Counts>,
    request: Q,
) -> Result<Q::Answer, CheckError> {
    let mut under_way = UnderWay::begin(counts, request.purpose());
    let outcome = inner.oneshot(request).await;
    under_way.outcome = CheckOutcome::of(&outcome);
    outcome
}

async fn counted<Q: Question, S: Stack<Q>>(
    inner: S,
    counts: Arc<Counts>,
    request: Q,
) -> Result<Q::Answer, CheckError> {
    let (began_at, purpose) = (Instant::now(), request.purpose());
    let outcome = inner.oneshot(request).await;
    if let Err(error) = &outcome
        && Refusal::behind(error).is_some_and(|refusal| !refusal.is_repetition())
    {
        counts.refuse(purpose, CheckOutcome::of(&outcome), began_at.elapsed());
    }
    outcome
}

/// A call that has begun. Its end is counted even if the caller is gone.
struct UnderWay {
    counts: Arc<Counts>,
    purpose: CheckPurpose,
    began_at: Instant,
    outcome: CheckOutcome,
}

impl UnderWay {
    fn begin(counts: Arc<Counts>, purpose: CheckPurpose) -> Self {
        counts.begin(purpose);
        Self {
            counts,
            purpose,
            began_at: Instant::now(),
            outcome: CheckOutcome::Abandoned,
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.counts
            .complete(self.purpose, self.outcome, self.began_at.elapsed());
    }
}
