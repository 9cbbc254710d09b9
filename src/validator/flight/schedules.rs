//! Flights under thousands of schedules of the threads that share them.

#[expect(clippy::duplicate_mod, reason = "with another lock")]
#[allow(dead_code, reason = "what needs no schedule is tested elsewhere")]
#[path = "flights.rs"]
mod flights;

mod sync {
    pub(super) use shuttle::sync::{Mutex, MutexGuard};
}

use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use shuttle::thread;

use self::flights::Seats;
use crate::check::{InactiveReason, Verdict};
use crate::token::TokenHash;

type Flights = flights::Flights<TokenHash, Verdict>;
type Landing = flights::Landing<TokenHash, Verdict>;
type Waiters = flights::Waiters<Verdict>;

const SCHEDULES: usize = 2_000;
const CALLERS: usize = 4;

/// What all callers share: flights, a cache for one token, and its issuer.
#[derive(Default)]
struct World {
    flights: Arc<Flights>,
    cache: Mutex<Cache>,
    checks: AtomicUsize,
    is_revoked: AtomicBool,
}

#[derive(Default)]
struct Cache {
    verdict: Option<Verdict>,
    purges: usize,
}

impl World {
    fn hash() -> TokenHash {
        TokenHash::of("a")
    }

    /// A request, as the validator handles it: look, board, look again, ask, store and close, tell.
    fn request(&self) -> Option<Verdict> {
        if let Some(known) = self.cache.lock().unwrap().verdict.clone() {
            return Some(known);
        }
        let (seat, landing) = self.flights.board(&Self::hash(), false).expect("a seat");
        if let Some(landing) = landing {
            let mut landing = Some(landing);
            let (verdict, waiters) = self.look_again(&mut landing).unwrap_or_else(|| {
                let landing = landing.take().expect("it is closed once");
                self.ask(landing)
            });
            waiters.tell(&Ok(verdict));
        }
        block_on(seat).ok()
    }

    fn look_again(&self, landing: &mut Option<Landing>) -> Option<(Verdict, Waiters)> {
        let cache = self.cache.lock().unwrap();
        let verdict = cache.verdict.clone()?;
        Some((verdict, landing.take()?.close()))
    }

    /// Asks until no purge came between the question and the storing of its answer.
    fn ask(&self, landing: Landing) -> (Verdict, Waiters) {
        loop {
            let purges = self.cache.lock().unwrap().purges;
            let verdict = self.check();
            let mut cache = self.cache.lock().unwrap();
            if cache.purges == purges {
                cache.verdict = Some(verdict.clone());
                return (verdict, landing.close());
            }
        }
    }

    fn check(&self) -> Verdict {
        self.checks.fetch_add(1, Ordering::SeqCst);
        let is_revoked = self.is_revoked.load(Ordering::SeqCst);
        thread::yield_now();
        Verdict::Inactive(if is_revoked {
            InactiveReason::Unknown
        } else {
            // Stands for a good token.
            InactiveReason::NoUser
        })
    }

    fn revoke_and_purge(&self) {
        self.is_revoked.store(true, Ordering::SeqCst);
        let mut cache = self.cache.lock().unwrap();
        cache.purges += 1;
        cache.verdict = None;
    }
}

fn together(callers: usize, run: impl Fn(usize) -> bool + Send + Sync + 'static) -> Vec<bool> {
    let run = Arc::new(run);
    let threads: Vec<_> = (0..callers)
        .map(|caller| {
            let run = Arc::clone(&run);
            thread::spawn(move || run(caller))
        })
        .collect();
    threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect()
}

#[test]
fn whatever_the_schedule_there_is_one_check_and_everybody_is_answered() {
    shuttle::check_random(
        || {
            let world = Arc::new(World::default());
            let shared = Arc::clone(&world);
            let answered = together(CALLERS, move |_| shared.request().is_some());
            assert_eq!(answered, [true; CALLERS]);
            assert_eq!(world.checks.load(Ordering::SeqCst), 1);
        },
        SCHEDULES,
    );
}

#[test]
fn whatever_the_schedule_no_request_after_a_purge_gets_an_answer_from_before_it() {
    shuttle::check_pct(
        || {
            let world = Arc::new(World::default());
            let answered = together(CALLERS, move |caller| {
                if caller > 0 {
                    return world.request().is_some();
                }
                world.revoke_and_purge();
                let verdict = world.request();
                let refused = Verdict::Inactive(InactiveReason::Unknown);
                format!("{verdict:?}") == format!("{:?}", Some(refused))
            });
            assert_eq!(answered, [true; CALLERS]);
        },
        SCHEDULES,
        // One change of turns for each of: the store, the purge, the boarding.
        3,
    );
}

#[test]
fn whatever_the_schedule_nobody_waits_for_a_check_that_died() {
    shuttle::check_random(
        || {
            let flights = Arc::new(Flights::default());
            let answered = together(CALLERS, move |_| {
                let (seat, landing) = flights.board(&World::hash(), false).expect("a seat");
                thread::yield_now();
                drop(landing);
                block_on(seat).is_ok()
            });
            assert_eq!(answered, [false; CALLERS]);
        },
        SCHEDULES,
    );
}

#[test]
fn whatever_the_schedule_no_more_wait_than_there_are_seats() {
    shuttle::check_random(
        || {
            let seats = Seats {
                per_flight: 2,
                in_all: 3,
            };
            let flights = Arc::new(Flights::new(seats));
            let shared = Arc::clone(&flights);
            let waiting = Arc::new(AtomicUsize::new(0));
            together(CALLERS, move |caller| {
                let hash = TokenHash::of([caller as u8 % 2]);
                let Some((seat, landing)) = shared.board(&hash, true) else {
                    return false;
                };
                assert!(waiting.fetch_add(1, Ordering::SeqCst) < seats.in_all);
                thread::yield_now();
                waiting.fetch_sub(1, Ordering::SeqCst);
                drop(landing);
                block_on(seat).is_ok()
            });
            // Every seat is free again.
            let all: Vec<_> = ["a", "a", "b"]
                .map(|token| flights.board(&TokenHash::of(token), true))
                .into();
            assert!(all.iter().all(Option::is_some));
        },
        SCHEDULES,
    );
}
