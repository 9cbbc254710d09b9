//! A limit on the calls under way, of which a quarter is kept for renewals.
//!
//! 1. Admissions share what is not kept. Renewals take what is kept first, and else of what is
//!    shared, so a renewal never waits *only* where admissions wait.
//! 2. Who finds no place waits, in order, for a bounded time and in a bounded crowd. Admissions
//!    cannot crowd out renewals here either: each purpose has a waiting room of its own.
//! 3. Questions about memberships share what is not kept, and take half of it at most, however many
//!    there are: they must not keep people from being let in elsewhere.
//! 4. A place is free again when the call ends or its future is dropped.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt};

use super::refusal::Refusal;
use super::{Limits, Stack, StackFuture};
use crate::check::{CheckError, CheckPurpose, Question};

/// Limits the calls under way. Clones, and the services they make, share the places.
#[derive(Clone)]
pub(super) struct ConcurrencyLayer(Arc<Places>);

struct Places {
    shared: Semaphore,
    reserved: Semaphore,
    /// Beside one of `shared`.
    memberships: Semaphore,
    admissions_waiting: Semaphore,
    renewals_waiting: Semaphore,
    memberships_waiting: Semaphore,
}

/// Is free again when dropped.
#[expect(dead_code, reason = "held, and never looked at")]
struct Place<'p> {
    place: SemaphorePermit<'p>,
    of_memberships: Option<SemaphorePermit<'p>>,
}

impl ConcurrencyLayer {
    pub(super) fn new(limits: &Limits) -> Self {
        let reserved = limits.reserved_concurrency();
        let memberships = limits.membership_concurrency();
        let semaphore = |places: u32| Semaphore::new(places as usize);
        Self(Arc::new(Places {
            shared: semaphore(limits.concurrency.get() - reserved),
            reserved: semaphore(reserved),
            memberships: semaphore(memberships),
            admissions_waiting: semaphore(limits.queue),
            renewals_waiting: semaphore(limits.queue),
            memberships_waiting: semaphore(limits.queue),
        }))
    }
}

impl Places {
    async fn take(&self, purpose: CheckPurpose) -> Result<Place<'_>, CheckError> {
        if let Some(place) = self.free(purpose) {
            return Ok(place);
        }
        let waiting_room = match purpose {
            CheckPurpose::Admission => &self.admissions_waiting,
            CheckPurpose::Renewal => &self.renewals_waiting,
            CheckPurpose::Membership => &self.memberships_waiting,
        };
        let _waiting = waiting_room
            .try_acquire()
            .map_err(|_| Refusal::QueueFull.error(LONGEST_WAIT))?;
        match timeout(LONGEST_WAIT, self.next(purpose)).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Refusal::QueueTimeout.error(LONGEST_WAIT)),
        }
    }

    fn free(&self, purpose: CheckPurpose) -> Option<Place<'_>> {
        let (reserved, of_memberships) = match purpose {
            CheckPurpose::Admission => (None, None),
            CheckPurpose::Renewal => (self.reserved.try_acquire().ok(), None),
            CheckPurpose::Membership => (None, Some(self.memberships.try_acquire().ok()?)),
        };
        Some(Place {
            place: reserved.or_else(|| self.shared.try_acquire().ok())?,
            of_memberships,
        })
    }

    /// Waits for a membership's own place first, so that no more of them stand in the common line
    /// than may go on.
    async fn next(&self, purpose: CheckPurpose) -> Result<Place<'_>, AcquireError> {
        let of_memberships = match purpose {
            CheckPurpose::Membership => Some(self.memberships.acquire().await?),
            CheckPurpose::Admission | CheckPurpose::Renewal => None,
        };
        Ok(Place {
            place: self.next_of_either(purpose).await?,
            of_memberships,
        })
    }

    /// Waits in both lines at once; a place that was given in the other line is given back.
    async fn next_of_either(
        &self,
        purpose: CheckPurpose,
    ) -> Result<SemaphorePermit<'_>, AcquireError> {
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

impl<Q: Question, S: Stack<Q>> Service<Q> for Concurrency<S> {
    type Response = Q::Answer;
    type Error = CheckError;
    type Future = StackFuture<Q::Answer>;

    /// Always ready: who waits here could not be told admissions from renewals.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
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
