//! `stale_if_error`: known people keep working through an outage, for as long as was asked for.

use std::time::Duration;

use ghes_gatekeeper::emulator::{Emulator, Fault};
use ghes_gatekeeper::protection::{BreakerState, Protection};
use ghes_gatekeeper::token::AccessToken;
use ghes_gatekeeper::validator::{CacheOptions, Freshness, Validator};
use http::StatusCode;

use super::{CLIENT_ID, TOKEN, World, bearer, client, seconds};

fn five_minutes() -> CacheOptions {
    CacheOptions::default().with_stale_if_error(seconds(300))
}

/// Everything that says nothing but that GHES is out of reach.
fn outages() -> Vec<Fault> {
    let status = |status| Fault::status(StatusCode::from_u16(status).expect("a status"));
    let mut outages = vec![
        Fault::dropped(),
        Fault::slow(seconds(60)),
        status(404).with_body("<html>no such host</html>"),
    ];
    outages.extend([429, 500, 502, 503, 504].map(status));
    outages
}

#[tokio::test(start_paused = true)]
async fn known_people_work_through_an_outage_until_grace_ends() {
    for outage in outages() {
        let shown = format!("{outage:?}");
        let world = World::with_cache(five_minutes());
        assert_eq!(world.status(TOKEN).await, 200);
        let confirmed_at = tokio::time::Instant::now();
        world.ghes.fail(outage.times(u64::MAX));
        tokio::time::advance(seconds(350)).await;
        assert_eq!(world.status(TOKEN).await, 200, "{shown}");
        assert_eq!(world.status("gho_nobody").await, 503, "{shown}");
        tokio::time::advance(seconds(360).saturating_sub(confirmed_at.elapsed())).await;
        assert_eq!(world.status(TOKEN).await, 503, "{shown}");
        world.ghes.clear_faults();
        assert_eq!(world.status(TOKEN).await, 200, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_call_is_no_outage() {
    let status = |status| Fault::status(StatusCode::from_u16(status).expect("a status"));
    for refusal in [401, 403].map(status) {
        let shown = format!("{refusal:?}");
        let world = World::with_cache(five_minutes());
        assert_eq!(world.status(TOKEN).await, 200);
        world.ghes.fail(refusal.times(u64::MAX));
        tokio::time::advance(seconds(60)).await;
        assert_eq!(world.status(TOKEN).await, 503, "{shown}");
    }
}

/// Neither do limits and breakers make an outage of it.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_call_is_no_outage_however_often_it_comes() {
    let status = |status| Fault::status(StatusCode::from_u16(status).expect("a status"));
    for refusal in [401, 403, 301, 418].map(status) {
        let shown = format!("{refusal:?}");
        let ghes = Emulator::default();
        let (check, monitor) = Protection::new().protect(client(&ghes), []);
        let validator = Validator::builder(check).with_cache(five_minutes()).build();
        let known = AccessToken::new(TOKEN);
        validator.check(known.clone()).await.expect("a good token");
        ghes.fail(refusal.times(u64::MAX));
        tokio::time::advance(seconds(60)).await;
        // As one whose last check failed, and then behind the breaker that others have opened.
        for other in 0..20 {
            let error = validator.check(known.clone()).await.expect_err(&shown);
            assert!(!error.kind().is_outage(), "{shown}: {error}");
            let other = AccessToken::new(format!("gho_other{other}"));
            let error = validator.check(other).await.expect_err(&shown);
            assert!(!error.kind().is_outage(), "{shown}: {error}");
            tokio::time::advance(Duration::from_millis(200)).await;
        }
        let is_open = [monitor.availability(), monitor.credentials()];
        assert!(is_open.contains(&BreakerState::Open), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_answers_must_be_younger_grace_ends_sooner() {
    let world = World::build(five_minutes(), |layer| layer.with_max_age(seconds(10)));
    assert_eq!(world.status(TOKEN).await, 200);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(seconds(309)).await;
    assert_eq!(world.status(TOKEN).await, 200);
    tokio::time::advance(seconds(1)).await;
    assert_eq!(world.status(TOKEN).await, 503);
}

#[tokio::test(start_paused = true)]
async fn grace_counts_from_the_last_confirmation() {
    let world = World::with_cache(five_minutes());
    assert_eq!(world.status(TOKEN).await, 200);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(seconds(200)).await;
    assert_eq!(world.status(TOKEN).await, 200);
    // Being served stale is no confirmation.
    tokio::time::advance(seconds(160)).await;
    assert_eq!(world.status(TOKEN).await, 503);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_has_no_grace() {
    let world = World::with_cache(five_minutes());
    let token = world.mint();
    assert_eq!(world.status(&token).await, 200);
    world.ghes.revoke(&token);
    tokio::time::advance(seconds(60)).await;
    assert_eq!(world.status(&token).await, 401);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.status(&token).await, 503);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_has_no_grace() {
    let world = World::with_cache(five_minutes());
    let lives = Some(seconds(100));
    let token = world.ghes.mint(CLIENT_ID, "octocat", &[], lives);
    let token = token.expect("a token");
    assert_eq!(world.status(&token).await, 200);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(seconds(98)).await;
    assert_eq!(world.status(&token).await, 200);
    tokio::time::advance(seconds(2)).await;
    assert_eq!(world.status(&token).await, 503);
}

#[tokio::test(start_paused = true)]
async fn a_purged_token_has_no_grace() {
    let world = World::with_cache(five_minutes());
    assert_eq!(world.status(TOKEN).await, 200);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(seconds(60)).await;
    assert_eq!(world.status(TOKEN).await, 200);
    world
        .validator
        .purge(&ghes_gatekeeper::validator::Purge::All);
    assert_eq!(world.status(TOKEN).await, 503);
}

#[tokio::test(start_paused = true)]
async fn the_inner_service_is_told_and_clients_cannot_tell_it() {
    let world = World::build(five_minutes(), |layer| layer.with_identity_headers(true));
    let mut forged = bearer(TOKEN);
    let stale = http::HeaderValue::from_static("1");
    forged.headers_mut().insert("x-gatekeeper-stale", stale);
    world.send(forged).await;
    let fresh = world.seen();
    assert!(!fresh.headers().contains_key("x-gatekeeper-stale"));
    assert!(fresh.extensions().get::<Freshness>().is_none());

    world.ghes.fail(Fault::dropped());
    tokio::time::advance(seconds(60)).await;
    world.send(bearer(TOKEN)).await;
    let stale = world.seen();
    assert_eq!(stale.headers()["x-gatekeeper-stale"], "1");
    assert_eq!(stale.headers()["x-forwarded-user"], "octocat");
    assert_eq!(stale.extensions().get(), Some(&Freshness::Stale));
    assert_eq!(world.validator.stats().stale_served, 1);
}
