//! Who does not come through, and what the client is told.

use std::convert::Infallible;

use futures_util::poll;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckRequest, InactiveReason, Verdict};
use ghes_gatekeeper::emulator::Fault;
use ghes_gatekeeper::rejection::{Rejection, RejectionDetail, RejectionKind};
use ghes_gatekeeper::validator::Validator;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};
use tower_test::mock;

use super::{TOKEN, World, bearer, get, header};

fn credentials(lines: &[&[u8]]) -> Request<()> {
    let mut request = get("/").body(()).expect("a request");
    for line in lines {
        let line = HeaderValue::from_bytes(line).expect("a value");
        request.headers_mut().append("authorization", line);
    }
    request
}

#[tokio::test]
async fn what_a_client_sees_is_what_the_contract_says() {
    let none = get("/").body(()).expect("a request");
    let good = format!("Bearer {TOKEN}");
    for (request, status, challenge, reason) in [
        (none, 401, "Bearer realm=\"ghes\"", "missing_token"),
        (
            credentials(&[b"Basic YTpi"]),
            401,
            "Bearer realm=\"ghes\"",
            "missing_token",
        ),
        (
            credentials(&[b"Bearer a b"]),
            400,
            "Bearer realm=\"ghes\", error=\"invalid_request\"",
            "invalid_request",
        ),
        (
            credentials(&[good.as_bytes(), good.as_bytes()]),
            400,
            "Bearer realm=\"ghes\", error=\"invalid_request\"",
            "invalid_request",
        ),
        (
            bearer("gho_nobody"),
            401,
            "Bearer realm=\"ghes\", error=\"invalid_token\"",
            "invalid_token",
        ),
    ] {
        let world = World::new();
        let response = world.send(request).await;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "www-authenticate"), Some(challenge));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(header(&response, "retry-after"), None);
        let problem: Value = serde_json::from_slice(response.body()).expect("JSON");
        assert_eq!(problem["reason"], reason);
        assert!(world.seen.lock().expect("no panic").is_empty());
    }
}

#[tokio::test]
async fn what_is_malformed_never_reaches_ghes() {
    let world = World::new();
    for line in [
        &b"Bearer"[..],
        b"Bearer ",
        b"Bearer \xff",
        b"Bearer a,b",
        b"token",
    ] {
        let response = world.send(credentials(&[line])).await;
        assert_eq!(response.status(), 400);
    }
    let in_query = get(&format!("/?access_token={TOKEN}")).body(());
    let response = world.send(in_query.expect("a request")).await;
    assert_eq!(response.status(), 401);
    let mut both = bearer(TOKEN);
    for query in [
        "access_token=gho_b",
        "a=b&access_token=ghu_b",
        "access%5Ftoken=%67hp_b",
    ] {
        *both.uri_mut() = format!("/?{query}").parse().expect("a URI");
        assert_eq!(world.send(both.clone()).await.status(), 400, "{query}");
    }
    assert_eq!(world.calls(), 0);
    // A tool may have parameters of that name.
    for query in ["access_token=b", "access_token=eyJ.e30.e30", "access_token"] {
        *both.uri_mut() = format!("/?{query}").parse().expect("a URI");
        assert_eq!(world.send(both.clone()).await.status(), 200, "{query}");
        assert_eq!(world.seen().uri().query(), Some(query));
    }
}

