//! When calls are held back because the issuer fails; a pure state machine.
//!
//! ```text
//!                 5 subjects fail in a row, or half of 20 in 10 s,
//!                 or the issuer asks for quiet
//!        Closed ──────────────────────────────────────────────► Open ─┐ a trial fails:
//!           ▲                                                    │ ▲   │ open twice as long
//!           └──────────── a trial or a probe is answered ────────┘ └───┘
//! ```
//!
//! 1. Every opening and every closing begins a new generation. What was sent in an earlier one
//!    changes nothing any more: an old answer closes no breaker that was opened later, and an old
//!    failure opens none that was closed since. Only a wish for quiet always counts.
//! 2. A failure counts once for each subject, however often that one fails. One of which no subject
//!    can be the cause, because there was no connection, counts each time.
//! 3. A *trial* is a request that is let through when the open time is over; one at a time. Only
//!    trials lengthen the open time. A subject with a failed trial lets others go first.
//! 4. A *probe* is a call of the breaker's own; one at a time, and none in a quiet that the issuer
//!    has asked for.

use std::time::Duration;

use tokio::time::Instant;

use super::subject::{Apart, Subject};
use super::window::Window;
use crate::protection::BreakerState;

#[derive(Debug)]
pub(super) struct Breaker {
    /// Trials double the open time up to this.
    longest_open: Duration,
    /// How many breakers share the trials that one would have.
    share: u32,
    generation: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed { in_a_row: Apart, window: Window },
    Open(Open),
}

#[derive(Debug)]
struct Open {
    /// When a request may be tried.
    until: Instant,
    /// When a probe may be sent.
    quiet_until: Instant,
    /// How long it was opened, before the next doubling.
    open_time: Duration,
    is_tried: bool,
    is_probed: bool,
    /// The subjects of failed trials, the latest last.
    tried: Vec<Subject>,
}

/// The permission to make one call. Its holder must report the outcome to [`Breaker::settle`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    pub(super) role: Role,
    /// A probe has no subject.
    pub(super) subject: Option<Subject>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Call,
    Trial,
    Probe,
}

/// What the end of a call says about the issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::protection) enum Evidence {
    /// It is there.
    Answered,
    /// It is not there for this subject; it may have said when to come back.
    Failed(Option<Duration>),
    /// The issuer is down for all subjects: no connection could be made.
    Unreachable,
    /// It wants no calls for a while.
    Limited(Duration),
    /// Nothing, but that something is wrong with this subject.
    Odd(Option<Duration>),
    /// Nothing: the call was not made, or was dropped before its end.
    Nothing,
}

/// What a prober does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Probe {
    Send(Ticket),
    Wait(Instant),
    /// The opening that it was to probe is over.
    Over,
}

/// What a call's end has changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    Opened { generation: u64, open_for: Duration },
    Closed,
}

