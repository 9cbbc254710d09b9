//! A limit on the calls under way, of which a quarter is kept for renewals.
//!
//! 1. Admissions share what is not kept. Renewals take what is kept first, and else of what is
//!    shared, so a renewal never waits *only* where admissions wait.
//! 2. Who finds no place waits, in order, for a bounded time and in a bounded crowd. Admissions
//!    cannot crowd out renewals here either: each purpose has a waiting room of its own.
//! 3. A place is free again when the call ends or its future is dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt};

use super::refusal::Refusal;
use super::{CheckFuture, CheckStack, Limits};
use crate::check::{CheckError, CheckPurpose, CheckRequest, Verdict};

/// Limits the calls under way. Clones, and the services they make, share the places.
#[derive(Clone)]
pub(super) struct ConcurrencyLayer(Arc<Places>);

struct Places {
    shared: Semaphore,
    reserved: Semaphore,
    admissions_waiting: Semaphore,
    renewals_waiting: Semaphore,
}

impl ConcurrencyLayer {
    pub(super) fn new(limits: &Limits) -> Self {
        let reserved = limits.reserved_concurrency();
        let semaphore = |places: u32| Semaphore::new(places as usize);
        Self(Arc::new(Places {
            shared: semaphore(limits.concurrency.get() - reserved),
            reserved: semaphore(reserved),
            admissions_waiting: semaphore(limits.queue),
            renewals_waiting: semaphore(limits.queue),
        }))
    }
}

impl Places {
    async fn take(&self, purpose: CheckPurpose) -> Result<SemaphorePermit<'_>, CheckError> {
        if let Some(place) = self.free(purpose) {
            return Ok(place);
        }
        let waiting_room = match purpose {
            CheckPurpose::Admission => &self.admissions_waiting,
            CheckPurpose::Renewal => &self.renewals_waiting,
        };
        let _waiting = waiting_room
            .try_acquire()
            .map_err(|_| Refusal::QueueFull.error(LONGEST_WAIT))?;
        match timeout(LONGEST_WAIT, self.next(purpose)).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Refusal::QueueTimeout.error(LONGEST_WAIT)),
        }
    }

    fn free(&self, purpose: CheckPurpose) -> Option<SemaphorePermit<'_>> {
        let reserved = match purpose {
            CheckPurpose::Admission => None,
            CheckPurpose::Renewal => self.reserved.try_acquire().ok(),
        };
        reserved.or_else(|| self.shared.try_acquire().ok())
    }

    /// Waits in both lines at once; a place that was given in the other line is given back.
    async fn next(&self, purpose: CheckPurpose) -> Result<SemaphorePermit<'_>, AcquireError> {
        let mut shared = pin!(self.shared.acquire());
        let mut reserved = pin!(self.reserved.acquire());
        poll_fn(|cx| {
            if purpose == CheckPurpose::Renewal {
                let place = reserved.as_mut().poll(cx);
                if place.is_ready() {
                    return place;
                }
            }
            shared.as_mut().poll(cx)
        })
        .await
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = Concurrency<S>;

    fn layer(&self, inner: S) -> Concurrency<S> {
        Concurrency {
            inner,
            places: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(super) struct Concurrency<S> {
    inner: S,
    places: Arc<Places>,
}

impl<S: CheckStack> Service<CheckRequest> for Concurrency<S> {
    type Response = Verdict;
    type Error = CheckError;
    type Future = CheckFuture;

    /// Always ready: who waits here could not be told admissions from renewals.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: CheckRequest) -> CheckFuture {
        let inner = self.inner.clone();
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let _place = places.take(request.purpose()).await?;
            inner.oneshot(request).await
        })
    }
}

/// The last of the three seconds that a whole check may take is left to the call.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
