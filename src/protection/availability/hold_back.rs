use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

use super::shared::SharedBreakers;
use crate::check::CheckError;
use crate::protection::{Guarded, Stack, StackFuture};

/// Refuses a subject with a call that failed a moment ago, before it takes a place, the rate, or
/// the trial of a breaker.
#[derive(Clone)]
pub(in crate::protection) struct HoldBackLayer(Arc<[Arc<SharedBreakers>]>);

impl HoldBackLayer {
    /// Refuses the subjects that one of the breakers suspects.
    pub(in crate::protection) fn new(
        breakers: impl IntoIterator<Item = Arc<SharedBreakers>>,
    ) -> Self {
        Self(breakers.into_iter().collect())
    }
}

impl<S> Layer<S> for HoldBackLayer {
    type Service = HoldBack<S>;

    fn layer(&self, inner: S) -> HoldBack<S> {
        HoldBack {
            inner,
            breakers: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(in crate::protection) struct HoldBack<S> {
    inner: S,
    breakers: Arc<[Arc<SharedBreakers>]>,
}

impl<Q: Guarded, S: Stack<Q>> Service<Q> for HoldBack<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        // Most of the time no subject is held back, so the subject need not be computed.
        let suspecting = self.breakers.iter().filter(|breakers| breakers.suspects());
        let held = suspecting.filter_map(|breakers| {
            let (subject, now) = (request.subject(), Instant::now());
            breakers.held(subject, now)
        });
        match { held }.next() {
            Some(held) => Box::pin(std::future::ready(Err(held.error()))),
            None => Box::pin(self.inner.clone().oneshot(request)),
        }
    }
}
