//! Which of the app's credentials are good; a pure state machine.
//!
//! 1. Credentials that are refused give way to the next, until one is accepted or all were
//!    refused. Then the breaker is open, and one call at a time finds out, each with the next
//!    credentials and after twice the time.
//! 2. Every change begins a new generation, and what was sent in an earlier one changes nothing
//!    any more.

use std::time::Duration;

use tokio::time::Instant;

use crate::protection::BreakerState;

#[derive(Debug)]
pub(super) struct Rotation {
    count: usize,
    current: usize,
    generation: u64,
    /// How many in a row were refused.
    refused: usize,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    open_time: Duration,
    is_tried: bool,
}

/// The permission to make one call with certain credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket {
    pub(super) index: usize,
    generation: u64,
}

/// What is to be done after credentials were refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// Ask again, with others.
    Try(Ticket),
    /// All were refused, and this call was the one to find that out.
    Opened,
    GiveUp,
}

impl Rotation {
    /// Begins with the first of `count` credentials.
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            current: 0,
            generation: 0,
            refused: 0,
            open: None,
        }
    }

    /// Lets a request pass, or tells when one will be tried again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Ticket, Duration> {
        if let Some(open) = &mut self.open {
            if now < open.until || open.is_tried {
                return Err(open.until.saturating_duration_since(now));
            }
            open.is_tried = true;
        }
        Ok(self.ticket())
    }

    /// Takes note that the issuer took a call's credentials; returns whether this is news.
    pub(super) fn accepted(&mut self, ticket: Ticket) -> bool {
        let is_news = self.is_current(ticket) && self.refused > 0;
        if is_news {
            self.generation += 1;
            self.refused = 0;
            self.open = None;
        }
        is_news
    }

    /// Takes note that the issuer refused a call's credentials. `jitter`, from 0 to 1, lengthens
    /// the open time by up to a tenth.
    pub(super) fn refused(&mut self, ticket: Ticket, now: Instant, jitter: f64) -> Next {
        if !self.is_current(ticket) {
            return match self.open {
                Some(_) => Next::GiveUp,
                None => Next::Try(self.ticket()),
            };
        }
        self.generation += 1;
        self.current = (self.current + 1) % self.count;
        if let Some(open) = &mut self.open {
            *open = Open::new((open.open_time * 2).min(LONGEST_OPEN), now, jitter);
            return Next::GiveUp;
        }
        self.refused += 1;
        if self.refused < self.count {
            return Next::Try(self.ticket());
        }
        self.open = Some(Open::new(FIRST_OPEN, now, jitter));
        Next::Opened
    }

    /// Takes note that credentials were replaced: what became of them before says nothing.
    pub(super) fn replaced(&mut self) {
        self.generation += 1;
        self.refused = 0;
        self.open = None;
    }

    /// Takes note that a call has ended and said nothing about its credentials.
    pub(super) fn undecided(&mut self, ticket: Ticket) {
        let is_current = self.is_current(ticket);
        if let Some(open) = self.open.as_mut().filter(|_| is_current) {
            open.is_tried = false;
        }
    }

    /// Returns when the issuer is to be asked again; none while the breaker is closed.
    pub(super) fn open_until(&self) -> Option<Instant> {
        self.open.as_ref().map(|open| open.until)
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if now < open.until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn is_current(&self, ticket: Ticket) -> bool {
        ticket.generation == self.generation
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            index: self.current,
            generation: self.generation,
        }
    }
}

impl Open {
    fn new(open_time: Duration, now: Instant, jitter: f64) -> Self {
        Self {
            until: now + open_time.mul_f64(1.0 + 0.1 * jitter),
            open_time,
            is_tried: false,
        }
    }
}

/// GHES locks out who fails to log in too often, the good credentials included.
pub(super) const FIRST_OPEN: Duration = Duration::from_secs(30);

/// How long a repaired app may go unnoticed.
pub(super) const LONGEST_OPEN: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_credentials_are_tried_at_once_and_older_answers_say_nothing() {
        let now = Instant::now();
        let mut rotation = Rotation::new(1);
        let ticket = rotation.admit(now).unwrap();
        let late = rotation.admit(now).unwrap();
        assert_eq!(rotation.refused(ticket, now, 0.0), Next::Opened);
        assert!(rotation.admit(now).is_err());
        rotation.replaced();
        assert_eq!(rotation.state(now), BreakerState::Closed);
        assert!(rotation.admit(now).is_ok());
        assert!(matches!(rotation.refused(late, now, 0.0), Next::Try(_)));
        assert_eq!(rotation.state(now), BreakerState::Closed);
        let ticket = rotation.admit(now).unwrap();
        assert_eq!(rotation.refused(ticket, now, 0.0), Next::Opened);
    }

    #[test]
    fn an_old_answer_decides_nothing() {
        let now = Instant::now();
        let mut rotation = Rotation::new(1);
        let old = rotation.admit(now).unwrap();
        let refused = rotation.admit(now).unwrap();
        assert_eq!(rotation.refused(refused, now, 0.0), Next::Opened);
        assert!(!rotation.accepted(old));
        assert_eq!(rotation.refused(old, now, 0.0), Next::GiveUp);
        assert_eq!(rotation.open_until(), Some(now + FIRST_OPEN));
    }

    #[test]
    fn the_time_between_trials_doubles_up_to_five_minutes() {
        let mut now = Instant::now();
        let mut rotation = Rotation::new(2);
        let first = rotation.admit(now).unwrap();
        let Next::Try(second) = rotation.refused(first, now, 0.0) else {
            panic!("the second were not tried");
        };
        assert_eq!(rotation.refused(second, now, 0.0), Next::Opened);
        for (seconds, index) in [(30, 0), (60, 1), (120, 0), (240, 1), (300, 0), (300, 1)] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(rotation.admit(now), Err(wait));
            now += wait;
            assert_eq!(rotation.state(now), BreakerState::HalfOpen);
            let trial = rotation.admit(now).unwrap();
            assert_eq!(trial.index, index);
            assert_eq!(rotation.admit(now), Err(Duration::ZERO), "one at a time");
            assert_eq!(rotation.refused(trial, now, 0.0), Next::GiveUp);
        }
    }

    #[test]
    fn an_undecided_trial_leaves_room_for_the_next() {
        let now = Instant::now();
        let mut rotation = Rotation::new(1);
        let first = rotation.admit(now).unwrap();
        rotation.refused(first, now, 1.0);
        let later = now + FIRST_OPEN.mul_f64(1.1);
        assert!(rotation.admit(later - Duration::from_millis(1)).is_err());
        let trial = rotation.admit(later).unwrap();
        rotation.undecided(trial);
        let next = rotation.admit(later).unwrap();
        assert!(rotation.accepted(next));
        assert_eq!(rotation.state(later), BreakerState::Closed);
        assert!(!rotation.accepted(next), "no news twice");
    }
}
