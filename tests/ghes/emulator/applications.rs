//! Tokens that are reset and deleted, and grants that go with all of theirs.
use std::time::Duration;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use http::StatusCode;
use serde_json::{Value, json};

use super::{GITHUB_APP, OAUTH_APP, SECRET, TOKEN, about, basic, call, check, version};

const RELEASES: &[&str] = &["3.8", "3.9", "3.10", "3.12", "3.15", "3.19", "3.20", "3.22"];

async fn is_good(ghes: &Emulator, client_id: &str, token: &str) -> bool {
    check(ghes, client_id, token).await.status == StatusCode::OK
}

fn time(body: &Value, member: &str) -> jiff::Timestamp {
    body[member].as_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn reset_keeps_the_authorization_and_kills_the_old_token() {
    for release in RELEASES {
        let ghes = version(release);
        let before = check(&ghes, GITHUB_APP, TOKEN).await.json();
        tokio::time::advance(Duration::from_secs(60)).await;
        let answer = about(&ghes, "PATCH", GITHUB_APP, "token", TOKEN).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let after = answer.json();
        for member in ["id", "url", "app", "scopes", "created_at", "user", "note"] {
            assert_eq!(after[member], before[member], "{member}");
        }
        assert_eq!(
            time(&after, "updated_at").as_second() - time(&before, "updated_at").as_second(),
            60
        );
        let token = after["token"].as_str().unwrap();
        assert!(token.starts_with("ghu_") && token.len() == 40);
        assert_eq!(after["token_last_eight"], token[32..]);
        assert_ne!(after["hashed_token"], before["hashed_token"]);

        assert!(!is_good(&ghes, GITHUB_APP, TOKEN).await);
        assert!(is_good(&ghes, GITHUB_APP, token).await);
        let again = about(&ghes, "PATCH", GITHUB_APP, "token", TOKEN).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn delete_token_is_204_and_then_404() {
    for release in RELEASES {
        let ghes = version(release);
        let first = about(&ghes, "DELETE", GITHUB_APP, "token", TOKEN).await;
        assert_eq!((first.status, &*first.text), (StatusCode::NO_CONTENT, ""));
        let second = about(&ghes, "DELETE", GITHUB_APP, "token", TOKEN).await;
        assert_eq!(second.status, StatusCode::NOT_FOUND);
        assert!(!is_good(&ghes, GITHUB_APP, TOKEN).await);
    }
}

#[tokio::test]
async fn deleting_a_grant_kills_all_tokens_of_that_user_and_app() {
    let ghes = Emulator::default();
    let mint = |client_id, login| ghes.mint(client_id, login, &["repo"], None).unwrap();
    let siblings = [mint(GITHUB_APP, "octocat"), mint(GITHUB_APP, "octocat")];
    let of_other_app = mint(OAUTH_APP, "octocat");
    let of_other_user = mint(GITHUB_APP, "hubot");
    let deleted = about(&ghes, "DELETE", GITHUB_APP, "grant", TOKEN).await;
    assert_eq!(
        (deleted.status, &*deleted.text),
        (StatusCode::NO_CONTENT, "")
    );
    for token in siblings.iter().map(String::as_str).chain([TOKEN]) {
        assert!(!is_good(&ghes, GITHUB_APP, token).await);
        let again = about(&ghes, "DELETE", GITHUB_APP, "grant", token).await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
    assert!(is_good(&ghes, OAUTH_APP, &of_other_app).await);
    assert!(is_good(&ghes, GITHUB_APP, &of_other_user).await);
    assert_eq!(ghes.calls(Operation::DeleteAppAuthorization), 4);
}

#[tokio::test]
async fn another_apps_token_is_404_and_stays() {
    let ghes = Emulator::default();
    for (method, end) in [("PATCH", "token"), ("DELETE", "token"), ("DELETE", "grant")] {
        let answer = about(&ghes, method, OAUTH_APP, end, TOKEN).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {end}");
        assert_eq!(answer.message(), "Not Found");
    }
    assert!(is_good(&ghes, GITHUB_APP, TOKEN).await);
}

#[tokio::test]
async fn wrong_secret_and_other_client_id_in_the_path_change_nothing() {
    let ghes = Emulator::default();
    let body = json!({ "access_token": TOKEN });
    for (method, end) in [("PATCH", "token"), ("DELETE", "token"), ("DELETE", "grant")] {
        let line = format!("{method} /applications/{GITHUB_APP}/{end}");
        let wrong = call(&ghes, &line, &basic(GITHUB_APP, "wrong"), body.clone()).await;
        assert_eq!(
            (wrong.status, wrong.message()),
            (StatusCode::UNAUTHORIZED, "Bad credentials".to_owned())
        );
        let other = call(&ghes, &line, &basic(OAUTH_APP, SECRET), body.clone()).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND);
        let user = call(&ghes, &line, &basic("octocat", "octocat"), body.clone()).await;
        assert_eq!(user.status, StatusCode::UNAUTHORIZED);
    }
    assert!(is_good(&ghes, GITHUB_APP, TOKEN).await);
}

#[tokio::test]
async fn bodies_are_checked_by_each_operation() {
    let ghes = Emulator::default();
    for (method, end, anchor) in [
        ("PATCH", "token", "reset-a-token"),
        ("DELETE", "token", "delete-an-app-token"),
        ("DELETE", "grant", "delete-an-app-authorization"),
    ] {
        let line = format!("{method} /applications/{GITHUB_APP}/{end}");
        let answer = call(&ghes, &line, &basic(GITHUB_APP, SECRET), json!({})).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            answer.message(),
            "Invalid request.\n\n\"access_token\" wasn't supplied."
        );
        let url = answer.json()["documentation_url"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            url.ends_with(&format!("/rest/apps/oauth-applications#{anchor}")),
            "{url}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn expired_token_cannot_be_reset_or_deleted() {
    let ghes = Emulator::default();
    let second = Some(Duration::from_secs(1));
    let token = ghes.mint(GITHUB_APP, "octocat", &[], second).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    for (method, end) in [("PATCH", "token"), ("DELETE", "token"), ("DELETE", "grant")] {
        let answer = about(&ghes, method, GITHUB_APP, end, &token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert!(is_good(&ghes, GITHUB_APP, TOKEN).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_resets_at_once_one_succeeds() {
    let ghes = Emulator::default();
    let resets = (0..32).map(|_| {
        let ghes = ghes.clone();
        tokio::spawn(async move {
            about(&ghes, "PATCH", GITHUB_APP, "token", TOKEN)
                .await
                .status
        })
    });
    let mut succeeded = 0;
    for reset in resets.collect::<Vec<_>>() {
        succeeded += usize::from(reset.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(succeeded, 1);
}
