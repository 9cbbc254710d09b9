//! GHES fails: nobody is logged out by it.

use std::time::Duration;

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::{CLIENT_ID, TOKEN, World};

/// Every way in which GHES can fail to answer.
fn outages() -> Vec<Fault> {
    let status = |status| Fault::status(StatusCode::from_u16(status).expect("a status"));
    let mut outages = vec![
        Fault::dropped(),
        Fault::slow(Duration::from_secs(60)),
        status(200).with_body("<html>Log in</html>"),
        status(200).with_body("{}"),
        status(404).with_body("<html>no such host</html>"),
    ];
    outages.extend([301, 401, 403, 404, 422, 429, 500, 502, 503, 504].map(status));
    outages
}

#[tokio::test(start_paused = true)]
async fn an_outage_never_says_that_a_token_is_bad() {
    for outage in outages() {
        let shown = format!("{outage:?}");
        let world = World::new();
        world.ghes.fail(outage.times(u64::MAX));
        for token in [TOKEN, "gho_nobody"] {
            assert_eq!(world.status(token).await, 503, "{shown}");
        }
        world.ghes.clear_faults();
        assert_eq!(world.status(TOKEN).await, 200, "{shown}");
        assert_eq!(world.status("gho_nobody").await, 401, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_remembered_token_works_through_an_outage_until_its_age_ends() {
    for outage in outages() {
        let shown = format!("{outage:?}");
        let world = World::new();
        assert_eq!(world.status(TOKEN).await, 200);
        world.ghes.fail(outage.times(u64::MAX));
        for second in 0..53 {
            assert_eq!(world.status(TOKEN).await, 200, "{shown}");
            // Not before it is time to renew, and then every other second.
            let most = 1 + u64::saturating_sub(second, 41) / 2;
            assert!(world.calls() <= most, "{shown}");
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(world.status(TOKEN).await, 503, "{shown}");
        world.ghes.clear_faults();
        assert_eq!(world.status(TOKEN).await, 200, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_stays_refused_through_an_outage_until_its_age_ends() {
    let world = World::new();
    assert_eq!(world.status("gho_nobody").await, 401);
    world.ghes.fail(Fault::dropped().times(u64::MAX));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(world.status("gho_nobody").await, 401);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(world.status("gho_nobody").await, 503);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_while_it_is_remembered_is_dead() {
    let world = World::new();
    let expires_in = Some(Duration::from_secs(20));
    let token = world.ghes.mint(CLIENT_ID, "octocat", &[], expires_in);
    let token = token.expect("a token");
    assert_eq!(world.status(&token).await, 200);
    tokio::time::advance(Duration::from_secs(18)).await;
    assert_eq!(world.status(&token).await, 200);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(world.status(&token).await, 401);
}