/// GitHub has announced tokens of 520 bytes.
#[tokio::test]
async fn a_long_token_is_asked_about_up_to_the_limit_and_nobodys_beyond() {
    for (bytes, calls) in [(513, 1), (520, 1), (1024, 1), (1025, 0), (30_000, 0)] {
        let world = World::new();
        let response = world.send(bearer(&"a".repeat(bytes))).await;
        assert_eq!(response.status(), 401, "{bytes}");
        let challenge = header(&response, "www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert_eq!(world.calls(), calls, "{bytes}");
    }
}

#[tokio::test]
async fn no_answer_is_503_without_a_challenge() {
    let world = World::new();
    world.ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let response = world.send(bearer(TOKEN)).await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(&response, "www-authenticate"), None);
    assert_eq!(header(&response, "retry-after"), Some("5"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    let problem: Value = serde_json::from_slice(response.body()).expect("JSON");
    assert_eq!(problem["reason"], "unavailable");
}

#[tokio::test]
async fn the_reason_stands_in_the_extensions() {
    let world = World::new();
    let response = world.send(bearer("gho_nobody")).await;
    let rejection = response.extensions().get::<Rejection>();
    assert_eq!(
        rejection.expect("a rejection").kind(),
        RejectionKind::InvalidToken
    );
    let response = world.send(bearer(TOKEN)).await;
    assert!(response.extensions().get::<Rejection>().is_none());
}

#[tokio::test]
async fn a_mistake_with_a_cure_is_told_as_a_detail() {
    let world = World::new();
    let good = format!("Bearer {TOKEN}");
    let quoted = format!("Bearer \"{TOKEN}\"");
    for (lines, detail) in [
        (vec!["Bearer ghp_a"], Some("personal_access_token")),
        (vec!["token github_pat_a"], Some("personal_access_token")),
        (vec!["Bearer ghs_a"], Some("installation_token")),
        (vec!["Bearer ghr_a"], Some("refresh_token")),
        (vec!["Basic YTpi"], Some("basic")),
        (vec!["Digest a"], Some("other_scheme")),
        (vec![&*quoted], Some("quoted_token")),
        (vec!["Bearer a b"], Some("malformed_credential")),
        (vec![&*good, &*good], Some("multiple_credentials")),
        (vec!["Bearer gho_nobody"], None),
        (vec![], None),
    ] {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let response = world.send(credentials(&lines)).await;
        let rejection = response.extensions().get::<Rejection>();
        let rejection = rejection.expect("a rejection");
        let told = rejection.detail().map(RejectionDetail::as_str);
        assert_eq!(told, detail, "{lines:?}");
        let problem: Value = serde_json::from_slice(response.body()).expect("JSON");
        assert_eq!(problem["detail"], rejection.to_string());
    }
}

#[tokio::test]
async fn the_realm_is_the_configured_one() {
    let realm = ghes_gatekeeper::rejection::Realm::new("tools").expect("a realm");
    let world = World::with_layer(|layer| layer.with_realm(realm));
    let response = world.send(credentials(&[])).await;
    assert_eq!(
        header(&response, "www-authenticate"),
        Some("Bearer realm=\"tools\"")
    );
}

/// Of these kinds *check a token* knows none, so GHES need not be asked.
#[tokio::test]
async fn kinds_that_no_app_has_for_a_user_are_refused_without_a_call() {
    let world = World::new();
    for token in ["ghp_a", "github_pat_a", "ghs_a", "ghr_a"] {
        assert_eq!(world.status(token).await, 401, "{token}");
    }
    assert_eq!(world.calls(), 0);
    for token in ["gho_a", "ghu_a", "a"] {
        assert_eq!(world.status(token).await, 401, "{token}");
    }
    assert_eq!(world.calls(), 3);
}

#[tokio::test]
async fn who_finds_no_room_to_wait_is_told_to_come_again() {
    let (check, mut handle) = mock::pair::<CheckRequest, Verdict>();
    let validator = Validator::builder(check).with_max_waiting(2, 3).build();
    let layer = GatekeeperLayer::new(validator);
    let gate = layer.layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(()))
    }));
    let send = |token: &str| Box::pin(gate.clone().oneshot(bearer(token)));
    let mut waiting: Vec<_> = ["a", "a", "b"].map(send).into();
    for request in &mut waiting {
        assert!(poll!(request).is_pending());
    }
    for token in ["a", "b", "c"] {
        let told = send(token).await.expect("a response");
        assert_eq!(told.status(), 503, "{token}");
        assert_eq!(header(&told, "retry-after"), Some("5"));
        assert_eq!(header(&told, "www-authenticate"), None);
    }
    for _ in 0..2 {
        let (_, reply) = handle.next_request().await.expect("a call");
        reply.send_response(Verdict::Inactive(InactiveReason::Unknown));
    }
    for request in waiting {
        assert_eq!(request.await.expect("a response").status(), 401);
    }
}
