//! One check in flight per token, however many requests wait for it.
//!
//! 1. The first caller for a hash gets a [`Landing`] besides its [`Checking`]; whoever holds the
//!    landing owes all callers an answer. Later callers only get a `Checking`.
//! 2. A caller that leaves drops its `Checking` and nothing else: the check goes on for the
//!    others, and for the cache.
//! 3. The answer is stored in the cache before the flight ends, so there is no moment at which a
//!    request finds neither.
//! 4. A landing dropped without an answer (the check panicked, the runtime shut down) wakes all
//!    callers with an error. Nobody is let in, and nobody waits for ever.
//!
//! moka can coalesce by itself, but it restarts the check when the leading caller leaves, and
//! panics after 200 restarts; HTTP servers drop the futures of clients that leave.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::check::{CheckError, CheckErrorKind, Verdict};
use crate::token::TokenHash;

type Outcome = Result<Verdict, CheckError>;
type Waiters = Vec<oneshot::Sender<Outcome>>;

/// The checks under way.
#[derive(Default)]
pub(crate) struct Flights {
    // Held for a lookup and a push at the longest; never across an await.
    waiting: Mutex<HashMap<TokenHash, Waiters>>,
}

impl Flights {
    /// Joins the flight for `hash`; the first to come also gets the landing.
    pub(crate) fn board(self: &Arc<Self>, hash: TokenHash) -> (Checking, Option<Landing>) {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        let waiters = waiting.entry(hash).or_default();
        let is_first = waiters.is_empty();
        waiters.push(sender);
        drop(waiting);

        let landing = is_first.then(|| Landing {
            flights: Some(Arc::clone(self)),
            hash,
        });
        (Checking(receiver), landing)
    }

    fn end(&self, hash: &TokenHash) -> Waiters {
        self.lock().remove(hash).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenHash, Waiters>> {
        // Every section leaves the map whole, so a panic elsewhere does not spoil it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to answer everybody who waits for one hash.
pub(crate) struct Landing {
    /// Taken by the landing: after it, the hash may already belong to the next flight.
    flights: Option<Arc<Flights>>,
    hash: TokenHash,
}

impl Landing {
    /// Ends the flight and answers everybody.
    pub(crate) fn land(mut self, outcome: &Outcome) {
        let Some(flights) = self.flights.take() else {
            return;
        };
        for waiter in flights.end(&self.hash) {
            // The caller may have left meanwhile.
            let _ = waiter.send(outcome.clone());
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(flights) = self.flights.take() {
            flights.end(&self.hash);
        }
    }
}

/// A future for the verdict of a check that may be shared with other requests.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: the check goes on, and its verdict is remembered.
#[must_use = "futures do nothing unless polled"]
pub struct Checking(oneshot::Receiver<Outcome>);

impl Future for Checking {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let landed = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(
            landed.unwrap_or_else(|gone| {
                Err(CheckError::with_source(CheckErrorKind::Unavailable, gone))
            }),
        )
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checking").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::InactiveReason;

    fn hash() -> TokenHash {
        TokenHash::of("a")
    }

    fn outcome() -> Outcome {
        Ok(Verdict::Inactive(InactiveReason::Unknown))
    }

    #[tokio::test]
    async fn one_landing_answers_all() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash());
        let (second, none) = flights.board(hash());
        assert!(none.is_none());
        landing.unwrap().land(&outcome());
        assert!(matches!(first.await, Ok(Verdict::Inactive(_))));
        assert!(matches!(second.await, Ok(Verdict::Inactive(_))));
    }

    #[tokio::test]
    async fn a_flight_without_an_answer_is_an_error_for_all() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash());
        let (second, _) = flights.board(hash());
        drop(landing);
        for checking in [first, second] {
            let error = checking.await.unwrap_err();
            assert_eq!(error.kind(), CheckErrorKind::Unavailable);
        }
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn the_next_flight_survives_the_end_of_the_last() {
        let flights = Arc::new(Flights::default());
        let (last, landing) = flights.board(hash());
        let landing = landing.unwrap();
        // Whoever boards while the last waiters are told must not lose its flight.
        let boarding = async {
            last.await.unwrap();
            flights.board(hash())
        };
        let ((next, next_landing), ()) = tokio::join!(boarding, async { landing.land(&outcome()) });
        next_landing.unwrap().land(&outcome());
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn all_callers_may_leave() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash());
        drop(first);
        let (second, none) = flights.board(hash());
        assert!(none.is_none());
        drop(second);
        landing.unwrap().land(&outcome());
        assert!(flights.lock().is_empty());
    }
}
