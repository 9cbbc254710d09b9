//! At most ten tokens of one user, app and set of scopes.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::{OAUTH_APP, SECRET, by_octocat, call, check};

async fn create(ghes: &Emulator, scopes: &[&str]) -> String {
    let order = json!({ "client_id": OAUTH_APP, "client_secret": SECRET, "scopes": scopes });
    let answer = by_octocat(ghes, "POST /authorizations", order).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    tokio::time::advance(Duration::from_secs(1)).await;
    answer.json()["token"].as_str().unwrap().to_owned()
}

async fn good(ghes: &Emulator, tokens: &[String]) -> Vec<bool> {
    let mut good = Vec::new();
    for token in tokens {
        good.push(check(ghes, OAUTH_APP, token).await.status == StatusCode::OK);
    }
    good
}

#[tokio::test(start_paused = true)]
async fn eleventh_token_makes_the_oldest_give_way() {
    let ghes = Emulator::default();
    let mut tokens = Vec::new();
    for _ in 0..10 {
        tokens.push(create(&ghes, &["repo", "gist"]).await);
    }
    let other_scopes = create(&ghes, &["repo"]).await;
    assert_eq!(good(&ghes, &tokens).await, [true; 10]);
    tokens.push(create(&ghes, &["gist", "repo"]).await);
    let mut expected = [true; 11];
    expected[0] = false;
    assert_eq!(good(&ghes, &tokens).await, expected);
    assert_eq!(good(&ghes, &[other_scopes]).await, [true]);
}

#[tokio::test(start_paused = true)]
async fn used_tokens_stay_and_then_the_least_recently_used_goes() {
    let ghes = Emulator::default();
    let mut tokens = Vec::new();
    for _ in 0..10 {
        tokens.push(create(&ghes, &["repo"]).await);
    }
    for index in [1, 0, 2, 3, 4, 5, 6, 7, 8] {
        let bearer = format!("Bearer {}", tokens[index]);
        assert_eq!(
            call(&ghes, "GET /user", &bearer, Value::Null).await.status,
            StatusCode::OK
        );
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokens.push(create(&ghes, &["repo"]).await);
    let unused: Vec<usize> = gone(&ghes, &tokens).await;
    assert_eq!(unused, [9], "the one that was never used");

    let bearer = format!("Bearer {}", tokens[10]);
    call(&ghes, "GET /user", &bearer, Value::Null).await;
    tokens.push(create(&ghes, &["repo"]).await);
    assert_eq!(gone(&ghes, &tokens).await, [1, 9], "the one used first");
}

async fn gone(ghes: &Emulator, tokens: &[String]) -> Vec<usize> {
    let good = good(ghes, tokens).await;
    (0..tokens.len()).filter(|&index| !good[index]).collect()
}

#[tokio::test(start_paused = true)]
async fn minted_tokens_know_no_limit() {
    let ghes = Emulator::default();
    let mint = || ghes.mint(OAUTH_APP, "octocat", &["repo"], None).unwrap();
    let tokens: Vec<String> = (0..25).map(|_| mint()).collect();
    assert_eq!(good(&ghes, &tokens).await, [true; 25]);
    create(&ghes, &["repo"]).await;
    assert_eq!(
        gone(&ghes, &tokens).await,
        [0],
        "one new token, one gives way"
    );
}
