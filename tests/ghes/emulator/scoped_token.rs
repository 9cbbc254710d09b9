//! Tokens confined to some repositories and permissions.

use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, OAUTH_APP, SECRET, TOKEN, basic, call, check, version};

async fn scope(ghes: &Emulator, client_id: &str, body: Value) -> Answer {
    let line = format!("POST /applications/{client_id}/token/scoped");
    call(ghes, &line, &basic(client_id, SECRET), body).await
}

#[tokio::test]
async fn scoped_token_is_new_and_names_its_installation() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = version(release);
        let permissions = json!({ "metadata": "read", "issues": "write", "contents": "read" });
        let order =
            json!({ "access_token": TOKEN, "target": "octocat", "permissions": permissions });
        let answer = scope(&ghes, GITHUB_APP, order).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let body = answer.json();
        assert_eq!(body["user"]["login"], "octocat");
        let installation = &body["installation"];
        assert_eq!(installation["permissions"], permissions);
        assert_eq!(installation["repository_selection"], "all");
        assert_eq!(installation["account"]["login"], "octocat");
        let token = body["token"].as_str().unwrap();
        assert_ne!(token, TOKEN);
        for token in [token, TOKEN] {
            assert_eq!(check(&ghes, GITHUB_APP, token).await.status, StatusCode::OK);
        }
        let again = scope(
            &ghes,
            GITHUB_APP,
            json!({ "access_token": token, "target": "octocat" }),
        );
        assert_eq!(
            again.await.status,
            StatusCode::NOT_FOUND,
            "only an unscoped token can be scoped"
        );
    }
}

#[tokio::test]
async fn target_may_be_an_organization_or_an_id() {
    let ghes = Emulator::default();
    let order = json!({ "access_token": TOKEN, "target": "octo-org", "repositories": ["rails"] });
    let body = scope(&ghes, GITHUB_APP, order).await.json();
    let account = &body["installation"]["account"];
    assert_eq!(
        (&account["login"], &account["type"]),
        (&json!("octo-org"), &json!("Organization"))
    );
    assert_eq!(body["installation"]["repository_selection"], "selected");
    let order = json!({ "access_token": TOKEN, "target_id": 1, "repository_ids": [1] });
    let body = scope(&ghes, GITHUB_APP, order).await.json();
    assert_eq!(body["installation"]["account"]["login"], "octocat");
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let ghes = Emulator::default();
    for (order, status) in [
        (json!({ "access_token": TOKEN }), 422),
        (json!({ "target": "octocat" }), 422),
        (
            json!({ "access_token": TOKEN, "target": "octocat", "repositories": [], "repository_ids": [] }),
            422,
        ),
        (
            json!({ "access_token": TOKEN, "target": "octocat", "repository_ids": ["1"] }),
            422,
        ),
        (
            json!({ "access_token": TOKEN, "target": "octocat", "permissions": [] }),
            422,
        ),
        (
            json!({ "access_token": TOKEN, "target": "octocat", "more": 1 }),
            422,
        ),
        (json!({ "access_token": TOKEN, "target": "nobody" }), 404),
        (
            json!({ "access_token": "gho_unknown", "target": "octocat" }),
            404,
        ),
    ] {
        let answer = scope(&ghes, GITHUB_APP, order.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{order}");
    }
}

#[tokio::test]
async fn tokens_of_an_oauth_app_cannot_be_scoped() {
    let ghes = Emulator::default();
    let token = ghes.mint(OAUTH_APP, "octocat", &["repo"], None).unwrap();
    let answer = scope(
        &ghes,
        OAUTH_APP,
        json!({ "access_token": token, "target": "octocat" }),
    )
    .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

/// A narrower token is no way to keep a wider one's power for longer.
#[tokio::test(start_paused = true)]
async fn a_scoped_token_expires_with_the_one_it_was_made_from() {
    let ghes = Emulator::default();
    let lives = Some(Duration::from_secs(60));
    let wide = ghes.mint(GITHUB_APP, "octocat", &[], lives);
    let order = json!({ "access_token": wide.expect("a token"), "target": "octocat" });
    let scoped = scope(&ghes, GITHUB_APP, order).await.json();
    assert!(scoped["expires_at"].is_string(), "{scoped}");
    let token = scoped["token"].as_str().expect("a token");
    assert_eq!(check(&ghes, GITHUB_APP, token).await.status, StatusCode::OK);
    tokio::time::advance(Duration::from_secs(60)).await;
    let expired = check(&ghes, GITHUB_APP, token).await.status;
    assert_eq!(expired, StatusCode::NOT_FOUND);
}
