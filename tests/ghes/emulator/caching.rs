//! `ETag` and 304.
use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, TOKEN, basic, by_octocat, send};

async fn conditional(ghes: &Emulator, line: &str, etag: &str) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v3{path}"))
        .header("host", "ghes.test")
        .header("authorization", basic("octocat", "octocat"))
        .header("if-none-match", etag);
    send(ghes, request.body(String::new()).unwrap()).await
}

const DECLARED: &[&str] = &[
    "GET /applications/grants",
    "GET /applications/grants/1",
    "GET /authorizations",
    "GET /authorizations/1",
    "GET /user",
    "GET /user/emails",
    "GET /user/orgs",
    "GET /meta",
];

#[tokio::test]
async fn unchanged_answers_are_304_without_a_body() {
    let ghes = Emulator::default();
    for line in DECLARED {
        let first = by_octocat(&ghes, line, Value::Null).await;
        let etag = first.header("etag").unwrap();
        assert!(etag.starts_with('"') && etag.len() == 66, "{etag}");
        assert_eq!(
            first.header("cache-control"),
            Some("private, max-age=60, s-maxage=60")
        );
        for known in [
            etag.to_owned(),
            format!("W/{etag}"),
            format!("\"x\", {etag}"),
            "*".to_owned(),
        ] {
            let again = conditional(&ghes, line, &known).await;
            assert_eq!(
                (again.status, &*again.text),
                (StatusCode::NOT_MODIFIED, ""),
                "{line}"
            );
            assert_eq!(again.header("etag"), Some(etag));
            assert_eq!(
                again.header("vary"),
                Some("Accept, Authorization, Cookie, X-GitHub-OTP")
            );
            assert_eq!(again.header("x-github-enterprise-version"), Some("3.19.0"));
        }
        assert_eq!(
            conditional(&ghes, line, "\"other\"").await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn change_makes_another_etag() {
    let ghes = Emulator::default();
    let before = by_octocat(&ghes, "GET /authorizations", Value::Null).await;
    by_octocat(&ghes, "PATCH /authorizations/1", json!({ "note": "new" })).await;
    let after = conditional(&ghes, "GET /authorizations", before.header("etag").unwrap()).await;
    assert_eq!(after.status, StatusCode::OK);
}

#[tokio::test]
async fn only_gets_that_declare_it_can_be_304() {
    let ghes = Emulator::default();
    for line in [
        "GET /user/memberships/orgs/octo-org",
        "GET /orgs/octo-org/teams/platform/memberships/octocat",
    ] {
        let answer = conditional(&ghes, line, "*").await;
        assert_eq!(
            (answer.status, answer.header("etag")),
            (StatusCode::OK, None),
            "{line}"
        );
    }
    let check = Request::post(format!("/api/v3/applications/{GITHUB_APP}/token"))
        .header("authorization", basic(GITHUB_APP, super::SECRET))
        .header("if-none-match", "*");
    let check = send(&ghes, check.body(super::access_token(TOKEN)).unwrap()).await;
    assert_eq!(check.status, StatusCode::OK);
    assert_eq!(
        conditional(&ghes, "DELETE /authorizations/1", "*")
            .await
            .status,
        StatusCode::NO_CONTENT
    );
}
