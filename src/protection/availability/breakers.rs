//! The breaker around everything, those around all that is about one person or one group, and
//! those who are held back by themselves; a pure state machine.
//!
//! All are told how each call has ended. Each holds back what its failures can be explained by, and
//! no more.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, Change, Evidence, LONGEST_PAUSE, Probe, Ticket};
use super::subject::{Side, Subject};
use super::suspects::Suspects;
use crate::check::CheckErrorKind;
use crate::protection::BreakerState;

#[derive(Debug)]
pub(super) struct Breakers {
    all: Breaker,
    /// How the last call failed.
    last: CheckErrorKind,
    sides: HashMap<Side, AroundSide>,
    /// Of the sides made so far.
    generations: u64,
    suspects: Suspects,
}

/// A person who failed with a group and was not answered since, or a group with a person.
#[derive(Debug)]
struct AroundSide {
    breaker: Breaker,
    last: CheckErrorKind,
}

/// The permission to make one call. Its holder owes [`Breakers::settle`] the end of the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub(super) ticket: Ticket,
    /// In the order of the subject's sides, where there is a breaker around one.
    sides: [Option<Ticket>; 2],
}

/// What holds a call back, with how the last one failed and when it may be worth trying again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct HeldBack {
    pub(super) by: Holder,
    pub(super) last: CheckErrorKind,
    pub(super) wait: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Holder {
    Subject,
    Side,
    All,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) evidence: Evidence,
    /// What those who are held back for it are told; of a failure only.
    pub(super) kind: CheckErrorKind,
}

/// What a call's end has changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Changes {
    pub(super) all: Option<Change>,
    /// Around the group that was asked about.
    pub(super) group: Option<Change>,
}

impl End {
    /// Tells whether it says how the issuer fails.
    fn is_of_issuer(self) -> bool {
        matches!(
            self.evidence,
            Evidence::Failed(_) | Evidence::Unreachable | Evidence::Limited(_)
        )
    }
}

impl From<Ticket> for Pass {
    /// Of a probe, which has no subject.
    fn from(ticket: Ticket) -> Self {
        let sides = [None, None];
        Self { ticket, sides }
    }
}

impl Breakers {
    pub(super) fn new(now: Instant) -> Self {
        Self::around(Breaker::new(now), LONGEST_HOLD)
    }

    /// Makes breakers without probes.
    pub(super) fn unprobed(now: Instant) -> Self {
        Self::around(Breaker::unprobed(now), LONGEST_UNPROBED_HOLD)
    }

    fn around(all: Breaker, longest_hold: Duration) -> Self {
        Self {
            all,
            last: CheckErrorKind::Unavailable,
            sides: HashMap::new(),
            generations: 0,
            suspects: Suspects::new(longest_hold),
        }
    }

