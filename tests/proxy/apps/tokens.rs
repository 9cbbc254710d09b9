//! Whose tokens are good where.

use ghes_gatekeeper::proxy::explain::Decision;
use ghes_gatekeeper::token::AccessToken;
use http::Method;

use super::super::TOKEN;
use super::*;

/// Oathkeeper CVE-2026-33496: a route that trusts one issuer took what was remembered for another.
#[tokio::test]
async fn c3_an_answer_for_one_app_says_nothing_about_another() {
    let mut world = World::start().await;
    let of_a = world.eu.mint(A, "octocat", &[]);
    let of_b = world.eu.mint(B, "hubot", &[]);
    // Whichever is asked first.
    for (token, good, bad, apps) in [
        (&of_a, "/eu-a", "/eu-b", [A, B]),
        (&of_b, "/eu-b", "/eu-a", [B, A]),
    ] {
        let before = world.eu.asked().len();
        for _ in 0..3 {
            assert_eq!(world.status(good, token).await, 200);
            world.upstream.request().await;
            let refused = world.get(bad, token).await;
            assert_eq!(status(&refused), 401, "{refused}");
            assert!(refused.contains("error=\"invalid_token\""), "{refused}");
            world.upstream.assert_untouched();
        }
        assert_eq!(
            world.eu.asked()[before..],
            apps,
            "each once, and remembered"
        );
    }
    assert_eq!(world.us.requests(), [""; 0]);
}

#[tokio::test]
async fn c3_a_refusal_for_one_app_says_nothing_about_another() {
    let world = World::start().await;
    let of_a = world.eu.mint(A, "octocat", &[]);
    assert_eq!(world.status("/eu-b", &of_a).await, 401);
    assert_eq!(world.status("/eu-a", &of_a).await, 200);
    assert_eq!(world.status("/eu-b", &of_a).await, 401);
    assert_eq!(world.eu.asked(), [B, A]);
}

/// `mod_auth_openidc` GHSA-wcvh-g65p-v576, pingora RUSTSEC-2026-0035: a cache that hosts share. Here
/// both servers know the very same token, as the same app's.
#[tokio::test]
async fn c4_c9_an_answer_of_one_server_says_nothing_about_another() {
    let world = World::start().await;
    assert!(world.us.emulator.revoke(TOKEN));
    for _ in 0..2 {
        assert_eq!(world.status("/eu-a", TOKEN).await, 200);
        assert_eq!(world.status("/us-a", TOKEN).await, 401);
    }
    assert_eq!(
        (world.eu.asked(), world.us.asked()),
        (vec![A.to_owned()], vec![A.to_owned()])
    );
    let token = world.us.mint(A, "octocat", &[]);
    for _ in 0..2 {
        assert_eq!(world.status("/us-org", &token).await, 200);
        assert_eq!(world.status("/eu-org", &token).await, 401);
    }
    let members = |ghes: &Ghes| {
        let requests = ghes.requests().into_iter();
        requests
            .filter(|request| request.contains("/memberships/"))
            .count()
    };
    assert_eq!((members(&world.eu), members(&world.us)), (0, 1));
}

#[tokio::test]
async fn a_route_for_all_apps_asks_as_each_until_one_knows_the_token() {
    let mut world = World::start().await;
    let of_a = world.eu.mint(A, "octocat", &[]);
    let of_b = world.eu.mint(B, "hubot", &["gist"]);
    for _ in 0..2 {
        for (token, login, client_id) in [(&of_a, "octocat", A), (&of_b, "hubot", B)] {
            assert_eq!(world.status("/eu", token).await, 200);
            let request = world.upstream.request().await;
            assert!(request.contains(&format!("x-forwarded-user: {login}\r\n")));
            assert!(request.contains(&format!("x-oauth-client-id: {client_id}\r\n")));
        }
        assert_eq!(world.status("/eu", "gho_unknown").await, 401);
    }
    assert_eq!(world.eu.asked(), [A, A, B, A, B]);
    // What a route has learned, others of the same apps know.
    assert_eq!(world.status("/eu-a", &of_a).await, 200);
    assert_eq!(world.status("/eu-b", &of_b).await, 200);
    assert_eq!(world.eu.asked().len(), 5);
}

