//! Who comes through, and what the inner service then sees.

use std::time::Duration;

use ghes_gatekeeper::Identity;
use ghes_gatekeeper::identity::User;
use ghes_gatekeeper::policy::{Denial, RequireScopes};
use ghes_gatekeeper::scope::Scopes;
use http::{Method, Request};

use super::{CLIENT_ID, TOKEN, World, bearer, get, header};

/// A request that carries everything a client could try to pass off as ours.
fn forged() -> Request<()> {
    let mut request = get("/path?page=2")
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("accept", "*/*");
    for name in [
        "X-Forwarded-User",
        "X_Forwarded_User",
        "x.forwarded.user",
        "X-Forwarded-Email",
        "X-Forwarded-Groups",
        "X-GitHub-User-Id",
        "X_GitHub_User_Id",
        "X-OAuth-Scopes",
        "X-OAuth-Client-Id",
        "X-Auth-Request-User",
        "X-Auth-Request-Groups",
        "X-Gatekeeper-Stale",
        "X-GitHub-Login",
        "X_GitHub_Teams",
        "X-OAuth-User",
        "Impersonate-User",
        "impersonate_group",
        "Remote-User",
    ] {
        request = request.header(name, "admin").header(name, "root");
    }
    request.body(()).expect("a request")
}

fn lines(request: &Request<()>) -> Vec<String> {
    let line = |(name, value): (_, &http::HeaderValue)| {
        format!("{name}: {}", value.to_str().expect("ASCII"))
    };
    let mut lines: Vec<_> = request.headers().iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_identity_travels_in_the_extensions() {
    let world = World::new();
    assert_eq!(world.send(forged()).await.status(), 200);
    let seen = world.seen();
    assert_eq!(lines(&seen), ["accept: */*"]);
    let identity = seen.extensions().get::<Identity>().expect("an identity");
    assert_eq!(identity.user().login(), "octocat");
    assert_eq!(identity.user().id(), 1);
    assert_eq!(identity.client_id(), CLIENT_ID);
    assert_eq!(identity.scopes().join(","), "public_repo,user");
    assert_eq!(seen.uri(), "/path?page=2");
}

#[tokio::test]
async fn the_identity_travels_in_headers_on_miss_and_hit_alike() {
    let world = World::with_layer(|layer| {
        layer
            .with_identity_headers(true)
            .with_identity_extension(false)
    });
    for calls in [1, 1] {
        assert_eq!(world.send(forged()).await.status(), 200);
        let seen = world.seen();
        assert_eq!(
            lines(&seen),
            [
                "accept: */*",
                "x-forwarded-user: octocat",
                "x-github-user-id: 1",
                "x-oauth-client-id: Iv1.8a61f9b3a7aba766",
                "x-oauth-scopes: public_repo, user",
            ]
        );
        assert!(seen.extensions().get::<Identity>().is_none());
        assert_eq!(world.calls(), calls);
    }
}

#[tokio::test]
async fn a_token_without_scopes_sets_an_empty_header() {
    let world = World::with_layer(|layer| layer.with_identity_headers(true));
    let token = world
        .ghes
        .mint(CLIENT_ID, "hubot", &[], None)
        .expect("a token");
    let mut request = bearer(&token);
    let admin = http::HeaderValue::from_static("admin:org");
    request.headers_mut().insert("x-oauth-scopes", admin);
    assert_eq!(world.send(request).await.status(), 200);
    assert_eq!(world.seen().headers()["x-oauth-scopes"], "");
}

#[tokio::test]
async fn the_credential_is_forwarded_only_on_request() {
    let world = World::with_layer(|layer| layer.with_forward_token(true));
    assert_eq!(world.status(TOKEN).await, 200);
    let seen = world.seen();
    let credential = &seen.headers()["authorization"];
    assert_eq!(credential, &format!("Bearer {TOKEN}"));
    assert!(credential.is_sensitive());
}

#[tokio::test]
async fn both_schemes_come_through() {
    for scheme in ["Bearer", "bearer", "token"] {
        let world = World::new();
        let credential = format!("{scheme} {TOKEN}");
        let request = get("/").header("authorization", credential).body(());
        let response = world.send(request.expect("a request")).await;
        assert_eq!(response.status(), 200, "{scheme}");
    }
}

#[tokio::test]
async fn the_policy_decides_on_hits_as_on_misses() {
    let world = World::with_layer(|layer| {
        layer.with_policy(
            |identity: &Identity, method: &Method, path: &str| match (method, path) {
                (&Method::GET, _) => Ok(()),
                (_, "/admin") if identity.user().site_admin() => Ok(()),
                _ => Err(Denial::Forbidden),
            },
        )
    });
    let send = async |method: &str, path: &str| {
        let request = get(path)
            .method(method)
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(());
        let response = world.send(request.expect("a request")).await;
        response.status().as_u16()
    };
    assert_eq!(send("POST", "/admin").await, 403);
    assert_eq!(send("GET", "/admin?x=/public").await, 200);
    assert_eq!(send("POST", "/admin").await, 403);
    assert_eq!(send("POST", "/").await, 403);
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_remembered_token_does_not_open_what_needs_more_scopes() {
    let required = Scopes::parse(["admin:org", "user:email"]).expect("scopes");
    let world = World::with_layer(|layer| layer.with_policy(RequireScopes::new(required)));
    for _ in 0..2 {
        let response = world.send(bearer(TOKEN)).await;
        assert_eq!(response.status(), 403);
        assert_eq!(
            header(&response, "www-authenticate"),
            Some(
                "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"admin:org user:email\""
            )
        );
    }
    let scopes = ["admin:org", "user"];
    let token = world.ghes.mint(CLIENT_ID, "octocat", &scopes, None);
    assert_eq!(world.status(&token.expect("a token")).await, 200);
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_dead_when_its_age_ends() {
    let world = World::new();
    assert_eq!(world.status(TOKEN).await, 200);
    assert!(world.ghes.revoke(TOKEN));
    tokio::time::advance(Duration::from_secs(50)).await;
    assert_eq!(world.status(TOKEN).await, 200);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.status(TOKEN).await, 401);
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_asked_about_again_after_ten_seconds() {
    let world = World::new();
    for _ in 0..5 {
        assert_eq!(world.status("gho_nobody").await, 401);
    }
    assert_eq!(world.calls(), 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(world.status("gho_nobody").await, 401);
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn tokens_that_differ_in_their_last_byte_are_different() {
    let world = World::new();
    let long = "a".repeat(500);
    for (token, calls) in [(format!("{long}1"), 1), (format!("{long}2"), 2)] {
        assert_eq!(world.status(&token).await, 401);
        assert_eq!(world.calls(), calls);
    }
}

#[test]
fn debug_of_public_types_shows_no_secret() {
    let world = World::new();
    let shown = format!(
        "{:?} {:?} {:?}",
        super::client(&world.ghes),
        ghes_gatekeeper::ghes::App::new(CLIENT_ID, super::SECRET),
        Identity::new(User::new("octocat", 1), CLIENT_ID, 1, Scopes::default()),
    );
    assert!(!shown.contains(super::SECRET), "{shown}");
    assert!(!shown.contains("SXYxLjhh"), "{shown}");
}
