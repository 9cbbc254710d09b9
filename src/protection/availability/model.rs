//! The breaker against a model that keeps the whole history and looks at all of it each time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::breaker::{Breaker, Change, Evidence, Probe, Role, Ticket};
use super::subject::Subject;
use crate::protection::BreakerState;

// What is promised, once more: the model must not follow the breaker into a mistake.
const FAILURES_IN_A_ROW: usize = 5;
const LEAST_CALLS: usize = 20;
const WINDOW_SECONDS: u64 = 10;
const FIRST_OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(60);
const LEAST_QUIET: Duration = Duration::from_secs(60);
const LONGEST_QUIET: Duration = Duration::from_secs(3600);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const OTHERS_FIRST: Duration = Duration::from_secs(5);
const MOST_TRIED: usize = 16;

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    Admit(Subject),
    Probe,
    /// Ends one of the calls under way.
    Settle(prop::sample::Index, Evidence),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u64..4_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => (0_u64..90).prop_map(|s| Step::Wait(Duration::from_secs(s))),
        6 => subject().prop_map(Step::Admit),
        2 => Just(Step::Probe),
        6 => (any::<prop::sample::Index>(), evidence()).prop_map(|(i, e)| Step::Settle(i, e)),
    ]
}

/// Few enough to meet one another, and of both kinds.
fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        3 => (0_u64..30).prop_map(Subject::alone),
        1 => (0_u64..8, 0_u64..8).prop_map(|(person, group)| Subject::of(person, group)),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let wait = || (0_u64..10_000).prop_map(Duration::from_secs);
    prop_oneof![
        8 => Just(Evidence::Answered),
        14 => Just(Evidence::Failed(None)),
        2 => Just(Evidence::Unreachable),
        1 => Just(Evidence::Odd(None)),
        1 => wait().prop_map(|wait| Evidence::Failed(Some(wait))),
        1 => wait().prop_map(Evidence::Limited),
        2 => Just(Evidence::Nothing),
    ]
}

/// Since when the breaker is in its present state, and everything that has happened in it.
struct Model {
    generation: u64,
    since: Instant,
    is_open: bool,
    ends: Vec<(Instant, Ticket, Evidence)>,
    /// The open time and the quiet that it was opened with.
    opened_with: (Duration, Duration),
    out: Vec<Role>,
}

impl Model {
    fn new(now: Instant) -> Self {
        Self {
            generation: 0,
            since: now,
            is_open: false,
            ends: Vec::new(),
            opened_with: Default::default(),
            out: Vec::new(),
        }
    }

    fn quiet_of(evidence: Evidence) -> Duration {
        match evidence {
            Evidence::Limited(wait) => wait.clamp(LEAST_QUIET, LONGEST_QUIET),
            Evidence::Failed(Some(wait)) => wait.min(LONGEST_PAUSE),
            _ => Duration::ZERO,
        }
    }

    fn quiet_until(&self) -> Instant {
        // A failure that says nothing about GHES makes no call wait.
        let telling = self
            .ends
            .iter()
            .filter(|end| !matches!(end.2, Evidence::Nothing | Evidence::Odd(_)));
        let later = telling.map(|(at, _, e)| *at + Self::quiet_of(*e));
        later.fold(self.since + self.opened_with.1, Instant::max)
    }

    fn until(&self) -> Instant {
        let mut open_time = FIRST_OPEN;
        let mut until = self.since + self.opened_with.0;
        for (at, ticket, evidence) in &self.ends {
            if ticket.role == Role::Trial && is_failure(*evidence) {
                open_time = LONGEST_OPEN.min(open_time * 2);
                until = until.max(*at + open_time);
            }
        }
        until.max(self.quiet_until())
    }

    fn may_try(&self, subject: Subject, now: Instant) -> bool {
        let has_turn = now >= self.until() && !self.out.contains(&Role::Trial);
        let others_first = now < self.until() + OTHERS_FIRST;
        let is_like = |tried: &Subject| !subject.is_apart_from(*tried);
        !self.is_open || has_turn && !(others_first && self.tried().iter().any(is_like))
    }

    /// The subjects of failed trials, the latest first, each once.
    fn tried(&self) -> Vec<Subject> {
        let failed = self.ends.iter().rev().filter(|(_, ticket, evidence)| {
            ticket.role == Role::Trial && matches!(evidence, Evidence::Failed(_))
        });
        let mut tried = Vec::new();
        for subject in failed.filter_map(|(_, ticket, _)| ticket.subject) {
            if !tried.contains(&subject) {
                tried.push(subject);
            }
        }
        tried.truncate(MOST_TRIED);
        tried
    }

    fn may_probe(&self, now: Instant) -> bool {
        self.is_open && now >= self.quiet_until() && !self.out.contains(&Role::Probe)
    }

    fn is_tripped(&self, now: Instant) -> bool {
        let says_something =
            |end: &&(Instant, Ticket, Evidence)| end.2 == Evidence::Answered || is_failure(end.2);
        let counted: Vec<_> = self.ends.iter().filter(says_something).collect();
        let last_answer = counted.iter().rposition(|end| !is_failure(end.2));
        let in_a_row = &counted[last_answer.map_or(0, |at| at + 1)..];
        // Whole seconds since the state began; the present one is the last of ten.
        let second = |at: Instant| (at - self.since).as_secs();
        let is_recent = |end: &&End<'_>| second(end.0) + WINDOW_SECONDS > second(now);
        let recent: Vec<_> = counted.iter().filter(is_recent).copied().collect();
        let bad = apart(&last_of_each(&recent));
        let all = bad + recent.iter().filter(|end| !is_failure(end.2)).count();
        apart(in_a_row) >= FAILURES_IN_A_ROW || all >= LEAST_CALLS && bad * 2 >= all
    }