/// Whatever becomes of a token, of its person's memberships, and of the server.
#[tokio::test]
async fn c4_no_token_is_ever_sent_to_another_server_than_the_routes() {
    let world = World::start().await;
    let of_a = world.eu.mint(A, "octocat", &[]);
    let of_b = world.eu.mint(B, "monalisa", &["read:org"]);
    let foreign = world.us.mint(A, "octocat", &[]);
    let tokens = [&*of_a, &of_b, &foreign, TOKEN, "gho_unknown", "ghp_none"];
    for outage in [false, true] {
        if outage {
            let fault = ghes_gatekeeper::emulator::Fault::dropped();
            world.eu.emulator.fail(fault.times(u64::MAX));
        }
        for path in ["/eu", "/eu-a", "/eu-b", "/eu-org"] {
            for token in tokens {
                let status = world.status(path, token).await;
                assert!([200, 401, 403, 503].contains(&status), "{path} {status}");
            }
            let unknown = format!("gho_{outage}{}", &path[1..]);
            let expected = if outage { 503 } else { 401 };
            assert_eq!(world.status(path, &unknown).await, expected);
        }
    }
    assert_eq!(world.us.requests(), [""; 0]);
    let at_eu = world.eu.requests().concat();
    for token in tokens.into_iter().filter(|token| *token != "ghp_none") {
        assert!(at_eu.contains(token), "asked at home: {token}");
    }

    // And the reverse, for those that the other server has confirmed.
    let before = world.eu.requests().len();
    for path in ["/us", "/us-a", "/us-b", "/us-org"] {
        for token in tokens {
            let expected = world.status(path, token).await;
            assert!([200, 401].contains(&expected), "{path} {expected}");
        }
    }
    assert_eq!(world.eu.requests().len(), before);
}

#[tokio::test]
async fn where_somebody_belongs_is_asked_of_the_server_that_knows_them() {
    let world = World::start().await;
    let member = world.eu.mint(B, "hubot", &["read:org"]);
    let nobody = world.eu.mint(B, "monalisa", &["read:org"]);
    assert_eq!(world.status("/eu-org", &member).await, 200);
    assert_eq!(world.status("/eu-org", &nobody).await, 403);
    let asked = world.eu.requests().concat();
    assert!(asked.contains("/user/memberships/orgs/octo-org"), "{asked}");
    assert_eq!(world.us.requests(), [""; 0]);
}

/// Whoever makes up tokens does not begin anew on each route or at each server.
#[tokio::test]
async fn turns_of_a_client_are_counted_over_all_routes() {
    let limits = "[server.limits]\nunknown_tokens_per_second = 1\nunknown_tokens_burst = 4\n";
    let world = World::start_with("", |toml| limits.to_owned() + &toml).await;
    let mut statuses = Vec::new();
    for path in [
        "/eu", "/us", "/eu-a", "/us-b", "/eu-b", "/us-a", "/eu", "/us",
    ] {
        let token = format!("gho_madeup{}", statuses.len());
        statuses.push(world.status(path, &token).await);
    }
    assert_eq!(statuses[..4], [401; 4], "{statuses:?}");
    assert!(statuses[4..].contains(&429), "{statuses:?}");
}

/// Both servers know an app by the same client id, as copies of one installation do.
#[tokio::test]
async fn a_trace_asks_no_other_server_than_the_routes() {
    let either = "[[routes]]\npath = '/us-either'\nghes = 'us'\nupstream = 'http://127.0.0.1:1'\n\
                  users = ['octocat']\norgs = ['octo-org']\n";
    let world = World::start_with(either, |toml| toml).await;
    let token = world.us.mint(A, "octocat", &["read:org"]);
    let token = AccessToken::new(token);
    for _ in ["asked", "remembered"] {
        let trace = world.proxy.explain(&token, &Method::GET, "a", "/us-either");
        let trace = trace.await.expect("a good question");
        let apps: Vec<_> = trace.apps.iter().map(|app| &*app.ghes).collect();
        assert_eq!(apps, ["us"]);
        assert!(matches!(trace.decision, Decision::Forwarded(_)));
    }
    let asked = world.us.requests().concat();
    assert!(asked.contains("/user/memberships/orgs/octo-org"), "{asked}");
    assert_eq!(world.eu.requests(), [""; 0]);
}
