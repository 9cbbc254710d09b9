//! Which client gets the next exchange with an address, when all are taken.
//!
//! 1. A free turn is taken at once, which is the usual case.
//! 2. Requests without a turn wait in line, for a limited time. The line is bounded, and one client
//!    gets no more than its share of it.
//! 3. Clients take turns, not requests: the next turn goes to the client that has waited longest
//!    since its last one. So a client with a hundred requests delays another's by one.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The exchanges with one address.
pub(in crate::upstream) struct Turns {
    limit: usize,
    taken: AtomicUsize,
    /// The length of the line, readable without its lock. No turn is taken past a line.
    waiting: AtomicUsize,
    line: Mutex<Line>,
}

/// The waiters: by client, the client with the next turn in front. No client is there twice, and
/// none without a waiter.
#[derive(Default)]
struct Line(VecDeque<(Option<IpAddr>, VecDeque<oneshot::Sender<()>>)>);

/// A place in the line.
struct Waiter<'t> {
    turns: &'t Turns,
    turn: oneshot::Receiver<()>,
    has_turn: bool,
}

/// There was no turn in time, or no place in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::upstream) struct Busy;

impl Turns {
    pub(in crate::upstream) fn new(limit: NonZeroU32) -> Self {
        Self {
            limit: limit.get() as usize,
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            line: Mutex::default(),
        }
    }

    /// Returns how many turns are taken.
    pub(in crate::upstream) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    pub(in crate::upstream) fn are_all_taken(&self) -> bool {
        self.taken() >= self.limit
    }

    /// Returns whether a request waits for a turn.
    pub(in crate::upstream) fn has_line(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Takes a turn if one is free; it has to be [released](Self::release).
    pub(in crate::upstream) fn take_now(&self) -> bool {
        !self.has_line() && self.take()
    }

    /// Waits for a client's turn; it has to be [released](Self::release).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the line.
    pub(in crate::upstream) async fn take_in_line(
        &self,
        client: Option<IpAddr>,
    ) -> Result<(), Busy> {
        let mut waiter = self.line_up(client)?;
        let waited = timeout(LONGEST_WAIT, &mut waiter.turn).await;
        waiter.has_turn = matches!(waited, Ok(Ok(())));
        waiter.has_turn.then_some(()).ok_or(Busy)
    }

    /// Gives a turn back, to the next in line.
    pub(in crate::upstream) fn release(&self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        // Either this sees the waiter, or the waiter has seen the turn.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.serve(&mut self.line());
        }
    }

