//! What cannot be asked is 503, and never 403.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckErrorKind, CheckRequest, InactiveReason, Verdict};
use ghes_gatekeeper::membership::Membership;
use ghes_gatekeeper::policy::{Policy, RequireGroup};
use ghes_gatekeeper::validator::Validator;
use tower::{Layer, ServiceExt, service_fn};

use super::directory::Directory;
use super::{TEAM, World, echo_staleness, gate, group, octocat, request, seconds, send, team};

#[tokio::test(start_paused = true)]
async fn whatever_kept_the_answer_away_it_is_503() {
    for kind in CheckErrorKind::ALL {
        let world = World::new(team());
        world.directory.fails(TEAM, kind);
        for _ in 0..2 {
            let response = world.send().await;
            assert_eq!(response.status(), 503, "{kind:?}");
            assert!(response.headers().contains_key("retry-after"));
            assert!(!response.headers().contains_key("www-authenticate"));
        }
        // Nothing of it is remembered.
        assert_eq!(world.directory.asked(), [TEAM, TEAM]);
        world.directory.says(TEAM, Membership::Active);
        assert_eq!(world.status().await, 200, "{kind:?}");
    }
}

/// The limit is that of one token's person, and nobody else's.
#[tokio::test(start_paused = true)]
async fn whoever_has_used_up_a_limit_is_not_asked_for_until_it_is_over() {
    let world = World::new(team());
    world.directory.limits(TEAM, seconds(120));
    for (asked, retry_after) in [(&[TEAM][..], "120"), (&[], "120"), (&[], "120")] {
        let response = world.send().await;
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], retry_after);
        assert_eq!(world.directory.asked(), asked);
    }
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(send(&world.gate, "b").await.status(), 200);
    tokio::time::advance(seconds(119)).await;
    assert_eq!(world.send().await.headers()["retry-after"], "1");
    tokio::time::advance(seconds(1)).await;
    assert_eq!(world.status().await, 200);
    // Nobody is left alone for ever.
    world.directory.limits("octo-org", seconds(86_400));
    let other = gate(&world.validator, RequireGroup::new(group("octo-org")));
    assert_eq!(send(&other, "a").await.status(), 503);
    world.directory.says("octo-org", Membership::Active);
    tokio::time::advance(seconds(300)).await;
    assert_eq!(send(&other, "a").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_never_answered_is_503() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    world.directory.answers_only(0);
    let began_at = tokio::time::Instant::now();
    assert_eq!(world.status().await, 503);
    assert_eq!(began_at.elapsed().as_secs(), 3);
}

/// What is known may be enough.
#[tokio::test(start_paused = true)]
async fn who_is_let_in_by_one_group_needs_no_answer_about_the_other() {
    let other = || RequireGroup::new(group("octo-org"));
    for (known, either, both) in [
        (Membership::Active, 200, 503),
        (Membership::NotMember, 503, 403),
    ] {
        for (policy, status) in [
            (Box::new(team().or(other())) as Box<dyn Policy>, either),
            (Box::new(team().and(other())), both),
        ] {
            let world = World::new(policy);
            world.directory.says(TEAM, known.clone());
            world.directory.fails("octo-org", CheckErrorKind::Timeout);
            assert_eq!(world.status().await, status, "{known:?}");
        }
    }
}

/// A gate whose issuer confirms a token as often as it is told to, and refuses it to the directory.
async fn refused_by_the_directory(confirmations: usize) -> (u16, usize) {
    let directory = Directory::default();
    directory.says(TEAM, Membership::TokenRefused);
    let checks = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&checks);
    let check = service_fn(move |_: CheckRequest| {
        let is_good = counter.fetch_add(1, Ordering::Relaxed) < confirmations;
        async move {
            Ok::<_, Infallible>(if is_good {
                Verdict::Active(octocat())
            } else {
                Verdict::Inactive(InactiveReason::Unknown)
            })
        }
    });
    let memberships = directory.service();
    let validator = Validator::builder(check)
        .with_memberships(memberships)
        .build();
    let layer = GatekeeperLayer::new(validator).with_policy(team());
    let gate = layer.layer(service_fn(echo_staleness));
    let Ok(response) = gate.oneshot(request("a")).await;
    (response.status().as_u16(), checks.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_meanwhile_is_checked_again() {
    assert_eq!(refused_by_the_directory(1).await, (401, 2));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_contradicts_itself_is_503_and_is_not_asked_on_and_on() {
    assert_eq!(refused_by_the_directory(usize::MAX).await, (503, 2));
}

/// A renewal finds out as well.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_in_the_background_is_checked_again() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    world.directory.says(TEAM, Membership::TokenRefused);
    tokio::time::advance(seconds(42)).await;
    let before = world.validator.stats().misses;
    tokio::time::advance(seconds(6)).await;
    assert_eq!(world.status().await, 200);
    super::settle().await;
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    assert_eq!(world.validator.stats().misses, before + 1);
}
