//! A token in the place of a password, at a layer that takes it there.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::bearer::BearerOptions;
use ghes_gatekeeper::policy::RequireScopes;
use ghes_gatekeeper::rejection::Realm;
use ghes_gatekeeper::scope::Scopes;
use http::{Request, Response};

use super::{Client, TOKEN, World, get};

fn with_basic(layer: GatekeeperLayer<Client>) -> GatekeeperLayer<Client> {
    layer.with_bearer(BearerOptions::default().with_basic(true))
}

fn basic(pair: &str) -> Request<()> {
    let credential = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let request = get("/").header("authorization", credential).body(());
    request.expect("a request")
}

fn challenges<B>(response: &Response<B>) -> Vec<&str> {
    let lines = response.headers().get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().expect("ASCII")).collect()
}

#[tokio::test]
async fn a_password_is_let_in_on_miss_and_hit_alike_and_goes_no_further() {
    let world = World::with_layer(with_basic);
    for pair in [
        format!("admin:{TOKEN}"),
        format!("{TOKEN}:"),
        format!("{TOKEN}:x-oauth-basic"),
    ] {
        assert_eq!(world.send(basic(&pair)).await.status(), 200, "{pair}");
        assert!(!world.seen().headers().contains_key("authorization"));
    }
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_service_that_may_see_the_token_sees_no_user_name_beside_it() {
    let world = World::with_layer(|layer| with_basic(layer).with_forward_token(true));
    for _ in ["miss", "hit"] {
        let pair = format!("admin:{TOKEN}");
        assert_eq!(world.send(basic(&pair)).await.status(), 200);
        let seen = world.seen();
        let credential = &seen.headers()["authorization"];
        assert_eq!(credential, &format!("Bearer {TOKEN}"));
        assert!(credential.is_sensitive());
    }
}

#[tokio::test]
async fn both_schemes_are_challenged_for_in_lines_of_their_own() {
    let realm = Realm::new("tools").expect("a realm");
    let basic_line = "Basic realm=\"tools\", charset=\"UTF-8\"";
    // In either order.
    for world in [
        World::with_layer(|layer| with_basic(layer.with_realm(realm.clone()))),
        World::with_layer(|layer| with_basic(layer).with_realm(realm.clone())),
    ] {
        for (request, status, error) in [
            (get("/").body(()).expect("a request"), 401, ""),
            (
                basic("octocat:gho_nobody"),
                401,
                ", error=\"invalid_token\"",
            ),
            (basic("octocat:no token"), 401, ", error=\"invalid_token\""),
        ] {
            let response = world.send(request).await;
            assert_eq!(response.status(), status);
            let bearer_line = format!("Bearer realm=\"tools\"{error}");
            assert_eq!(challenges(&response), [&bearer_line, basic_line]);
        }
    }
}

/// A browser opens a window for each such challenge, and nothing that is written there would help.
#[tokio::test]
async fn only_where_a_client_is_asked_who_it_is_it_is_asked_for_a_password() {
    let required = Scopes::parse(["admin:org"]).expect("scopes");
    for only in [false, true] {
        let world = World::with_layer(|layer| {
            let bearer = BearerOptions::default().with_basic(true);
            let bearer = match only {
                true => bearer.with_basic_only(),
                false => bearer,
            };
            layer
                .with_bearer(bearer)
                .with_policy(RequireScopes::new(required.clone()))
        });
        let two = get("/").header("authorization", format!("Bearer {TOKEN}"));
        let two = two.header("authorization", format!("Bearer {TOKEN}"));
        for (request, status, error) in [
            (basic("no colon"), 400, "invalid_request"),
            (two.body(()).expect("a request"), 400, "invalid_request"),
            (
                basic(&format!("octocat:{TOKEN}")),
                403,
                "insufficient_scope\", scope=\"admin:org",
            ),
        ] {
            let response = world.send(request).await;
            assert_eq!(response.status(), status);
            let line = format!("Bearer realm=\"ghes\", error=\"{error}\"");
            assert_eq!(challenges(&response), [&line]);
        }
        let response = world.send(get("/").body(()).expect("a request")).await;
        assert_eq!(response.status(), 401);
        let basic_line = "Basic realm=\"ghes\", charset=\"UTF-8\"";
        match only {
            true => assert_eq!(challenges(&response), [basic_line]),
            false => assert_eq!(challenges(&response), ["Bearer realm=\"ghes\"", basic_line]),
        }
    }
}

#[tokio::test]
async fn a_layer_takes_no_password_by_default() {
    let world = World::new();
    let response = world.send(basic(&format!("octocat:{TOKEN}"))).await;
    assert_eq!(response.status(), 401);
    assert_eq!(challenges(&response), ["Bearer realm=\"ghes\""]);
    assert_eq!(world.calls(), 0);
}
