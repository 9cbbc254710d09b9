//! Counting, at two places of the stack: the calls where they leave it, and outside of all other
//! layers what those have refused.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::monitor::{CheckOutcome, Counts};
use super::refusal::Refusal;
use super::{Question, Stack, StackFuture};
use crate::check::{CheckError, CheckPurpose};

/// Counts at one place of the stack.
#[derive(Clone)]
pub(super) struct MeterLayer {
    counts: Arc<Counts>,
    place: Place,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Calls,
    Refusals,
}

impl MeterLayer {
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
pub(super) struct Meter<S> {
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
    under_way.outcome = Q::outcome(&outcome);
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
        counts.completed(purpose, Q::outcome(&outcome), began_at.elapsed());
    }
    outcome
}

/// A call that has begun. Its end is counted even if nobody waits for it.
struct UnderWay {
    counts: Arc<Counts>,
    purpose: CheckPurpose,
    began_at: Instant,
    outcome: CheckOutcome,
}

impl UnderWay {
    fn begin(counts: Arc<Counts>, purpose: CheckPurpose) -> Self {
        counts.begin();
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
        self.counts.end();
        self.counts
            .completed(self.purpose, self.outcome, self.began_at.elapsed());
    }
}
