//! The breaker behind its lock, under thousands of schedules of the threads that share it.
//!
//! The modules under test are compiled once more here, with locks whose schedule shuttle decides.

#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "breaker.rs"]
mod breaker;
#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "shared.rs"]
mod shared;
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

use self::breaker::{Change, Evidence, FAILURES_IN_A_ROW, LONGEST_OPEN, Probe, Ticket};
use self::shared::SharedBreaker;
use crate::protection::BreakerState;

const SCHEDULES: usize = 2_000;

fn admit(breaker: &SharedBreaker, now: Instant) -> Ticket {
    breaker.admit(now).expect("a breaker that lets calls pass")
}

/// Returns whether the breaker was opened by it.
fn fail(breaker: &SharedBreaker, times: u32, now: Instant) -> usize {
    let tickets: Vec<_> = (0..times).filter_map(|_| breaker.admit(now).ok()).collect();
    let settle = |ticket| breaker.settle(ticket, Evidence::Failed(None), now, 0.0);
    let opened = |change: &Change| matches!(change, Change::Opened { .. });
    tickets
        .into_iter()
        .filter_map(settle)
        .filter(opened)
        .count()
}

fn opened(now: Instant) -> Arc<SharedBreaker> {
    let breaker = Arc::new(SharedBreaker::new(now));
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
                let end = |ticket| {
                    assert_eq!(breaker.settle(ticket, Evidence::Nothing, later, 0.0), None);
                };
                if let Ok(ticket) = breaker.admit(later) {
                    alone(&trials, || end(ticket));
                }
                if let Probe::Send(ticket) = breaker.probe(1, later) {
                    alone(&probes, || end(ticket));
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
            let breaker = Arc::new(SharedBreaker::new(now));
            let old = admit(&breaker, now);
            let answered = {
                let breaker = Arc::clone(&breaker);
                thread::spawn(move || breaker.settle(old, Evidence::Answered, now, 0.0))
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
            let breaker = Arc::new(SharedBreaker::new(now));
            let shared = Arc::clone(&breaker);
            let told = together(3, move || fail(&shared, FAILURES_IN_A_ROW, now));
            assert_eq!(told.iter().sum::<usize>(), 1);

            let later = now + LONGEST_OPEN;
            let trial = admit(&breaker, later);
            let Probe::Send(probe) = breaker.probe(trial.generation, later) else {
                panic!("no probe beside a trial");
            };
            let ends: Vec<_> = [trial, probe]
                .into_iter()
                .map(|ticket| {
                    let breaker = Arc::clone(&breaker);
                    thread::spawn(move || breaker.settle(ticket, Evidence::Answered, later, 0.0))
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
