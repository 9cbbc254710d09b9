//! The promise: a revoked token is dead within `active_max_age`, and grace where it is enabled.

use std::time::Duration;

use ghes_gatekeeper::emulator::Fault;
use ghes_gatekeeper::token::TokenHash;
use ghes_gatekeeper::validator::{CacheOptions, Purge};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{World, seconds, settle};

/// A user at work, a revocation at some moment, and an outage that may cover it.
#[derive(Clone, Debug)]
struct Trial {
    pauses_ms: Vec<u64>,
    revoked_at_ms: u64,
    outage: Option<(u64, u64)>,
    grace: Duration,
}

fn trials() -> impl Strategy<Value = Trial> {
    let outage = proptest::option::of((0..120_000_u64, 0..120_000_u64));
    let grace = prop_oneof![Just(seconds(0)), Just(seconds(30))];
    (
        prop::collection::vec(1..20_000_u64, 10..40),
        0..100_000_u64,
        outage,
        grace,
    )
        .prop_map(|(pauses_ms, revoked_at_ms, outage, grace)| Trial {
            pauses_ms,
            revoked_at_ms,
            outage,
            grace,
        })
}

/// Runs a trial; returns how long after the revocation the last request succeeded.
async fn last_success(trial: &Trial) -> Option<Duration> {
    let options = CacheOptions::default().with_stale_if_error(trial.grace);
    let world = World::with_cache(options);
    let token = world.mint();
    let began_at = tokio::time::Instant::now();
    let at = |ms| began_at + Duration::from_millis(ms);
    let revoked_at = at(trial.revoked_at_ms);
    let (mut is_revoked, mut last) = (false, None);
    for pause in &trial.pauses_ms {
        let next = tokio::time::Instant::now() + Duration::from_millis(*pause);
        if !is_revoked && revoked_at <= next {
            tokio::time::sleep_until(revoked_at).await;
            world.ghes.revoke(&token);
            is_revoked = true;
        }
        tokio::time::sleep_until(next).await;
        match trial.outage {
            Some((begins, lasts)) if (at(begins)..at(begins + lasts)).contains(&next) => {
                world.ghes.fail(Fault::dropped().times(u64::MAX));
            }
            _ => world.ghes.clear_faults(),
        }
        let status = world.status(&token).await;
        if is_revoked && status == 200 {
            last = Some(revoked_at.elapsed());
        }
        settle().await;
    }
    last
}

#[test]
fn no_success_comes_later_than_was_promised() {
    let mut runner = TestRunner::new(Config {
        cases: 1_000,
        failure_persistence: None,
        ..Config::default()
    });
    let latest = std::cell::Cell::new(Duration::ZERO);
    let outcome = runner.run(&trials(), |trial| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        if let Some(after) = runtime.block_on(last_success(&trial)) {
            prop_assert!(after < seconds(60) + trial.grace, "{after:?}");
            latest.set(latest.get().max(after));
        }
        Ok(())
    });
    outcome.expect("no success after the bound");
    // The trials do reach the bound: a check that always asked would pass them too.
    assert!(latest.get() > seconds(60), "{:?}", latest.get());
}

#[tokio::test(start_paused = true)]
async fn a_purge_makes_it_immediate() {
    let world = World::new();
    for pause in 0..100 {
        let token = world.mint();
        assert_eq!(world.status(&token).await, 200);
        tokio::time::advance(Duration::from_millis(pause * 500)).await;
        world.ghes.revoke(&token);
        world.validator.purge(&Purge::Token(TokenHash::of(&token)));
        assert_eq!(world.status(&token).await, 401);
    }
}
