//! Answers about one kind of subject: remembered if possible, asked for once if not.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::cache::{AnswerCache, Found, Subject};
use super::failure_log::FailureLog;
use super::flight::{Flights, Landing, Outcome, Seat, Seats, Waiters};
use crate::check::{CheckError, CheckErrorKind, Told};

/// The source of answers about a subject.
pub(super) trait Ask<T: Subject>: Clone + Send + Sync + 'static {
    /// The question, with all that is needed to ask it again.
    type Question: Clone + Send + Sync + 'static;

    fn ask(
        self,
        question: Self::Question,
        wanted: Wanted,
    ) -> impl Future<Output = Outcome<Told<T::Answer>>> + Send;
}

/// What a question is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The answer was good when it was last asked for.
    pub(super) is_known: bool,
    /// What others remember will not do.
    pub(super) needs_new: bool,
}

/// A cache that asks for what it does not have, one question at a time for each key.
///
/// A handle: clones share everything.
pub(super) struct ReadThrough<T: Subject, A>(Arc<Inner<T, A>>);

struct Inner<T: Subject, A> {
    cache: Arc<AnswerCache<T>>,
    flights: Arc<Flights<T::Key, Told<T::Answer>>>,
    issuer: A,
    /// How long one question may take, whatever the issuer does.
    timeout: Duration,
    failures: Arc<FailureLog>,
}

impl<T: Subject, A: Ask<T>> ReadThrough<T, A> {
    pub(super) fn new(
        cache: AnswerCache<T>,
        seats: Seats,
        issuer: A,
        timeout: Duration,
        failures: FailureLog,
    ) -> Self {
        Self(Arc::new(Inner {
            cache: Arc::new(cache),
            flights: Arc::new(Flights::new(seats)),
            issuer,
            timeout,
            failures: Arc::new(failures),
        }))
    }

    /// Asks, together with everybody who is asking the same right now. `is_known` tells whether the
    /// answer was good when it was last asked for.
    pub(super) fn ask(
        &self,
        key: T::Key,
        question: A::Question,
        max_age: Option<Duration>,
        is_known: bool,
    ) -> Waiting<T> {
        let grace = |key| Grace {
            cache: Arc::clone(&self.0.cache),
            key,
            max_age,
            failures: Arc::clone(&self.0.failures),
        };
        let Some((seat, landing)) = self.0.flights.board(&key, is_known) else {
            let error = CheckError::with_source(CheckErrorKind::Shed, "too many requests wait");
            self.0.failures.note(&error);
            return Waiting::failed(error, &grace(key));
        };
        if let Some(landing) = landing {
            self.ask_unless_answered(landing, &key, question, max_age, is_known);
        }
        Waiting::seated(seat, grace(key))
    }

    /// Asks in the background for an answer that is due, unless a renewal is under way.
    pub(super) fn renew(&self, key: &T::Key, question: A::Question) {
        if !self.0.cache.claim_renewal(key) {
            return;
        }
        if let Some(landing) = self.0.flights.begin(key) {
            self.take_off(landing, key.clone(), question, None, true);
        }
    }

    /// Tells whether a question about it is under way.
    pub(super) fn is_under_way(&self, key: &T::Key) -> bool {
        self.0.flights.is_under_way(key)
    }

    /// The last flight may have landed after the caller looked and before it boarded.
    fn ask_unless_answered(
        &self,
        landing: Landing<T::Key, Told<T::Answer>>,
        key: &T::Key,
        question: A::Question,
        max_age: Option<Duration>,
        is_known: bool,
    ) {
        let mut landing = Some(landing);
        let close = || landing.take().map(Landing::close);
        let found = self.0.cache.look_again(key, max_age, close);
        match (found, landing) {
            (Some((told, Some(waiters))), _) => waiters.tell(&Ok(told)),
            (_, Some(landing)) => {
                self.take_off(landing, key.clone(), question, max_age, is_known);
            }
            (_, None) => {}
        }
    }

    fn take_off(
        &self,
        landing: Landing<T::Key, Told<T::Answer>>,
        key: T::Key,
        question: A::Question,
        max_age: Option<Duration>,
        is_known: bool,
    ) {
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            inner.fly(landing, key, question, max_age, is_known).await;
        });
    }
}

impl<T: Subject, A: Ask<T>> Inner<T, A> {
    async fn fly(
        &self,
        landing: Landing<T::Key, Told<T::Answer>>,
        key: T::Key,
        question: A::Question,
        max_age: Option<Duration>,
        is_known: bool,
    ) {
        let mut landing = Some(landing);
        let asking = self.call(&mut landing, &key, question, max_age, is_known);
        let asked = tokio::time::timeout(self.timeout, asking).await;
        let error = match asked {
            Ok(Ok((told, waiters))) => return waiters.tell(&Ok(told)),
            Ok(Err(error)) => error,
            Err(elapsed) => CheckError::with_source(CheckErrorKind::Timeout, elapsed),
        };
        if error.kind() == CheckErrorKind::AppMismatch {
            self.cache.forget(&key);
        }
        self.failures.note(&error);
        if let Some(landing) = landing {
            landing.land(&Err(error));
        }
    }

