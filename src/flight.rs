//! One check in flight per token, however many requests wait for it.
//!
//! 1. The first caller for a hash gets a [`Landing`] besides its [`Seat`]; whoever holds the
//!    landing owes all callers an answer. Later callers only get a seat.
//! 2. A caller that leaves drops its seat and nothing else: the check goes on for the others, and
//!    for the cache.
//! 3. The answer is stored in the cache before the flight ends, so there is no moment at which a
//!    request finds neither.
//! 4. A landing dropped without an answer (the check panicked, the runtime shut down) wakes all
//!    callers with an error. Nobody is let in, and nobody waits for ever.
//! 5. Seats are limited, because each holds a request in memory.
//!
//! moka can coalesce by itself, but it restarts the check when the leading caller leaves, and
//! panics after 200 restarts; HTTP servers drop the futures of clients that leave.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::check::{CheckError, CheckErrorKind, Verdict};
use crate::token::TokenHash;

pub(crate) type Outcome = Result<Verdict, CheckError>;

/// The checks under way.
#[derive(Default)]
pub(crate) struct Flights {
    // Held for a lookup and a push at the longest; never across an await.
    waiting: Mutex<Waiting>,
    seats: Seats,
}

/// How many requests may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seats {
    pub(crate) per_token: usize,
    pub(crate) in_all: usize,
}

#[derive(Default)]
struct Waiting {
    by_token: HashMap<TokenHash, Vec<oneshot::Sender<Outcome>>>,
    in_all: usize,
}

impl Flights {
    pub(crate) fn new(seats: Seats) -> Self {
        Self {
            waiting: Mutex::default(),
            seats,
        }
    }

    /// Joins the flight for `hash`; the first to come also gets the landing. None if all seats
    /// are taken.
    pub(crate) fn board(self: &Arc<Self>, hash: TokenHash) -> Option<(Seat, Option<Landing>)> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.in_all >= self.seats.in_all {
            return None;
        }
        let is_first = match waiting.by_token.entry(hash) {
            Entry::Occupied(flight) if flight.get().len() >= self.seats.per_token => return None,
            Entry::Occupied(mut flight) => {
                flight.get_mut().push(sender);
                false
            }
            Entry::Vacant(flight) => {
                flight.insert(vec![sender]);
                true
            }
        };
        waiting.in_all += 1;
        drop(waiting);

        let landing = is_first.then(|| Landing {
            flights: Some(Arc::clone(self)),
            hash,
        });
        Some((Seat(receiver), landing))
    }

    /// Tells whether a check of `hash` is under way.
    pub(crate) fn is_under_way(&self, hash: &TokenHash) -> bool {
        self.lock().by_token.contains_key(hash)
    }

    fn end(&self, hash: &TokenHash) -> Vec<oneshot::Sender<Outcome>> {
        let mut waiting = self.lock();
        let waiters = waiting.by_token.remove(hash).unwrap_or_default();
        waiting.in_all -= waiters.len();
        waiters
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every section leaves the map whole, so a panic elsewhere does not spoil it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Seats {
    /// A request that waits takes a few KiB, so these are some hundred MiB at the very most. One
    /// token gets a quarter: ten thousand requests of one client that starts cold find room, and
    /// leave some to others.
    fn default() -> Self {
        Self {
            per_token: 16_384,
            in_all: 65_536,
        }
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

/// A future for the outcome of a check that may be shared with other requests.
pub(crate) struct Seat(oneshot::Receiver<Outcome>);

impl Future for Seat {
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

    fn is_empty(flights: &Flights) -> bool {
        let waiting = flights.lock();
        waiting.by_token.is_empty() && waiting.in_all == 0
    }

    #[tokio::test]
    async fn one_landing_answers_all() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash()).unwrap();
        let (second, none) = flights.board(hash()).unwrap();
        assert!(none.is_none());
        landing.unwrap().land(&outcome());
        assert!(matches!(first.await, Ok(Verdict::Inactive(_))));
        assert!(matches!(second.await, Ok(Verdict::Inactive(_))));
    }

    #[tokio::test]
    async fn a_flight_without_an_answer_is_an_error_for_all() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash()).unwrap();
        let (second, _) = flights.board(hash()).unwrap();
        drop(landing);
        for checking in [first, second] {
            let error = checking.await.unwrap_err();
            assert_eq!(error.kind(), CheckErrorKind::Unavailable);
        }
        assert!(is_empty(&flights));
    }

    #[tokio::test]
    async fn the_next_flight_survives_the_end_of_the_last() {
        let flights = Arc::new(Flights::default());
        let (last, landing) = flights.board(hash()).unwrap();
        let landing = landing.unwrap();
        // Whoever boards while the last waiters are told must not lose its flight.
        let boarding = async {
            last.await.unwrap();
            flights.board(hash()).unwrap()
        };
        let ((next, next_landing), ()) = tokio::join!(boarding, async { landing.land(&outcome()) });
        next_landing.unwrap().land(&outcome());
        assert!(next.await.is_ok());
    }

    #[tokio::test]
    async fn all_callers_may_leave() {
        let flights = Arc::new(Flights::default());
        let (first, landing) = flights.board(hash()).unwrap();
        drop(first);
        let (second, none) = flights.board(hash()).unwrap();
        assert!(none.is_none());
        drop(second);
        landing.unwrap().land(&outcome());
        assert!(is_empty(&flights));
    }

    #[tokio::test]
    async fn seats_are_limited_per_token_and_in_all_and_become_free_again() {
        let seats = Seats {
            per_token: 2,
            in_all: 3,
        };
        let flights = Arc::new(Flights::new(seats));
        let [a, b, c] = ["a", "b", "c"].map(TokenHash::of);
        let (_first, landing) = flights.board(a).unwrap();
        let (_second, _) = flights.board(a).unwrap();
        assert!(flights.board(a).is_none());
        let (_third, other) = flights.board(b).unwrap();
        assert!(flights.board(c).is_none());
        landing.unwrap().land(&outcome());
        assert!(flights.board(c).is_some());
        drop(other);
        assert!(is_empty(&flights));
    }
}
