use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

/// Answers with the asserted login, and the names of the headers that it got.
async fn tell(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    let login = request
        .extensions()
        .get::<Claims>()
        .map_or("nobody", |claims| &claims.login);
    let names: Vec<&str> = request.headers().keys().map(|name| name.as_str()).collect();
    Ok(Response::new(Full::from(format!("{login} {names:?}"))))
}

async fn answer(layer: &VerifyingLayer, headers: &[(&str, &str)]) -> Response<Full<Bytes>> {
    let mut request = Request::get("/notes?q=1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let service = layer.layer(service_fn(tell));
    service.oneshot(request.body(()).unwrap()).await.unwrap()
}

async fn text(response: Response<Full<Bytes>>) -> String {
    let body = response.into_body().collect().await.unwrap();
    String::from_utf8(body.to_bytes().into()).unwrap()
}

const NAME: &str = "x-gatekeeper-assertion";

#[tokio::test]
async fn who_came_through_the_gate_is_known_by_what_it_signed_alone() {
    let signer = signer(RFC_8037_KEY);
    let layer = VerifyingLayer::new(verifier(&signer));
    let response = answer(
        &layer,
        &[
            (NAME, &signed(&signer)),
            ("x-forwarded-user", "admin"),
            ("X_GitHub_User_Id", "2"),
            ("x_gatekeeper_assertion", "a.b.c"),
            ("accept", "*/*"),
        ],
    )
    .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "octocat [\"accept\"]");
}

#[tokio::test]
async fn who_did_not_is_refused_without_a_reason() {
    let signer = signer(RFC_8037_KEY);
    let layer = VerifyingLayer::new(verifier(&signer));
    let good = &*signed(&signer);
    let mut last = String::new();
    for (headers, error) in [
        (
            &[("x-forwarded-user", "octocat")][..],
            InvalidAssertion::Missing,
        ),
        (
            &[("x_gatekeeper_assertion", good)],
            InvalidAssertion::Missing,
        ),
        (&[(NAME, "a.b.c")], InvalidAssertion::Malformed),
        (&[(NAME, good), (NAME, good)], InvalidAssertion::Multiple),
        (&[(NAME, "x"), (NAME, good)], InvalidAssertion::Multiple),
    ] {
        let response = answer(&layer, headers).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.extensions().get(), Some(&error));
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["www-authenticate"], "GatekeeperAssertion");
        let text = text(response).await;
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["status"], 401);
        assert!(last.is_empty() || last == text);
        last = text;
    }
}

#[tokio::test]
async fn anonymous_requests_pass_only_where_that_is_allowed() {
    let signer = signer(RFC_8037_KEY);
    let layer = VerifyingLayer::new(verifier(&signer)).with_allow_anonymous(true);
    let nobody = answer(&layer, &[("x-forwarded-user", "admin")]).await;
    assert_eq!(text(nobody).await, "nobody []");
    let octocat = answer(&layer, &[(NAME, &signed(&signer))]).await;
    assert_eq!(text(octocat).await, "octocat []");
    let bad = answer(&layer, &[(NAME, "a.b.c")]).await;
    assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
}
