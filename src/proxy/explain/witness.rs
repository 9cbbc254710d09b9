//! What is asked about one token while somebody watches.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use crate::membership::{Group, Membership, MembershipRequest};
use crate::token::{AccessToken, TokenHash};

/// Sees each question that leaves for GHES, and notes those about tokens that are watched. A
/// handle.
///
/// Where nobody watches, which is almost always, this takes one look at a number for each
/// question.
#[derive(Clone, Default)]
pub(in crate::proxy) struct Witness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// How many watch: changed only together with what it counts.
    count: AtomicUsize,
    watched: Mutex<Vec<(TokenHash, Arc<Notes>)>>,
}

/// Who is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct AskedApp {
    /// The server's name.
    pub(super) ghes: String,
    pub(super) client_id: String,
}

/// One question, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) app: Arc<AskedApp>,
    pub(super) said: Said,
    pub(super) took: Duration,
}

#[derive(Clone, Debug)]
pub(in crate::proxy) enum Said {
    OfToken(Result<Verdict, CheckError>),
    OfMembership(Group, Result<Membership, CheckError>),
}

/// In the order in which they were answered.
#[derive(Default)]
struct Notes(Mutex<Vec<Note>>);

/// Watches a token until it is dropped.
pub(super) struct Watch {
    witness: Witness,
    notes: Arc<Notes>,
}

impl Witness {
    /// Makes the layer that stands before one app.
    pub(in crate::proxy) fn of(&self, ghes: &str, client_id: &str) -> WitnessLayer {
        let app = Arc::new(AskedApp {
            ghes: ghes.to_owned(),
            client_id: client_id.to_owned(),
        });
        let witness = self.clone();
        WitnessLayer { witness, app }
    }

    pub(super) fn watch(&self, token: TokenHash) -> Watch {
        let notes = Arc::<Notes>::default();
        let mut watched = self.watched();
        watched.push((token, Arc::clone(&notes)));
        self.0.count.store(watched.len(), Ordering::Relaxed);
        drop(watched);
        Watch {
            witness: self.clone(),
            notes,
        }
    }

    fn notes_on(&self, token: &AccessToken) -> Vec<Arc<Notes>> {
        if self.0.count.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let hash = token.hash();
        let watched = self.watched();
        let watched = watched.iter().filter(|(token, _)| *token == hash);
        watched.map(|(_, notes)| Arc::clone(notes)).collect()
    }

    fn watched(&self) -> MutexGuard<'_, Vec<(TokenHash, Arc<Notes>)>> {
        let watched = &self.0.watched;
        watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Returns what was noted since the last time.
    pub(super) fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.notes.lock())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.witness.watched();
        watched.retain(|(_, notes)| !Arc::ptr_eq(notes, &self.notes));
        self.witness.0.count.store(watched.len(), Ordering::Relaxed);
    }
}

/// Puts a [`Witness`] before the services of one app.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct WitnessLayer {
    witness: Witness,
    app: Arc<AskedApp>,
}

impl<S> Layer<S> for WitnessLayer {
    type Service = Witnessed<S>;

    fn layer(&self, inner: S) -> Witnessed<S> {
        Witnessed {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose questions are seen.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Witnessed<S> {
    inner: S,
    layer: WitnessLayer,
}

/// A question about a token.
pub(in crate::proxy) trait Question {
    type Answer: Clone;

    /// What is left of the question when it is sent.
    type Subject;

    fn token(&self) -> &AccessToken;

    fn subject(&self) -> Self::Subject;

    fn said(subject: Self::Subject, outcome: Result<Self::Answer, CheckError>) -> Said;
}

impl Question for CheckRequest {
    type Answer = Verdict;
    type Subject = ();

    fn token(&self) -> &AccessToken {
        self.token()
    }

    fn subject(&self) {}

    fn said((): (), outcome: Result<Verdict, CheckError>) -> Said {
        Said::OfToken(outcome)
    }
}

impl Question for MembershipRequest {
    type Answer = Membership;
    type Subject = Group;

    fn token(&self) -> &AccessToken {
        self.token()
    }

    fn subject(&self) -> Group {
        self.group().clone()
    }

    fn said(group: Group, outcome: Result<Membership, CheckError>) -> Said {
        Said::OfMembership(group, outcome)
    }
}

impl<S, Q> Service<Q> for Witnessed<S>
where
    Q: Question,
    S: Service<Q, Response = Q::Answer, Error = CheckError>,
{
    type Response = S::Response;
    type Error = CheckError;
    type Future = WitnessFuture<S::Future, Q>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, question: Q) -> Self::Future {
        let notes = self.layer.witness.notes_on(question.token());
        let asked = (!notes.is_empty()).then(|| Asked::<Q> {
            notes,
            app: Arc::clone(&self.layer.app),
            began_at: Instant::now(),
            subject: Some(question.subject()),
        });
        WitnessFuture {
            inner: self.inner.call(question),
            asked,
        }
    }
}

/// Response future of [`Witnessed`].
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub(in crate::proxy) struct WitnessFuture<F, Q: Question> {
    #[pin]
    inner: F,
    asked: Option<Asked<Q>>,
}

impl<F, Q> Future for WitnessFuture<F, Q>
where
    Q: Question,
    F: Future<Output = Result<Q::Answer, CheckError>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let outcome = ready!(this.inner.poll(cx));
        if let Some(mut asked) = this.asked.take() {
            asked.end(&outcome);
        }
        Poll::Ready(outcome)
    }
}

/// A question under way that somebody watches.
struct Asked<Q: Question> {
    notes: Vec<Arc<Notes>>,
    app: Arc<AskedApp>,
    began_at: Instant,
    /// Taken when it is answered.
    subject: Option<Q::Subject>,
}

impl<Q: Question> Asked<Q> {
    fn end(&mut self, outcome: &Result<Q::Answer, CheckError>) {
        let Some(subject) = self.subject.take() else {
            return;
        };
        let note = Note {
            app: Arc::clone(&self.app),
            said: Q::said(subject, outcome.clone()),
            took: self.began_at.elapsed(),
        };
        for notes in &self.notes {
            notes.lock().push(note.clone());
        }
    }
}

/// Who asks gives up only when it takes too long.
impl<Q: Question> Drop for Asked<Q> {
    fn drop(&mut self) {
        self.end(&Err(CheckError::new(CheckErrorKind::Timeout)));
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::check::InactiveReason;

    #[tokio::test]
    async fn only_questions_about_a_watched_token_are_noted_and_only_while_it_is() {
        let witness = Witness::default();
        let layer = witness.of("ghes.test", "app");
        let nobody = service_fn(async |_: CheckRequest| {
            Ok::<_, CheckError>(Verdict::Inactive(InactiveReason::Unknown))
        });
        let check = layer.layer(nobody);
        let ask = async |token: &str| {
            let request = CheckRequest::new(AccessToken::new(token));
            check.clone().oneshot(request).await.unwrap();
        };
        let (one, other) = (TokenHash::of("one"), TokenHash::of("other"));
        ask("one").await;
        let watch = witness.watch(one);
        let others = witness.watch(other);
        ask("one").await;
        ask("nobody's").await;
        assert_eq!((watch.take().len(), watch.take().len()), (1, 0));
        assert!(others.take().is_empty());
        drop((watch, others));
        assert!(witness.notes_on(&AccessToken::new("one")).is_empty());
        assert!(witness.watched().is_empty());
    }
}
