//! Tokens that expire, and the refresh tokens that renew them.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::StatusCode;
use serde_json::{Value, json};

use super::web_flow::{code, redeem};
use super::{GITHUB_APP, TOKEN, check, world};

async fn refresh(ghes: &Emulator, token: &Value) -> Value {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str().unwrap()),
    ];
    redeem(ghes, GITHUB_APP, &fields).await
}

#[tokio::test]
async fn github_apps_tokens_expire_and_can_be_renewed() {
    let ghes = Emulator::default();
    let code = code(&ghes, GITHUB_APP, "repo").await;
    let first = redeem(&ghes, GITHUB_APP, &[("code", &code)]).await;
    assert_eq!(
        (&first["scope"], &first["expires_in"]),
        (&json!(""), &json!(28_800))
    );
    assert_eq!(first["refresh_token_expires_in"], 15_897_600);
    assert_eq!(first["refresh_token"].as_str().unwrap().len(), 80);
    let old = check(&ghes, GITHUB_APP, first["access_token"].as_str().unwrap())
        .await
        .json();
    assert!(old["expires_at"].is_string());

    let second = refresh(&ghes, &first["refresh_token"]).await;
    let new = check(&ghes, GITHUB_APP, second["access_token"].as_str().unwrap()).await;
    assert_eq!(new.status, StatusCode::OK);
    for spent in [&first, &second] {
        let is_old = spent == &first;
        let answer = check(&ghes, GITHUB_APP, spent["access_token"].as_str().unwrap()).await;
        assert_eq!(answer.status == StatusCode::NOT_FOUND, is_old);
    }
    let again = refresh(&ghes, &first["refresh_token"]).await;
    assert_eq!(again["error"], "bad_refresh_token");
}

#[tokio::test(start_paused = true)]
async fn expired_token_can_be_renewed_for_six_months() {
    let ghes = Emulator::default();
    let code = code(&ghes, GITHUB_APP, "").await;
    let first = redeem(&ghes, GITHUB_APP, &[("code", &code)]).await;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    tokio::time::advance(hours(9)).await;
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(
        check(&ghes, GITHUB_APP, token).await.status,
        StatusCode::NOT_FOUND
    );
    let second = refresh(&ghes, &first["refresh_token"]).await;
    let token = second["access_token"].as_str().unwrap();
    assert_eq!(check(&ghes, GITHUB_APP, token).await.status, StatusCode::OK);
    tokio::time::advance(hours(184 * 24)).await;
    assert_eq!(
        refresh(&ghes, &second["refresh_token"]).await["error"],
        "bad_refresh_token"
    );
}

#[tokio::test]
async fn deleting_the_grant_kills_the_refresh_token() {
    let ghes = Emulator::default();
    let code = code(&ghes, GITHUB_APP, "").await;
    let tokens = redeem(&ghes, GITHUB_APP, &[("code", &code)]).await;
    super::about(&ghes, "DELETE", GITHUB_APP, "grant", TOKEN).await;
    assert_eq!(
        refresh(&ghes, &tokens["refresh_token"]).await["error"],
        "bad_refresh_token"
    );
}

#[tokio::test]
async fn app_can_opt_out_of_expiry() {
    let ghes = world(|world| {
        world.replace(
            "name = \"my github app\"",
            "name = \"my github app\"\nexpire_user_tokens = false",
        )
    });
    let code = code(&ghes, GITHUB_APP, "").await;
    let answer = redeem(&ghes, GITHUB_APP, &[("code", &code)]).await;
    assert_eq!(answer.get("refresh_token"), None);
    let checked = check(&ghes, GITHUB_APP, answer["access_token"].as_str().unwrap()).await;
    assert_eq!(checked.json()["expires_at"], Value::Null);
}
