//! What goes wrong with one app or server, and whom it concerns.

use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::*;

/// A server's first app with a wrong secret: the next of several is another app's.
fn wrong_secret(toml: &str) -> String {
    toml.replacen(SECRET, "wrong", 1)
}

#[tokio::test]
async fn a_wrong_secret_of_one_app_keeps_nobody_of_another_out() {
    let world = World::start_with("", |toml| wrong_secret(&toml)).await;
    let of_a = world.eu.mint(A, "octocat", &[]);
    let of_b = world.eu.mint(B, "hubot", &[]);
    for _ in 0..3 {
        assert_eq!(world.status("/eu", &of_b).await, 200);
        // It might be a good one of the app that cannot ask.
        for token in [&*of_a, "gho_unknown"] {
            let response = world.get("/eu", token).await;
            assert_eq!(status(&response), 503, "{response}");
            assert!(!response.contains("www-authenticate"), "{response}");
            assert!(response.contains("retry-after: "), "{response}");
        }
        assert_eq!(world.status("/eu-a", &of_a).await, 503);
        assert_eq!(world.status("/eu-b", &of_b).await, 200);
        assert_eq!(world.status("/eu-b", &of_a).await, 401);
    }
    let as_a = world.eu.asked().into_iter().filter(|app| app == A);
    assert_eq!(
        as_a.count(),
        1,
        "GHES locks out who fails to log in again and again"
    );
    // The same client id with its right secret, at another server.
    let there = world.us.mint(A, "octocat", &[]);
    assert_eq!(world.status("/us-a", &there).await, 200);
}

#[tokio::test]
async fn a_server_that_is_down_concerns_its_own_routes_alone() {
    let world = World::start().await;
    let here = world.eu.mint(A, "octocat", &[]);
    assert_eq!(world.status("/eu", &here).await, 200);
    let fault = Fault::status(StatusCode::BAD_GATEWAY);
    world.eu.emulator.fail(fault.times(u64::MAX));
    for at in 0..30 {
        let unknown = format!("gho_unknown{at}");
        assert_eq!(world.status("/eu", &unknown).await, 503);
        let there = world.us.mint(B, "hubot", &[]);
        assert_eq!(world.status("/us", &there).await, 200);
        assert_eq!(world.status("/us", &unknown).await, 401);
        assert_eq!(world.status("/eu", &here).await, 200, "remembered");
    }
    let calls = world.eu.requests().len();
    assert!(calls < 20, "it is spared: {calls}");
    let apps = world.proxy.apps();
    let states: Vec<_> = apps
        .iter()
        .map(|app| {
            (
                app.ghes(),
                app.protection().expect("GHES").availability().as_str(),
            )
        })
        .collect();
    let expected = [
        ("eu", "open"),
        ("eu", "open"),
        ("us", "closed"),
        ("us", "closed"),
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn a_server_that_is_not_there_concerns_its_own_routes_alone() {
    let nowhere = |toml: String| {
        let (before, after) = toml.split_once("name = 'eu'\nurl = '").expect("a server");
        let (_, after) = after.split_once('\'').expect("its address");
        format!("{before}name = 'eu'\nurl = 'http://127.0.0.1:1'{after}")
    };
    let world = World::start_with("", nowhere).await;
    let there = world.us.mint(A, "octocat", &[]);
    assert_eq!(world.status("/eu", &there).await, 503);
    assert_eq!(world.status("/us", &there).await, 200);
    assert_eq!(world.eu.requests(), [""; 0]);
}