    fn change(&mut self, now: Instant, opened_with: Option<(Duration, Duration)>) {
        self.generation += 1;
        self.since = now;
        self.is_open = opened_with.is_some();
        self.opened_with = opened_with.unwrap_or_default();
        self.ends.clear();
        self.out.clear();
    }

    fn settle(&mut self, ticket: Ticket, evidence: Evidence, now: Instant) {
        let is_current = ticket.generation == self.generation;
        if is_current && let Some(at) = self.out.iter().position(|role| *role == ticket.role) {
            self.out.remove(at);
        }
        let quiet = Self::quiet_of(evidence);
        let is_limit = matches!(evidence, Evidence::Limited(_));
        if !is_current && !is_limit {
            return;
        }
        self.ends.push((now, ticket, evidence));
        if self.is_open && evidence == Evidence::Answered {
            self.change(now, None);
        } else if !self.is_open && is_limit {
            self.change(now, Some((quiet, quiet)));
        } else if !self.is_open && is_failure(evidence) && self.is_tripped(now) {
            self.change(now, Some((FIRST_OPEN.max(quiet), quiet)));
        }
    }
}

type End<'e> = &'e (Instant, Ticket, Evidence);

fn is_failure(evidence: Evidence) -> bool {
    matches!(evidence, Evidence::Failed(_) | Evidence::Unreachable)
}

/// The possible subject of a failure.
fn blamed(end: End<'_>) -> Option<Subject> {
    end.1.subject.filter(|_| end.2 != Evidence::Unreachable)
}

/// The failures, without those after which the same subject has failed again.
fn last_of_each<'e>(ends: &[End<'e>]) -> Vec<End<'e>> {
    let is_last = |at: usize| {
        let mut later = ends[at + 1..].iter().filter(|end| is_failure(end.2));
        blamed(ends[at]).is_none() || later.all(|later| blamed(later) != blamed(ends[at]))
    };
    let failed = (0..ends.len()).filter(|at| is_failure(ends[*at].2) && is_last(*at));
    failed.map(|at| ends[at]).collect()
}

/// How many failures have nothing in common with those that were counted before.
fn apart(ends: &[End<'_>]) -> usize {
    let (mut counted, mut nobodys) = (Vec::<Subject>::new(), 0);
    for end in ends.iter().filter(|end| is_failure(end.2)) {
        match blamed(end) {
            None => nobodys += 1,
            Some(new) if counted.iter().all(|old| new.is_apart_from(*old)) => counted.push(new),
            Some(_) => {}
        }
    }
    counted.len() + nobodys
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let (mut breaker, mut model) = (Breaker::new(now), Model::new(now));
    let mut under_way: Vec<Ticket> = Vec::new();
    for step in steps {
        match step {
            Step::Wait(time) => now += time,
            Step::Admit(subject) => {
                let admitted = breaker.admit(subject, now);
                prop_assert_eq!(admitted.is_ok(), model.may_try(subject, now));
                under_way.extend(admitted);
                model.out.extend(admitted.map(|ticket| ticket.role));
            }
            Step::Probe => {
                let probe = breaker.probe(model.generation, now);
                prop_assert_eq!(matches!(probe, Probe::Send(_)), model.may_probe(now));
                if let Probe::Send(ticket) = probe {
                    under_way.push(ticket);
                    model.out.push(Role::Probe);
                }
            }
            Step::Settle(index, evidence) if !under_way.is_empty() => {
                let ticket = under_way.swap_remove(index.index(under_way.len()));
                let was_open = model.is_open;
                let change = breaker.settle(ticket, evidence, now, 0.0);
                model.settle(ticket, evidence, now);
                prop_assert_eq!(change.is_some(), was_open != model.is_open);
            }
            Step::Settle(..) => {}
        }
        prop_assert_eq!(breaker.state(now) == BreakerState::Closed, !model.is_open);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_breaker_does_what_its_model_does(steps in vec(step(), 1..200)) {
        run(steps)?;
    }

    #[test]
    fn jitter_lengthens_by_a_tenth_at_most(jitter in 0.0..=1.0_f64) {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        let mut change = None;
        for person in 0..FAILURES_IN_A_ROW as u64 {
            let ticket = breaker.admit(Subject::alone(person), now).expect("closed");
            change = breaker.settle(ticket, Evidence::Failed(None), now, jitter);
        }
        let expected = FIRST_OPEN.mul_f64(1.0 + jitter / 10.0);
        let opened = Change::Opened { generation: 1, open_for: expected };
        prop_assert_eq!(change, Some(opened));
        let (early, anybody) = (Duration::from_millis(1), Subject::alone(9));
        prop_assert!(breaker.admit(anybody, now + expected - early).is_err());
        prop_assert!(breaker.admit(anybody, now + expected).is_ok());
    }
}
