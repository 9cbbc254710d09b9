//! Answers are renewed before they end, by one check and in the background.

use futures_util::future::join_all;
use ghes_gatekeeper::emulator::Fault;

use super::{TOKEN, World, seconds, settle};

#[tokio::test(start_paused = true)]
async fn a_token_in_use_is_renewed_and_never_waits() {
    let world = World::new();
    assert_eq!(world.status(TOKEN).await, 200);
    for _ in 0..600 {
        tokio::time::advance(seconds(1)).await;
        assert_eq!(world.status(TOKEN).await, 200);
        settle().await;
    }
    // Renewed after 43 to 48 s each.
    let calls = world.calls();
    assert!((13..=14).contains(&calls), "{calls}");
    assert_eq!(world.validator.stats().misses, 1);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_holds_nobody_up() {
    let world = World::new();
    assert_eq!(world.status(TOKEN).await, 200);
    tokio::time::advance(seconds(50)).await;
    world.ghes.fail(Fault::slow(seconds(2)).times(1));
    let before = tokio::time::Instant::now();
    for _ in 0..1_000 {
        assert_eq!(world.status(TOKEN).await, 200);
    }
    assert_eq!(before.elapsed(), seconds(0));
    settle().await;
    assert_eq!(world.calls(), 2);
    tokio::time::advance(seconds(2)).await;
    settle().await;
    tokio::time::advance(seconds(8)).await;
    assert_eq!(world.status(TOKEN).await, 200);
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_found_out_by_its_renewal() {
    let world = World::new();
    let token = world.mint();
    assert_eq!(world.status(&token).await, 200);
    world.ghes.revoke(&token);
    tokio::time::advance(seconds(48)).await;
    assert_eq!(world.status(&token).await, 200);
    settle().await;
    assert_eq!(world.status(&token).await, 401);
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_token_is_not_renewed() {
    let world = World::new();
    assert_eq!(world.status(TOKEN).await, 200);
    tokio::time::advance(seconds(3_600)).await;
    settle().await;
    assert_eq!(world.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_requests_with_one_expired_token_cause_one_call() {
    let world = World::new();
    assert_eq!(world.status(TOKEN).await, 200);
    tokio::time::advance(seconds(60)).await;
    let statuses = join_all((0..10_000).map(|_| world.status(TOKEN))).await;
    assert_eq!(statuses, [200; 10_000]);
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_tokens_stored_at_once_are_not_renewed_at_once() {
    let world = World::new();
    let tokens: Vec<String> = (0..1_000).map(|_| world.mint()).collect();
    for token in &tokens {
        assert_eq!(world.status(token).await, 200);
    }
    assert_eq!(world.calls(), 1_000);
    let mut busiest = 0;
    for _ in 0..60 {
        tokio::time::advance(seconds(1)).await;
        let before = world.calls();
        for token in &tokens {
            assert_eq!(world.status(token).await, 200);
        }
        settle().await;
        busiest = busiest.max(world.calls() - before);
    }
    assert_eq!(world.calls(), 2_000);
    // Spread over a tenth of four fifths of a minute, which is 4.8 s.
    assert!(busiest < 300, "{busiest} in one second");
}

#[tokio::test(start_paused = true)]
async fn a_route_that_wants_a_younger_answer_gets_it() {
    let world = World::with_layer(|layer| layer.with_max_age(seconds(10)));
    let token = world.mint();
    assert_eq!(world.status(&token).await, 200);
    world.ghes.revoke(&token);
    tokio::time::advance(seconds(7)).await;
    assert_eq!(world.status(&token).await, 200);
    assert_eq!(world.calls(), 1);
    tokio::time::advance(seconds(3)).await;
    assert_eq!(world.status(&token).await, 401);
}
