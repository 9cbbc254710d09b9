//! One question in flight per token, or token and group, however many requests wait for it.
//!
//! 1. The first caller for a key gets a [`Landing`] besides its [`Seat`]; the holder of the landing
//!    owes all callers an answer. Later callers only get a seat.
//! 2. A caller that leaves drops its seat and nothing else: the question goes on for the others, and
//!    for the cache.
//! 3. The answer is stored in the cache before the flight ends, so there is no moment at which a
//!    request finds neither.
//! 4. A landing dropped without an answer (the call panicked, the runtime shut down) wakes all
//!    callers with an error. No request is let in, and none waits for ever.
//! 5. Seats are limited, because each holds a request in memory.
//!
//! moka can coalesce by itself, but it restarts the check when the leading caller leaves, and
//! panics after 200 restarts; HTTP servers drop the futures of clients that leave.

mod flights;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod tests;

/// The tests compile the same code with locks whose schedule they decide.
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard};
}

pub(crate) use self::flights::{Flights, Landing, Outcome, Seat, Seats, Waiters};