    pub(super) fn suspects(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Tells whether a subject is held back by its own last failure. The second attempt after that
    /// failure does not ask this.
    pub(super) fn held(&self, subject: Subject, now: Instant) -> Option<HeldBack> {
        let (last, wait) = self.suspects.held(subject, now)?;
        let by = Holder::Subject;
        Some(HeldBack { by, last, wait })
    }

    pub(super) fn admit(&mut self, subject: Subject, now: Instant) -> Result<Pass, HeldBack> {
        let mut sides = [None, None];
        for (place, side) in sides.iter_mut().zip(subject.sides()) {
            let Some((side, inside)) = side else { continue };
            let Some(around) = self.sides.get_mut(&side) else {
                continue;
            };
            match around.breaker.admit(inside, now) {
                Ok(ticket) => *place = Some(ticket),
                Err(wait) => {
                    let (by, last) = (Holder::Side, around.last);
                    self.give_back(subject, sides, now);
                    return Err(HeldBack { by, last, wait });
                }
            }
        }
        match self.all.admit(subject, now) {
            Ok(ticket) => Ok(Pass { ticket, sides }),
            Err(wait) => {
                self.give_back(subject, sides, now);
                let (by, last) = (Holder::All, self.last);
                Err(HeldBack { by, last, wait })
            }
        }
    }

    pub(super) fn probe(&mut self, generation: u64, now: Instant) -> Probe {
        self.all.probe(generation, now)
    }

    pub(super) fn settle(&mut self, pass: Pass, end: End, now: Instant, jitter: f64) -> Changes {
        let is_back = end.evidence == Evidence::Answered && self.would_be_back(pass, now);
        let all = self.all.settle(pass.ticket, end.evidence, now, jitter);
        if end.is_of_issuer() {
            self.last = end.kind;
        }
        let subject = pass.ticket.subject;
        let group = subject.and_then(|subject| match end.evidence {
            Evidence::Answered => self.answered(subject, now),
            Evidence::Failed(asked) | Evidence::Odd(asked) => {
                let change = self.failed(subject, pass.sides, end, now, jitter);
                let asked = asked.unwrap_or_default().min(LONGEST_PAUSE);
                let share = self.share(subject);
                self.suspects.failed(subject, end.kind, share, asked, now);
                change
            }
            Evidence::Unreachable | Evidence::Limited(_) | Evidence::Nothing => {
                self.give_back(subject, pass.sides, now);
                None
            }
        });
        // It has nothing against those who asked while it was away.
        if is_back || all == Some(Change::Closed) {
            self.suspects.clear();
            self.sides.clear();
        }
        Changes { all, group }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        let around_groups = self.sides.iter().filter_map(|(side, around)| match side {
            Side::Group(_) => Some(around.breaker.state(now)),
            Side::Person(_) => None,
        });
        let states: Vec<_> = around_groups.chain([self.all.state(now)]).collect();
        [BreakerState::Open, BreakerState::HalfOpen]
            .into_iter()
            .find(|state| states.contains(state))
            .unwrap_or(BreakerState::Closed)
    }

    /// Tells whether an answer to this call would show that the issuer was away and is back: to one
    /// that had failed, after more had failed in a row than one odd subject explains.
    fn would_be_back(&self, pass: Pass, now: Instant) -> bool {
        let Some(subject) = pass.ticket.subject else {
            return false;
        };
        let mut sides = subject.sides().into_iter().flatten();
        let is_open = |around: &AroundSide| around.breaker.state(now) != BreakerState::Closed;
        let had_failed = self.suspects.contains(subject)
            || sides.any(|(side, _)| self.sides.get(&side).is_some_and(is_open));
        had_failed && self.all.in_a_row() >= MORE_THAN_ODD
    }

    /// Notes an answer about both sides of a subject; returns what it changes around the group.
    fn answered(&mut self, subject: Subject, now: Instant) -> Option<Change> {
        self.suspects.answered(subject);
        let mut change = None;
        for (side, _) in subject.sides().into_iter().flatten() {
            let around = self.sides.remove(&side);
            let is_open = |around: AroundSide| around.breaker.state(now) != BreakerState::Closed;
            if matches!(side, Side::Group(_)) && around.is_some_and(is_open) {
                change = Some(Change::Closed);
            }
        }
        change
    }

    /// Notes a failure of both sides of a subject; returns what it changes around the group.
    fn failed(
        &mut self,
        subject: Subject,
        tickets: [Option<Ticket>; 2],
        end: End,
        now: Instant,
        jitter: f64,
    ) -> Option<Change> {
        let share = shares(self.all.in_a_row());
        let evidence = match end.evidence {
            Evidence::Odd(asked) => Evidence::Failed(asked),
            other => other,
        };
        let mut change = None;
        for (side, ticket) in subject.sides().into_iter().zip(tickets) {
            let Some((side, inside)) = side else { continue };
            let Some(around) = self.around_side(side, now) else {
                continue;
            };
            around.last = end.kind;
            around.breaker.share(share);
            let ticket = ticket.unwrap_or_else(|| around.breaker.late_ticket(inside));
            let settled = around.breaker.settle(ticket, evidence, now, jitter);
            if matches!(side, Side::Group(_)) {
                change = settled;
            }
        }
        change
    }

    /// Returns the breaker around a side, made anew if need be and if there is room.
    fn around_side(&mut self, side: Side, now: Instant) -> Option<&mut AroundSide> {
        if self.sides.len() >= MOST_SIDES && !self.sides.contains_key(&side) {
            let is_open =
                |around: &mut AroundSide| around.breaker.state(now) != BreakerState::Closed;
            self.sides.retain(|_, around| is_open(around));
            if self.sides.len() >= MOST_SIDES {
                return None;
            }
        }
        let generations = &mut self.generations;
        Some(self.sides.entry(side).or_insert_with(|| {
            *generations += GENERATIONS_EACH;
            AroundSide {
                breaker: Breaker::unprobed(now).with_generation(*generations),
                last: CheckErrorKind::Unavailable,
            }
        }))
    }

    fn give_back(&mut self, subject: Subject, tickets: [Option<Ticket>; 2], now: Instant) {
        for (side, ticket) in subject.sides().into_iter().zip(tickets) {
            if let (Some((side, _)), Some(ticket)) = (side, ticket)
                && let Some(around) = self.sides.get_mut(&side)
            {
                around.breaker.settle(ticket, Evidence::Nothing, now, 0.0);
            }
        }
    }

    /// How many subjects share what one of them might ask: those that have failed in a row, of all
    /// or beside this one. Where nothing was answered since the first of them failed, it may be an
    /// outage of which too few people are witnesses.
    fn share(&self, subject: Subject) -> u32 {
        let sides = subject.sides().into_iter().flatten();
        let beside = sides.filter_map(|(side, _)| Some(self.sides.get(&side)?.breaker.in_a_row()));
        shares(beside.fold(self.all.in_a_row(), usize::max))
    }
}

fn shares(in_a_row: usize) -> u32 {
    u32::try_from(in_a_row).unwrap_or(1).max(1)
}

/// A gate with a single token in an outage asks no more often than a prober would.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(2);

/// Longer than the open time of a breaker without probes, jitter included.
pub(super) const LONGEST_UNPROBED_HOLD: Duration = Duration::from_secs(6);

/// One subject that fails is odd. Two that have nothing in common may be an outage.
const MORE_THAN_ODD: usize = 2;

/// As many people or groups as may fail before their breakers are forgotten.
const MOST_SIDES: usize = 4_096;

/// More than a breaker has in a lifetime.
const GENERATIONS_EACH: u64 = 1 << 32;
