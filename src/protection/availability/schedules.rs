//! The breaker behind its lock, under thousands of schedules of the threads that share it.
//!
//! The modules under test are compiled once more here, with locks that shuttle schedules.

#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "breaker.rs"]
mod breaker;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "breakers.rs"]
mod breakers;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "shared.rs"]
mod shared;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "subject.rs"]
mod subject;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "suspects.rs"]
mod suspects;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "window.rs"]
mod window;

mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use shuttle::sync::{Mutex, MutexGuard};
}

use std::sync::Arc;

use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::thread;
use tokio::time::Instant;

use self::breaker::{Change, Evidence, FAILURES_IN_A_ROW, LONGEST_OPEN, Probe};
use self::breakers::{End, Pass};
use self::shared::SharedBreakers;
use self::subject::Subject;
use crate::check::CheckErrorKind;
use crate::protection::BreakerState;

const SCHEDULES: usize = 2_000;

fn admit(breaker: &SharedBreakers, now: Instant) -> Pass {
    let pass = breaker.admit(somebody(), now);
    pass.expect("a breaker that lets calls pass")
}

/// Another one each time.
fn somebody() -> Subject {
    static PERSON: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    Subject::alone(PERSON.fetch_add(1, Ordering::Relaxed))
}

fn settle(
    breaker: &SharedBreakers,
    pass: Pass,
    evidence: Evidence,
    now: Instant,
) -> Option<Change> {
    let kind = CheckErrorKind::ServerError;
    breaker.settle(pass, End { evidence, kind }, now, 0.0).all
}

/// Lets calls about different subjects fail; returns whether the breaker was opened by it.
fn fail(breaker: &SharedBreakers, times: usize, now: Instant) -> usize {
    let each = (0..times).filter_map(|_| breaker.admit(somebody(), now).ok());
    let passes: Vec<_> = each.collect();
    let settle = |pass| settle(breaker, pass, Evidence::Failed(None), now);
    let opened = |change: &Change| matches!(change, Change::Opened { .. });
    passes.into_iter().filter_map(settle).filter(opened).count()
}

fn opened(now: Instant) -> Arc<SharedBreakers> {
    let breaker = Arc::new(SharedBreakers::new(now));
    assert_eq!(fail(&breaker, FAILURES_IN_A_ROW, now), 1);
    breaker
}

fn together<T: Send + 'static>(
    threads: usize,
    run: impl Fn() -> T + Clone + Send + 'static,
) -> Vec<T> {
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let run = run.clone();
            thread::spawn(run)
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

/// Makes a call of which there may be only one at a time.
fn alone(calls: &AtomicUsize, call: impl FnOnce()) {
    assert_eq!(calls.fetch_add(1, Ordering::SeqCst), 0, "two at once");
    thread::yield_now();
    calls.fetch_sub(1, Ordering::SeqCst);
    call();
}

#[test]
fn trials_and_probes_are_each_alone() {
    shuttle::check_random(
        || {
            let now = Instant::now();
            let later = now + LONGEST_OPEN;
            let breaker = opened(now);
            let (trials, probes) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
            together(3, move || {
                // Nothing has been learnt, so the next may try.
                let end = |pass| {
                    assert_eq!(settle(&breaker, pass, Evidence::Nothing, later), None);
                };
                if let Ok(pass) = breaker.admit(somebody(), later) {
                    alone(&trials, || end(pass));
                }
                if let Probe::Send(ticket) = breaker.probe(1, later) {
                    alone(&probes, || end(ticket.into()));
                }
            });
        },
        SCHEDULES,
    );
}

#[test]
fn an_old_success_closes_no_breaker_that_was_opened_later() {
    shuttle::check_random(
        || {
            let now = Instant::now();
            let breaker = Arc::new(SharedBreakers::new(now));
            let old = admit(&breaker, now);
            let answered = {
                let breaker = Arc::clone(&breaker);
                thread::spawn(move || settle(&breaker, old, Evidence::Answered, now))
            };
            let has_opened = fail(&breaker, FAILURES_IN_A_ROW, now) > 0;
            assert_eq!(answered.join().unwrap(), None);
            let is_open = breaker.state(now) != BreakerState::Closed;
            assert_eq!(is_open, has_opened);
        },
        SCHEDULES,
    );
}

#[test]
fn each_opening_and_each_closing_is_told_once() {
    shuttle::check_random(
        || {
            let now = Instant::now();
            let breaker = Arc::new(SharedBreakers::new(now));
            let shared = Arc::clone(&breaker);
            let told = together(3, move || fail(&shared, FAILURES_IN_A_ROW, now));
            assert_eq!(told.iter().sum::<usize>(), 1);

            let later = now + LONGEST_OPEN;
            let trial = admit(&breaker, later);
            let Probe::Send(probe) = breaker.probe(trial.ticket.generation, later) else {
                panic!("no probe beside a trial");
            };
            let ends: Vec<_> = [trial, probe.into()]
                .into_iter()
                .map(|pass| {
                    let breaker = Arc::clone(&breaker);
                    thread::spawn(move || settle(&breaker, pass, Evidence::Answered, later))
                })
                .collect();
            let told: Vec<_> = ends
                .into_iter()
                .filter_map(|end| end.join().unwrap())
                .collect();
            assert_eq!(told, [Change::Closed]);
        },
        SCHEDULES,
    );
}

/// However the calls of one odd subject end beside those of others, no other is held back.
#[test]
fn an_odd_subject_is_held_back_and_nobody_beside_it() {
    shuttle::check_random(
        || {
            let now = Instant::now();
            let breaker = Arc::new(SharedBreakers::unprobed(now));
            let odd = Subject::of(0, 0);
            let shared = Arc::clone(&breaker);
            together(3, move || {
                for group in 1..4 {
                    if let Ok(pass) = shared.admit(odd, now) {
                        settle(&shared, pass, Evidence::Failed(None), now);
                    }
                    let other = Subject::of(group, group);
                    let pass = shared.admit(other, now).expect("others pass");
                    settle(&shared, pass, Evidence::Answered, now);
                    assert_eq!(shared.held(other, now), None);
                }
            });
            assert!(breaker.held(odd, now).is_some());
            assert_eq!(breaker.state(now), BreakerState::Closed);
        },
        SCHEDULES,
    );
}

/// A group's breaker has its trials alone, as the one around all has.
#[test]
fn trials_about_a_group_are_alone() {
    shuttle::check_random(
        || {
            let now = Instant::now();
            let breaker = Arc::new(SharedBreakers::unprobed(now));
            for person in 0..FAILURES_IN_A_ROW as u64 {
                let pass = breaker.admit(Subject::of(person, 0), now).expect("closed");
                settle(&breaker, pass, Evidence::Failed(None), now);
            }
            assert!(breaker.admit(Subject::of(90, 0), now).is_err());
            let later = now + LONGEST_OPEN;
            let (trials, people) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
            together(3, move || {
                let person = 100 + people.fetch_add(1, Ordering::SeqCst) as u64;
                if let Ok(pass) = breaker.admit(Subject::of(person, 0), later) {
                    alone(&trials, || {
                        settle(&breaker, pass, Evidence::Nothing, later);
                    });
                }
                assert!(breaker.admit(Subject::of(person, 1), later).is_ok());
            });
        },
        SCHEDULES,
    );
}
