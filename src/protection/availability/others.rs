//! Whatever one odd subject does, no other is held back: a property of all breakers together.

use std::collections::HashMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::Instant;

use super::breaker::Evidence;
use super::breakers::{Breakers, End, Holder, Pass};
use super::subject::Subject;
use crate::check::CheckErrorKind;
use crate::protection::BreakerState;

/// Which of the subjects something is wrong with.
#[derive(Clone, Copy, Debug)]
enum Odd {
    Token,
    Question,
    /// For all groups.
    Person,
    /// For all people.
    Group,
}

impl Odd {
    fn is(self, subject: Subject) -> bool {
        match self {
            Self::Token => subject == Subject::alone(0),
            Self::Question => subject == Subject::of(0, 0),
            Self::Person => (0..GROUPS).any(|group| subject == Subject::of(0, group)),
            Self::Group => (0..PEOPLE).any(|person| subject == Subject::of(person, 0)),
        }
    }

    fn subject(self, person: u64, group: u64) -> Subject {
        match self {
            Self::Token => Subject::alone(person),
            Self::Question | Self::Person | Self::Group => Subject::of(person, group),
        }
    }
}

const PEOPLE: u64 = 12;
const GROUPS: u64 = 7;

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    /// Of a person about a group; the answer takes until the next ones have asked.
    Ask(u64, u64, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0_u64..3_000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        4 => (0..PEOPLE, 0..GROUPS, any::<bool>()).prop_map(|(p, g, slow)| Step::Ask(p, g, slow)),
        6 => (0..3_u64, 0..3_u64, any::<bool>()).prop_map(|(p, g, slow)| Step::Ask(p, g, slow)),
    ]
}

fn odd() -> impl Strategy<Value = Odd> {
    prop_oneof![
        Just(Odd::Token),
        Just(Odd::Question),
        Just(Odd::Person),
        Just(Odd::Group),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    prop_oneof![Just(Evidence::Failed(None)), Just(Evidence::Odd(None))]
}

fn settle(breakers: &mut Breakers, pass: Pass, evidence: Evidence, now: Instant) {
    let kind = CheckErrorKind::ServerError;
    breakers.settle(pass, End { evidence, kind }, now, 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_wrong_with_one_holds_back_nobody_else(
        odd in odd(),
        failure in evidence(),
        is_probed in any::<bool>(),
        steps in vec(step(), 1..300),
    ) {
        let mut now = Instant::now();
        let mut breakers = if is_probed { Breakers::new(now) } else { Breakers::unprobed(now) };
        let mut under_way: Vec<(Subject, Pass)> = Vec::new();
        let mut calls: HashMap<Subject, u32> = HashMap::new();
        let began_at = now;
        for step in steps {
            let (subject, is_slow) = match step {
                Step::Wait(time) => {
                    now += time;
                    for (subject, pass) in under_way.drain(..) {
                        let end = if odd.is(subject) { failure } else { Evidence::Answered };
                        settle(&mut breakers, pass, end, now);
                    }
                    continue;
                }
                Step::Ask(person, group, is_slow) => (odd.subject(person, group), is_slow),
            };
            let is_odd = odd.is(subject);
            // One call about a subject at a time, as requests share them.
            if under_way.iter().any(|(asked, _)| *asked == subject) {
                continue;
            }
            if let Some(held) = breakers.held(subject, now) {
                prop_assert!(is_odd && held.by == Holder::Subject, "{subject:?} {held:?}");
                continue;
            }
            match breakers.admit(subject, now) {
                Ok(pass) if is_slow => under_way.push((subject, pass)),
                Ok(pass) => {
                    let end = if is_odd { failure } else { Evidence::Answered };
                    settle(&mut breakers, pass, end, now);
                }
                Err(held) => {
                    prop_assert!(is_odd && held.by == Holder::Side, "{subject:?} {held:?}");
                    continue;
                }
            }
            *calls.entry(subject).or_default() += 1;
        }
        let seconds = u32::try_from((now - began_at).as_secs()).expect("a short test");
        for (subject, calls) in calls.into_iter().filter(|(subject, _)| odd.is(*subject)) {
            prop_assert!(calls <= 3 + seconds / 2, "{subject:?}: {calls} in {seconds} s");
        }
        let is_open = breakers.state(now) != BreakerState::Closed;
        prop_assert!(!is_open || matches!(odd, Odd::Group));
    }
}

/// An outage is an outage however few groups there are: about each, the fifth person finds out.
#[test]
fn where_nobody_is_answered_the_fifth_is_the_last_that_asks() {
    let now = Instant::now();
    for groups in 1..=5 {
        let mut breakers = Breakers::unprobed(now);
        let mut calls = 0;
        for person in 0..100 {
            let subject = Subject::of(person, person % groups);
            if let Ok(pass) = breakers.admit(subject, now) {
                settle(&mut breakers, pass, Evidence::Failed(None), now);
                calls += 1;
            }
        }
        let expected = if groups < 5 { 5 * groups } else { 5 };
        assert_eq!(calls, expected, "{groups} groups");
        assert_eq!(breakers.state(now), BreakerState::Open);
    }
}

/// Without a prober, and with too few people or groups for the breaker around all.
#[test]
fn an_issuer_that_is_back_is_back_for_all_who_were_held_back() {
    let now = Instant::now();
    let mut breakers = Breakers::unprobed(now);
    let both = [Subject::of(1, 1), Subject::of(2, 2)];
    for subject in both {
        let pass = breakers.admit(subject, now).expect("closed");
        settle(&mut breakers, pass, Evidence::Failed(None), now);
    }
    assert!(
        both.iter()
            .all(|subject| breakers.held(*subject, now).is_some())
    );
    let later = now + Duration::from_secs(1);
    assert!(breakers.held(both[0], later).is_none());
    assert!(breakers.held(both[1], later).is_some(), "they take turns");
    let pass = breakers.admit(both[0], later).expect("closed");
    settle(&mut breakers, pass, Evidence::Answered, later);
    assert!(breakers.held(both[1], later).is_none());
}