    /// Takes a place in the line, even if a turn is free.
    fn line_up(&self, client: Option<IpAddr>) -> Result<Waiter<'_>, Busy> {
        let mut line = self.line();
        line.forget_the_gone();
        let (sender, turn) = oneshot::channel();
        line.push(client, sender)?;
        self.waiting.store(line.length(), Ordering::SeqCst);
        self.serve(&mut line);
        Ok(Waiter {
            turns: self,
            turn,
            has_turn: false,
        })
    }

    /// Gives the free turns to the waiters in front.
    fn serve(&self, line: &mut Line) {
        line.forget_the_gone();
        while !line.0.is_empty() && self.take() {
            if line.pop().is_none_or(|next| next.send(()).is_err()) {
                self.taken.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.waiting.store(line.length(), Ordering::SeqCst);
    }

    fn take(&self) -> bool {
        let more = |taken| (taken < self.limit).then_some(taken + 1);
        let order = Ordering::SeqCst;
        self.taken.fetch_update(order, order, more).is_ok()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock()
    }
}

impl Line {
    /// Takes a place after the client's other waiters, or after all clients.
    fn push(&mut self, client: Option<IpAddr>, waiter: oneshot::Sender<()>) -> Result<(), Busy> {
        if self.length() >= LONGEST_LINE {
            return Err(Busy);
        }
        match self.0.iter_mut().find(|(other, _)| *other == client) {
            Some((_, waiters)) if waiters.len() >= LONGEST_OF_ONE => return Err(Busy),
            Some((_, waiters)) => waiters.push_back(waiter),
            None => self.0.push_back((client, VecDeque::from([waiter]))),
        }
        Ok(())
    }

    /// Takes out the next waiter, and puts its client behind all others.
    fn pop(&mut self) -> Option<oneshot::Sender<()>> {
        let (client, mut waiters) = self.0.pop_front()?;
        let next = waiters.pop_front();
        if !waiters.is_empty() {
            self.0.push_back((client, waiters));
        }
        next
    }

    fn forget_the_gone(&mut self) {
        self.0.retain_mut(|(_, waiters)| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
    }

    fn length(&self) -> usize {
        self.0.iter().map(|(_, waiters)| waiters.len()).sum()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        // After this, no turn can be given to a waiter that does not take it.
        self.turn.close();
        if !self.has_turn && self.turn.try_recv().is_ok() {
            self.turns.release();
        }
    }
}

/// A burst is over by then. A client that would wait longer should get its response now and come
/// back later; a browser's user is gone after ten seconds.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Each waiter holds a request, of some 30 KiB.
const LONGEST_LINE: usize = 1024;

/// It takes eight clients to fill the line.
const LONGEST_OF_ONE: usize = LONGEST_LINE / 8;

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    fn turns(limit: u32) -> Turns {
        Turns::new(NonZeroU32::new(limit).unwrap())
    }

    fn client(number: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, number]))
    }

    #[tokio::test]
    async fn there_are_so_many_turns_and_one_more_for_each_that_is_released() {
        for limit in [1, 2, 7] {
            let turns = turns(limit);
            for _ in 0..limit {
                assert!(turns.take_now());
            }
            assert!(!turns.take_now());
            assert!(turns.are_all_taken());
            turns.release();
            assert!(turns.take_now());
            assert_eq!(turns.taken(), limit as usize);
        }
    }

    #[tokio::test]
    async fn a_turn_that_is_released_is_for_who_waits() {
        let turns = turns(1);
        assert!(turns.take_now());
        let mut waits = pin!(turns.take_in_line(client(1)));
        assert_eq!(waits.as_mut().now_or_never(), None);
        turns.release();
        assert!(!turns.take_now(), "it is taken");
        assert_eq!(waits.now_or_never(), Some(Ok(())));
        turns.release();
        assert!(turns.take_now());
    }

    #[tokio::test]
    async fn who_leaves_the_line_takes_no_turn_along() {
        let turns = turns(1);
        assert!(turns.take_now());
        {
            let mut before = pin!(turns.take_in_line(client(1)));
            assert_eq!(before.as_mut().now_or_never(), None);
        }
        {
            let mut with_turn = Box::pin(turns.take_in_line(client(1)));
            assert_eq!(with_turn.as_mut().now_or_never(), None);
            turns.release();
            assert!(turns.are_all_taken(), "the turn was given");
        }
        assert_eq!(turns.taken(), 0);
        assert!(turns.take_now());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let turns = turns(1);
        assert!(turns.take_now());
        let began_at = tokio::time::Instant::now();
        assert_eq!(turns.take_in_line(client(1)).await, Err(Busy));
        assert_eq!(began_at.elapsed(), LONGEST_WAIT);
        turns.release();
        assert!(turns.take_now(), "the line is empty");
    }

    #[tokio::test]
    async fn clients_take_turns_and_not_requests() {
        let turns = turns(1);
        assert!(turns.take_now());
        let wait = |number| {
            let mut waits = Box::pin(turns.take_in_line(client(number)));
            assert_eq!(waits.as_mut().now_or_never(), None);
            (number, waits)
        };
        let mut line: Vec<_> = [1, 1, 1, 1, 2, 3, 2].map(wait).into();
        let mut served = Vec::new();
        while !line.is_empty() {
            turns.release();
            let next = line
                .iter_mut()
                .position(|(_, waits)| waits.as_mut().now_or_never() == Some(Ok(())));
            served.push(line.remove(next.expect("a turn that is next")).0);
        }
        assert_eq!(served, [1, 2, 3, 1, 2, 1, 1]);
    }

    #[tokio::test]
    async fn a_client_has_a_share_of_the_line_and_the_line_an_end() {
        let turns = turns(1);
        assert!(turns.take_now());
        let mut line = Vec::new();
        for number in 0..8 {
            for _ in 0..LONGEST_OF_ONE {
                let mut waits = Box::pin(turns.take_in_line(client(number)));
                assert_eq!(waits.as_mut().now_or_never(), None);
                line.push(waits);
            }
            let more = turns.take_in_line(client(number)).now_or_never();
            assert_eq!(more, Some(Err(Busy)));
        }
        assert_eq!(line.len(), LONGEST_LINE);
        let more = turns.take_in_line(client(8)).now_or_never();
        assert_eq!(more, Some(Err(Busy)));
        line.pop();
        let mut more = pin!(turns.take_in_line(client(8)));
        assert_eq!(more.as_mut().now_or_never(), None, "there is room again");
    }

    /// A turn is not lost if it is given back at the moment when a waiter lines up.
    #[test]
    fn no_turn_is_lost_among_threads() {
        let turns = turns(2);
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
        };
        std::thread::scope(|scope| {
            for number in 0..4 {
                let turns = &turns;
                scope.spawn(move || {
                    runtime().unwrap().block_on(async {
                        for _ in 0..2_000 {
                            if !turns.take_now() {
                                turns.take_in_line(client(number)).await.unwrap();
                            }
                            turns.release();
                        }
                    });
                });
            }
        });
        assert_eq!(turns.taken(), 0);
        assert_eq!(turns.waiting.load(Ordering::SeqCst), 0);
    }
}
