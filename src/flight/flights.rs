use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::sync::{Mutex, MutexGuard};
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
    /// are taken, of which a quarter is for those who are known.
    pub(crate) fn board(
        self: &Arc<Self>,
        hash: TokenHash,
        is_known: bool,
    ) -> Option<(Seat, Option<Landing>)> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.in_all >= self.seats.open_to(is_known) {
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

    /// Begins a flight for which nobody waits yet, and which takes no seat; none if there is one.
    pub(crate) fn begin(self: &Arc<Self>, hash: TokenHash) -> Option<Landing> {
        let mut waiting = self.lock();
        match waiting.by_token.entry(hash) {
            Entry::Occupied(_) => None,
            Entry::Vacant(flight) => {
                flight.insert(Vec::new());
                Some(Landing {
                    flights: Some(Arc::clone(self)),
                    hash,
                })
            }
        }
    }

    /// Tells whether a check of `hash` is under way.
    pub(crate) fn is_under_way(&self, hash: &TokenHash) -> bool {
        self.lock().by_token.contains_key(hash)
    }

    fn end(&self, hash: &TokenHash) -> Waiters {
        let mut waiting = self.lock();
        let waiters = waiting.by_token.remove(hash).unwrap_or_default();
        waiting.in_all -= waiters.len();
        Waiters(waiters)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.by_token.is_empty() && waiting.in_all == 0
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Every section leaves the map whole, so a panic elsewhere does not spoil it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seats {
    fn open_to(self, is_known: bool) -> usize {
        if is_known {
            self.in_all
        } else {
            self.in_all - self.in_all / 4
        }
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

/// Those who waited for a flight that has ended. Dropped without an answer, they get an error.
#[derive(Default)]
#[must_use = "somebody waits for an answer"]
pub(crate) struct Waiters(Vec<oneshot::Sender<Outcome>>);

impl Landing {
    /// Ends the flight: whoever comes now boards the next.
    pub(crate) fn close(mut self) -> Waiters {
        let flights = self.flights.take();
        flights
            .map(|flights| flights.end(&self.hash))
            .unwrap_or_default()
    }

    /// Ends the flight and answers everybody.
    pub(crate) fn land(self, outcome: &Outcome) {
        self.close().tell(outcome);
    }
}

impl Waiters {
    pub(crate) fn tell(self, outcome: &Outcome) {
        for waiter in self.0 {
            // The caller may have left meanwhile.
            let _ = waiter.send(outcome.clone());
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(flights) = self.flights.take() {
            drop(flights.end(&self.hash));
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
