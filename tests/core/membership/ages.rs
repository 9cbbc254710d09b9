//! How long a membership is believed.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::membership::Membership;
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use tower::util::BoxCloneService;
use tower::{Layer, service_fn};

use super::directory::Directory;
use super::{Gate, TEAM, World, echo_staleness, gate, octocat, seconds, send, settle, team};

/// Tokens are trusted for long, so that only memberships grow old.
fn long_tokens() -> CacheOptions {
    CacheOptions::default().with_active_max_age(seconds(3_600))
}

#[tokio::test(start_paused = true)]
async fn whoever_is_removed_is_out_within_the_minute() {
    let world = World::with_cache(long_tokens(), team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::NotMember);
    tokio::time::advance(seconds(42)).await;
    assert_eq!(world.status().await, 200);
    tokio::time::advance(seconds(18)).await;
    assert_eq!(world.status().await, 403);
    assert_eq!(world.directory.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_age_is_the_configured_one() {
    let options = long_tokens().with_membership_max_age(seconds(600));
    let world = World::with_cache(options, team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::NotMember);
    tokio::time::advance(seconds(400)).await;
    assert_eq!(world.status().await, 200);
    tokio::time::advance(seconds(200)).await;
    assert_eq!(world.status().await, 403);
}

#[tokio::test(start_paused = true)]
async fn a_membership_in_use_is_renewed_before_its_age_ends() {
    let world = World::with_cache(long_tokens(), team());
    world.directory.says(TEAM, Membership::Active);
    for _ in 0..10 {
        assert_eq!(world.status().await, 200);
        assert_eq!(world.directory.asked(), [TEAM]);
        tokio::time::advance(seconds(48)).await;
        // Whoever finds it due does not wait, and nobody waits later.
        world.directory.answers_only(0);
        assert_eq!(world.status().await, 200);
        settle().await;
        assert_eq!(world.directory.asked(), [TEAM]);
        assert_eq!(world.status().await, 200, "one renews for all");
        assert!(world.directory.asked().is_empty());
        world.directory.answers_only(1);
        settle().await;
        // The answer counts from its question.
        tokio::time::advance(seconds(60)).await;
        world.directory.answers_only(100_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_says_no_ends_it_at_once() {
    let world = World::with_cache(long_tokens(), team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::NotMember);
    tokio::time::advance(seconds(48)).await;
    assert_eq!(world.status().await, 200);
    settle().await;
    assert_eq!(world.status().await, 403);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_added_is_in_within_ten_seconds() {
    for no in [
        Membership::NotMember,
        Membership::NotVisible(Scopes::default()),
    ] {
        let world = World::new(team());
        world.directory.says(TEAM, no);
        assert_eq!(world.status().await, 403);
        world.directory.says(TEAM, Membership::Active);
        tokio::time::advance(seconds(9)).await;
        assert_eq!(world.status().await, 403);
        tokio::time::advance(seconds(1)).await;
        assert_eq!(world.status().await, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_wants_younger_answers_gets_them_about_memberships_too() {
    let world = World::with_cache(long_tokens(), team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::NotMember);
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.status().await, 200);
    let strict = gate(&world.validator.with_max_age(seconds(10)), team());
    assert_eq!(send(&strict, "a").await.status(), 403);
    assert_eq!(world.status().await, 403, "what it learns is for all");
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_bridged_as_for_tokens_and_told() {
    let options = CacheOptions::default().with_stale_if_error(seconds(300));
    let world = World::with_cache(options, team());
    world.directory.says(TEAM, Membership::Active);
    assert!(
        !world
            .send()
            .await
            .headers()
            .contains_key("x-gatekeeper-stale")
    );
    world.directory.fails(TEAM, CheckErrorKind::ServerError);
    tokio::time::advance(seconds(350)).await;
    let bridged = world.send().await;
    assert_eq!(bridged.status(), 200);
    assert!(bridged.headers().contains_key("x-gatekeeper-stale"));
    assert_eq!(world.validator.membership_stats().stale_served, 1);
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.status().await, 503);
}

#[tokio::test(start_paused = true)]
async fn no_refusal_is_bridged() {
    let options = CacheOptions::default().with_stale_if_error(seconds(300));
    for kind in [
        CheckErrorKind::Redirect,
        CheckErrorKind::Forbidden,
        CheckErrorKind::DoubtfulResponse,
    ] {
        let world = World::with_cache(options, team());
        world.directory.says(TEAM, Membership::Active);
        assert_eq!(world.status().await, 200);
        world.directory.fails(TEAM, kind);
        tokio::time::advance(seconds(60)).await;
        assert_eq!(world.status().await, 503, "{kind:?}");
    }
    let world = World::with_cache(options, team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::NotMember);
    tokio::time::advance(seconds(60)).await;
    assert_eq!(world.status().await, 403);
    world.directory.fails(TEAM, CheckErrorKind::ServerError);
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.status().await, 503, "a no ends what was before it");
}

/// What is asked anew does not make up for what could not be.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_bridged_stays_so_while_its_membership_is_asked() {
    let options = CacheOptions::default().with_stale_if_error(seconds(300));
    let directory = Directory::default();
    directory.says(TEAM, Membership::Active);
    let asked = Arc::new(AtomicBool::new(false));
    let only_once = service_fn(move |_: CheckRequest| {
        let verdict = match asked.swap(true, Ordering::Relaxed) {
            true => Err(CheckError::new(CheckErrorKind::ServerError)),
            false => Ok(Verdict::Active(octocat())),
        };
        ready(verdict)
    });
    let validator = Validator::builder(only_once)
        .with_memberships(directory.service())
        .with_cache(options)
        .build();
    let layer = GatekeeperLayer::new(validator)
        .with_policy(team())
        .with_identity_headers(true);
    let gate: Gate = BoxCloneService::new(layer.layer(service_fn(echo_staleness)));
    for (age, is_stale) in [(0, false), (350, true)] {
        tokio::time::advance(seconds(age)).await;
        let response = send(&gate, "a").await;
        assert_eq!(response.status(), 200);
        let stale = response.headers().contains_key("x-gatekeeper-stale");
        assert_eq!(stale, is_stale, "after {age} s");
    }
}
