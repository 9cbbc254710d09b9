use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::sync::{Mutex, MutexGuard};
use crate::check::{CheckError, CheckErrorKind};

pub(crate) type Outcome<A> = Result<A, CheckError>;

/// The questions under way, by what they are about.
pub(crate) struct Flights<K, A> {
    // Held for a lookup and a push at the longest; never across an await.
    waiting: Mutex<Waiting<K, A>>,
    seats: Seats,
}

/// How many requests may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seats {
    pub(crate) per_flight: usize,
    pub(crate) in_all: usize,
}

struct Waiting<K, A> {
    by_key: HashMap<K, Vec<oneshot::Sender<Outcome<A>>>>,
    in_all: usize,
}

impl<K: Clone + Eq + Hash, A> Flights<K, A> {
    pub(crate) fn new(seats: Seats) -> Self {
        Self {
            waiting: Mutex::new(Waiting {
                by_key: HashMap::new(),
                in_all: 0,
            }),
            seats,
        }
    }

    /// Joins the flight for `key`; the first to come also gets the landing. None if all seats
    /// are taken, of which a quarter is for those who are known.
    pub(crate) fn board(
        self: &Arc<Self>,
        key: &K,
        is_known: bool,
    ) -> Option<(Seat<A>, Option<Landing<K, A>>)> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.in_all >= self.seats.open_to(is_known) {
            return None;
        }
        let is_first = match waiting.by_key.entry(key.clone()) {
            Entry::Occupied(flight) if flight.get().len() >= self.seats.per_flight => return None,
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
            key: key.clone(),
        });
        Some((Seat(receiver), landing))
    }

    /// Begins a flight without a waiter and without a seat; none if there is a flight already.
    pub(crate) fn begin(self: &Arc<Self>, key: &K) -> Option<Landing<K, A>> {
        let mut waiting = self.lock();
        match waiting.by_key.entry(key.clone()) {
            Entry::Occupied(_) => None,
            Entry::Vacant(flight) => {
                flight.insert(Vec::new());
                Some(Landing {
                    flights: Some(Arc::clone(self)),
                    key: key.clone(),
                })
            }
        }
    }

    /// Tells whether a question about `key` is under way.
    pub(crate) fn is_under_way(&self, key: &K) -> bool {
        self.lock().by_key.contains_key(key)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.by_key.is_empty() && waiting.in_all == 0
    }
}

impl<K: Eq + Hash, A> Flights<K, A> {
    fn end(&self, key: &K) -> Waiters<A> {
        let mut waiting = self.lock();
        let waiters = waiting.by_key.remove(key).unwrap_or_default();
        waiting.in_all -= waiters.len();
        Waiters(waiters)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<K, A>> {
        // Every section leaves the map whole, so a panic elsewhere does not spoil it.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, A> Default for Flights<K, A> {
    fn default() -> Self {
        Self::new(Seats::default())
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
    /// flight gets a quarter: ten thousand requests of one client that starts cold find room, and
    /// leave some to others.
    fn default() -> Self {
        Self {
            per_flight: 16_384,
            in_all: 65_536,
        }
    }
}

/// The duty to answer everybody who waits for one key.
pub(crate) struct Landing<K: Eq + Hash, A> {
    /// Taken by the landing: after it, the key may already belong to the next flight.
    flights: Option<Arc<Flights<K, A>>>,
    key: K,
}

/// Those who waited for a flight that has ended. Dropped without an answer, they get an error.
#[must_use = "callers wait for an answer"]
pub(crate) struct Waiters<A>(Vec<oneshot::Sender<Outcome<A>>>);

impl<K: Eq + Hash, A> Landing<K, A> {
    /// Ends the flight: the next caller boards the next one.
    pub(crate) fn close(mut self) -> Waiters<A> {
        let flights = self.flights.take();
        flights
            .map(|flights| flights.end(&self.key))
            .unwrap_or_default()
    }
}

impl<K: Eq + Hash, A: Clone> Landing<K, A> {
    /// Ends the flight and answers everybody.
    pub(crate) fn land(self, outcome: &Outcome<A>) {
        self.close().tell(outcome);
    }
}

impl<A: Clone> Waiters<A> {
    pub(crate) fn tell(self, outcome: &Outcome<A>) {
        for waiter in self.0 {
            // The caller may have left meanwhile.
            let _ = waiter.send(outcome.clone());
        }
    }
}

impl<A> Default for Waiters<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Eq + Hash, A> Drop for Landing<K, A> {
    fn drop(&mut self) {
        if let Some(flights) = self.flights.take() {
            drop(flights.end(&self.key));
        }
    }
}

/// A future for the outcome of a question that may be shared with other requests.
pub(crate) struct Seat<A>(oneshot::Receiver<Outcome<A>>);

impl<A> Future for Seat<A> {
    type Output = Outcome<A>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<A>> {
        let landed = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(
            landed.unwrap_or_else(|gone| {
                Err(CheckError::with_source(CheckErrorKind::Unavailable, gone))
            }),
        )
    }
}
