//! The breaker against a model that keeps the whole history and looks at all of it each time.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::breaker::{Breaker, Change, Evidence, Probe, Role, Ticket};
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

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    Admit,
    Probe,
    /// Ends one of the calls under way.
    Settle(prop::sample::Index, Evidence),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u64..4_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => (0_u64..90).prop_map(|s| Step::Wait(Duration::from_secs(s))),
        6 => Just(Step::Admit),
        2 => Just(Step::Probe),
        6 => (any::<prop::sample::Index>(), evidence()).prop_map(|(i, e)| Step::Settle(i, e)),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let wait = || (0_u64..10_000).prop_map(Duration::from_secs);
    prop_oneof![
        8 => Just(Evidence::Answered),
        16 => Just(Evidence::Failed(None)),
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
    ends: Vec<(Instant, Role, Evidence)>,
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
        let later = self.ends.iter().map(|(at, _, e)| *at + Self::quiet_of(*e));
        later.fold(self.since + self.opened_with.1, Instant::max)
    }

    fn until(&self) -> Instant {
        let mut open_time = FIRST_OPEN;
        let mut until = self.since + self.opened_with.0;
        for (at, role, evidence) in &self.ends {
            if *role == Role::Trial && matches!(evidence, Evidence::Failed(_)) {
                open_time = LONGEST_OPEN.min(open_time * 2);
                until = until.max(*at + open_time);
            }
        }
        until.max(self.quiet_until())
    }

    fn may_try(&self, now: Instant) -> bool {
        !self.is_open || now >= self.until() && !self.out.contains(&Role::Trial)
    }

    fn may_probe(&self, now: Instant) -> bool {
        self.is_open && now >= self.quiet_until() && !self.out.contains(&Role::Probe)
    }

    fn is_tripped(&self, now: Instant) -> bool {
        let counted: Vec<_> = self
            .ends
            .iter()
            .filter(|(_, _, evidence)| *evidence != Evidence::Nothing)
            .collect();
        let failed = |end: &&&(Instant, Role, Evidence)| matches!(end.2, Evidence::Failed(_));
        let in_a_row = counted.iter().rev().take_while(failed).count();
        // Whole seconds since the state began; the present one is the last of ten.
        let second = |at: Instant| (at - self.since).as_secs();
        let recent: Vec<_> = counted
            .iter()
            .filter(|end| second(end.0) + WINDOW_SECONDS > second(now))
            .collect();
        let bad = recent.iter().filter(|end| failed(end)).count();
        in_a_row >= FAILURES_IN_A_ROW || recent.len() >= LEAST_CALLS && bad * 2 >= recent.len()
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
        self.ends.push((now, ticket.role, evidence));
        if self.is_open && evidence == Evidence::Answered {
            self.change(now, None);
        } else if !self.is_open && is_limit {
            self.change(now, Some((quiet, quiet)));
        } else if !self.is_open && matches!(evidence, Evidence::Failed(_)) && self.is_tripped(now) {
            self.change(now, Some((FIRST_OPEN.max(quiet), quiet)));
        }
    }
}

fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut now = Instant::now();
    let (mut breaker, mut model) = (Breaker::new(now), Model::new(now));
    let mut under_way: Vec<Ticket> = Vec::new();
    for step in steps {
        match step {
            Step::Wait(time) => now += time,
            Step::Admit => {
                let admitted = breaker.admit(now);
                prop_assert_eq!(admitted.is_ok(), model.may_try(now));
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
        let ticket = breaker.admit(now).expect("closed");
        for _ in 1..FAILURES_IN_A_ROW {
            breaker.settle(ticket, Evidence::Failed(None), now, jitter);
        }
        let change = breaker.settle(ticket, Evidence::Failed(None), now, jitter);
        let expected = FIRST_OPEN.mul_f64(1.0 + jitter / 10.0);
        let opened = Change::Opened { generation: 1, open_for: expected };
        prop_assert_eq!(change, Some(opened));
        prop_assert!(breaker.admit(now + expected - Duration::from_millis(1)).is_err());
        prop_assert!(breaker.admit(now + expected).is_ok());
    }
}
