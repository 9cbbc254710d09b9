//! Grants as their user sees them.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::{GITHUB_APP, OAUTH_APP, TOKEN, basic, by_octocat, call, check, version};

#[tokio::test]
async fn one_grant_for_each_app_with_the_union_of_scopes() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19", "3.22"] {
        let ghes = version(release);
        ghes.mint(OAUTH_APP, "octocat", &["repo"], None).unwrap();
        ghes.mint(OAUTH_APP, "octocat", &["user", "repo"], None)
            .unwrap();
        ghes.mint(OAUTH_APP, "hubot", &["gist"], None).unwrap();
        let answer = by_octocat(&ghes, "GET /applications/grants", Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
        let grants = answer.json();
        assert_eq!(grants.as_array().unwrap().len(), 2);
        assert_eq!(grants[0]["app"]["client_id"], GITHUB_APP);
        assert_eq!(grants[1]["scopes"], json!(["repo", "user"]));
        assert_eq!(
            grants[1]["url"],
            "http://ghes.test/api/v3/applications/grants/2"
        );

        let one = by_octocat(&ghes, "GET /applications/grants/2", Value::Null).await;
        assert_eq!(one.json(), grants[1]);
        let only = format!("GET /applications/grants?client_id={OAUTH_APP}");
        let only = by_octocat(&ghes, &only, Value::Null).await.json();
        assert_eq!(only, json!([grants[1]]));
    }
}

#[tokio::test]
async fn deleted_grant_takes_its_tokens_and_is_gone() {
    let ghes = Emulator::default();
    let deleted = by_octocat(&ghes, "DELETE /applications/grants/1", Value::Null).await;
    assert_eq!(
        (deleted.status, &*deleted.text),
        (StatusCode::NO_CONTENT, "")
    );
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::NOT_FOUND
    );
    for line in [
        "DELETE /applications/grants/1",
        "GET /applications/grants/1",
    ] {
        let again = by_octocat(&ghes, line, Value::Null).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
    let list = by_octocat(&ghes, "GET /applications/grants", Value::Null).await;
    assert_eq!(list.json(), json!([]));

    ghes.mint(GITHUB_APP, "octocat", &[], None).unwrap();
    let list = by_octocat(&ghes, "GET /applications/grants", Value::Null)
        .await
        .json();
    assert_eq!(list[0]["id"], 2, "a new grant is another grant");
}

#[tokio::test(start_paused = true)]
async fn grant_outlives_its_tokens() {
    let ghes = Emulator::default();
    ghes.revoke(TOKEN);
    let grant = by_octocat(&ghes, "GET /applications/grants/1", Value::Null)
        .await
        .json();
    assert_eq!(grant["scopes"], json!([]));
    tokio::time::advance(Duration::from_secs(5)).await;
    ghes.mint(GITHUB_APP, "octocat", &["gist"], None).unwrap();
    let later = by_octocat(&ghes, "GET /applications/grants/1", Value::Null)
        .await
        .json();
    assert_eq!(later["scopes"], json!(["gist"]));
    assert_eq!(later["created_at"], grant["created_at"]);
    assert_ne!(later["updated_at"], grant["updated_at"]);
}

#[tokio::test]
async fn anothers_grant_is_404() {
    let ghes = Emulator::default();
    let hubot = basic("hubot", "hubot");
    for line in [
        "GET /applications/grants/1",
        "DELETE /applications/grants/1",
        "GET /applications/grants/x",
    ] {
        let answer = call(&ghes, line, &hubot, Value::Null).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{line}");
    }
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}