    /// Asks, and ends the flight in the same moment as the answer is stored: a later caller finds
    /// the stored answer, or asks anew, and no purge comes in between.
    ///
    /// Asks again if there was a purge meanwhile, because the answer may be from before the event
    /// that the purge is for; and once more if another cache has remembered the answer for too
    /// long.
    async fn call(
        &self,
        landing: &mut Option<Landing<T::Key, Told<T::Answer>>>,
        key: &T::Key,
        question: A::Question,
        max_age: Option<Duration>,
        is_known: bool,
    ) -> Result<(Told<T::Answer>, Waiters<Told<T::Answer>>), CheckError> {
        let mut wanted = Wanted {
            is_known,
            needs_new: false,
        };
        loop {
            let asked = self.cache.question();
            let told = self.issuer.clone().ask(question.clone(), wanted).await?;
            let told = told.no_later_than(asked.asked_at());
            let is_new = told.as_of().is_none();
            if is_new || self.cache.judge(key, told.clone(), max_age).is_some() {
                let close = || landing.take().map(Landing::close).unwrap_or_default();
                if let Ok(waiters) = self.cache.store(key, &told, asked, close) {
                    return Ok((told, waiters));
                }
            }
            if wanted.needs_new && !is_new {
                return Err(too_old());
            }
            wanted.needs_new = true;
        }
    }
}

/// Such an answer comes from a cache between us and the issuer, which was not asked.
fn too_old() -> CheckError {
    CheckError::with_source(CheckErrorKind::Unavailable, "the answer is too old")
}

impl<T: Subject, A> ReadThrough<T, A> {
    pub(super) fn cache(&self) -> &Arc<AnswerCache<T>> {
        &self.0.cache
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T: Subject, A> Clone for ReadThrough<T, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A future for an answer; where the issuer is out of reach and a grace period is configured, for
/// the last good one.
pub(super) struct Waiting<T: Subject> {
    stage: Stage<T>,
    /// The failure that an older answer stands in for.
    bridged: Option<CheckError>,
}

enum Stage<T: Subject> {
    /// There was nothing to wait for; taken by the first poll.
    Decided(Option<Result<Found<T::Answer>, CheckError>>),
    Seated(Seat<Told<T::Answer>>, Grace<T>),
}

/// What is needed to judge an answer, and to fall back on the last good one.
struct Grace<T: Subject> {
    cache: Arc<AnswerCache<T>>,
    key: T::Key,
    max_age: Option<Duration>,
    failures: Arc<FailureLog>,
}

impl<T: Subject> Waiting<T> {
    pub(super) fn decided(outcome: Result<Found<T::Answer>, CheckError>) -> Self {
        Self {
            stage: Stage::Decided(Some(outcome)),
            bridged: None,
        }
    }

    fn seated(seat: Seat<Told<T::Answer>>, grace: Grace<T>) -> Self {
        Self {
            stage: Stage::Seated(seat, grace),
            bridged: None,
        }
    }

    fn failed(error: CheckError, grace: &Grace<T>) -> Self {
        let outcome = grace.bridge(error.clone());
        Self {
            bridged: outcome.is_ok().then_some(error),
            ..Self::decided(outcome)
        }
    }

    /// Returns the failure that the answer stands in for, once there is one.
    pub(super) fn bridged(&self) -> Option<&CheckError> {
        self.bridged.as_ref()
    }
}

impl<T: Subject> Grace<T> {
    /// Those who wait for one flight may want answers of different age.
    fn judge(&self, told: Told<T::Answer>) -> Result<Found<T::Answer>, CheckError> {
        let found = self.cache.judge(&self.key, told, self.max_age);
        found.ok_or_else(too_old)
    }

    fn bridge(&self, error: CheckError) -> Result<Found<T::Answer>, CheckError> {
        if !error.kind().is_outage() {
            return Err(error);
        }
        match self.cache.get_stale(&self.key, self.max_age) {
            Some(found) => {
                self.failures.note_stale(&error);
                Ok(found)
            }
            None => Err(error),
        }
    }
}

// Nothing in it is pinned.
impl<T: Subject> Unpin for Waiting<T> {}

impl<T: Subject> Future for Waiting<T> {
    type Output = Result<Found<T::Answer>, CheckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stage, bridged } = &mut *self;
        let (seat, grace) = match stage {
            Stage::Decided(outcome) => {
                return Poll::Ready(outcome.take().expect("Waiting polled after completion"));
            }
            Stage::Seated(seat, grace) => (seat, grace),
        };
        let told = ready!(Pin::new(seat).poll(cx));
        Poll::Ready(told.and_then(|told| grace.judge(told)).or_else(|error| {
            let found = grace.bridge(error.clone())?;
            *bridged = Some(error);
            Ok(found)
        }))
    }
}