impl Breaker {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            longest_open: LONGEST_OPEN,
            share: 1,
            generation: 0,
            state: State::closed(now),
        }
    }

    /// Makes one without probes: only trials find out that the issuer is back, so its open time
    /// does not grow.
    pub(super) fn unprobed(now: Instant) -> Self {
        Self {
            longest_open: FIRST_OPEN,
            ..Self::new(now)
        }
    }

    /// Begins at a generation without tickets.
    pub(super) fn with_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// Opens from now on for as many times as long.
    pub(super) fn share(&mut self, share: u32) {
        self.share = share;
    }

    /// Lets a request pass, or tells when it may be worth trying again.
    pub(super) fn admit(&mut self, subject: Subject, now: Instant) -> Result<Ticket, Duration> {
        let role = match &mut self.state {
            State::Closed { .. } => Role::Call,
            State::Open(open) if !open.may_try(subject, now) => return Err(open.wait(now)),
            State::Open(open) => {
                open.is_tried = true;
                Role::Trial
            }
        };
        Ok(self.ticket(role, Some(subject)))
    }

    /// Returns the ticket of a call that began before there was this breaker.
    pub(super) fn late_ticket(&self, subject: Subject) -> Ticket {
        self.ticket(Role::Call, Some(subject))
    }

    /// Returns how many subjects have failed, apart from one another, since the last answer; none
    /// while it is open.
    pub(super) fn in_a_row(&self) -> usize {
        match &self.state {
            State::Closed { in_a_row, .. } => in_a_row.len(),
            State::Open(_) => 0,
        }
    }

    /// Lets the prober of one opening make a call.
    pub(super) fn probe(&mut self, generation: u64, now: Instant) -> Probe {
        let State::Open(open) = &mut self.state else {
            return Probe::Over;
        };
        if generation != self.generation || open.is_probed {
            return Probe::Over;
        }
        if now < open.quiet_until {
            return Probe::Wait(open.quiet_until);
        }
        open.is_probed = true;
        Probe::Send(self.ticket(Role::Probe, None))
    }

    /// Takes note of how a call ended. `jitter`, from 0 to 1, lengthens open times by up to a
    /// tenth, so that many gates do not try the issuer in the same moment.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        evidence: Evidence,
        now: Instant,
        jitter: f64,
    ) -> Option<Change> {
        let is_current = ticket.generation == self.generation;
        if is_current && let State::Open(open) = &mut self.state {
            open.give_back(ticket.role);
        }
        match evidence {
            Evidence::Limited(wait) => {
                let wait = wait.clamp(LEAST_QUIET, LONGEST_QUIET);
                self.hold(now, FIRST_OPEN, jittered(wait, jitter), wait)
            }
            _ if !is_current => None,
            Evidence::Answered => self.answered(now),
            Evidence::Failed(wait) => {
                let quiet = wait.unwrap_or_default().min(LONGEST_PAUSE);
                self.failed(ticket, ticket.subject, now, jitter, quiet)
            }
            Evidence::Unreachable => self.failed(ticket, None, now, jitter, Duration::ZERO),
            Evidence::Odd(_) | Evidence::Nothing => None,
        }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match &self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open(open) if now < open.until => BreakerState::Open,
            State::Open(_) => BreakerState::HalfOpen,
        }
    }

    fn answered(&mut self, now: Instant) -> Option<Change> {
        match &mut self.state {
            State::Closed { in_a_row, window } => {
                *in_a_row = Apart::default();
                window.answered(now);
                None
            }
            State::Open(_) => {
                self.generation += 1;
                self.state = State::closed(now);
                Some(Change::Closed)
            }
        }
    }

    /// Notes a failure of a subject, or of none in particular.
    fn failed(
        &mut self,
        ticket: Ticket,
        blamed: Option<Subject>,
        now: Instant,
        jitter: f64,
        quiet: Duration,
    ) -> Option<Change> {
        let open_time = match &mut self.state {
            State::Closed { in_a_row, window } => {
                in_a_row.add(blamed);
                window.failed(now, blamed);
                if in_a_row.len() < FAILURES_IN_A_ROW && !window.is_bad() {
                    return None;
                }
                FIRST_OPEN
            }
            State::Open(open) if ticket.role == Role::Trial => {
                open.note_tried(blamed);
                (open.open_time * 2).min(self.longest_open)
            }
            State::Open(open) => {
                open.extend(now + quiet, now + quiet);
                return None;
            }
        };
        let open_for = jittered((open_time * self.share).max(quiet), jitter);
        self.hold(now, open_time, open_for, quiet)
    }

    /// Opens the breaker, or keeps it open longer.
    fn hold(
        &mut self,
        now: Instant,
        open_time: Duration,
        open_for: Duration,
        quiet: Duration,
    ) -> Option<Change> {
        if let State::Open(open) = &mut self.state {
            open.open_time = open.open_time.max(open_time);
            open.extend(now + open_for, now + quiet);
            return None;
        }
        self.generation += 1;
        self.state = State::Open(Open {
            until: now + open_for,
            quiet_until: now + quiet,
            open_time,
            is_tried: false,
            is_probed: false,
            tried: Vec::new(),
        });
        Some(Change::Opened {
            generation: self.generation,
            open_for,
        })
    }

    fn ticket(&self, role: Role, subject: Option<Subject>) -> Ticket {
        Ticket {
            generation: self.generation,
            role,
            subject,
        }
    }
}

impl State {
    fn closed(now: Instant) -> Self {
        Self::Closed {
            in_a_row: Apart::default(),
            window: Window::new(now),
        }
    }
}

impl Open {
    fn may_try(&self, subject: Subject, now: Instant) -> bool {
        let has_failed = || {
            self.tried
                .iter()
                .any(|tried| !subject.is_apart_from(*tried))
        };
        now >= self.until && !self.is_tried && (now >= self.until + OTHERS_FIRST || !has_failed())
    }

    fn note_tried(&mut self, subject: Option<Subject>) {
        if let Some(subject) = subject {
            self.tried.retain(|tried| *tried != subject);
            if self.tried.len() == MOST_TRIED {
                self.tried.remove(0);
            }
            self.tried.push(subject);
        }
    }

    fn give_back(&mut self, role: Role) {
        match role {
            Role::Call => {}
            Role::Trial => self.is_tried = false,
            Role::Probe => self.is_probed = false,
        }
    }

    fn extend(&mut self, until: Instant, quiet_until: Instant) {
        self.until = self.until.max(until);
        self.quiet_until = self.quiet_until.max(quiet_until);
    }

    /// Returns when a request may pass: after the quiet, a probe may let it in at any moment.
    fn wait(&self, now: Instant) -> Duration {
        let quiet = self.quiet_until.saturating_duration_since(now);
        let open = self.until.saturating_duration_since(now);
        quiet.max(open.min(FIRST_OPEN))
    }
}

fn jittered(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(1.0 + 0.1 * jitter)
}

/// One failure may be chance, and a few people odd; five in a row are not.
pub(super) const FAILURES_IN_A_ROW: usize = 5;

/// How long a subject with a failed trial lets others go first. Without others, its own trials must
/// still find the issuer.
const OTHERS_FIRST: Duration = Duration::from_secs(5);

/// More trials than a minute has.
const MOST_TRIED: usize = 16;

/// Long enough for a process to be restarted, short enough to be worth waiting for.
pub(super) const FIRST_OPEN: Duration = Duration::from_secs(5);

/// What trials alone may keep a gate from noticing that the issuer is back.
pub(super) const LONGEST_OPEN: Duration = Duration::from_secs(60);

/// [GitHub's rule] for a limit that comes without a time.
///
/// [GitHub's rule]: https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/best-practices-for-using-the-rest-api
const LEAST_QUIET: Duration = Duration::from_secs(60);

/// GitHub's limits start anew every hour; who asks for more has its clock wrong.
const LONGEST_QUIET: Duration = Duration::from_secs(3600);

/// Any server on the way can send a 5xx with a `Retry-After`, and maintenance ends when it ends: it
/// may keep a gate from noticing no longer than trials may.
pub(super) const LONGEST_PAUSE: Duration = LONGEST_OPEN;
