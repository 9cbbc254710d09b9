//! Tokens that come and go.
use std::time::Duration;

use ghes_gatekeeper::emulator::{Emulator, MintError, Operation, World};
use http::StatusCode;
use serde_json::json;

use super::{GITHUB_APP, OAUTH_APP, TOKEN, check};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn minted_token_is_good_for_its_app_only() {
    let ghes = Emulator::default();
    let token = ghes.mint(OAUTH_APP, "hubot", &["read:org"], None).unwrap();
    let body = check(&ghes, OAUTH_APP, &token).await.json();
    assert_eq!(body["user"]["login"], "hubot");
    assert_eq!(body["scopes"], json!(["read:org"]));
    assert_eq!(body["app"]["client_id"], OAUTH_APP);
    assert_eq!(body["id"], 2);
    assert_eq!(
        check(&ghes, GITHUB_APP, &token).await.status,
        StatusCode::NOT_FOUND
    );
}

#[test]
fn minted_tokens_have_the_prefix_of_their_kind_and_differ() {
    let ghes = Emulator::default();
    let of_oauth_app = ghes.mint(OAUTH_APP, "hubot", &[], None).unwrap();
    let of_github_app = ghes.mint(GITHUB_APP, "hubot", &[], None).unwrap();
    assert!(of_oauth_app.starts_with("gho_") && of_oauth_app.len() == 40);
    assert!(of_github_app.starts_with("ghu_") && of_github_app.len() == 40);
    assert_ne!(of_oauth_app[4..], of_github_app[4..]);
    assert_eq!(
        Emulator::default().mint(OAUTH_APP, "hubot", &[], None),
        Ok(of_oauth_app)
    );
}

#[test]
fn tokens_need_an_app_a_user_and_a_possible_expiry() {
    let ghes = Emulator::default();
    assert_eq!(
        ghes.mint("unknown", "hubot", &[], None),
        Err(MintError::NoSuchApp)
    );
    assert_eq!(
        ghes.mint(OAUTH_APP, "unknown", &[], None),
        Err(MintError::NoSuchUser)
    );
    let forever = Some(Duration::MAX);
    assert_eq!(
        ghes.mint(OAUTH_APP, "hubot", &[], forever),
        Err(MintError::ExpiryOutOfRange)
    );
}

#[tokio::test]
async fn revoked_token_is_404() {
    let ghes = Emulator::default();
    assert!(ghes.revoke(TOKEN));
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(!ghes.revoke(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn token_expires_at_the_time_it_says() {
    let ghes = Emulator::default();
    let token = ghes
        .mint(GITHUB_APP, "octocat", &[], Some(8 * HOUR))
        .unwrap();
    let body = check(&ghes, GITHUB_APP, &token).await.json();
    let time = |member: &str| {
        body[member]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    assert_eq!(
        time("expires_at").as_second() - time("created_at").as_second(),
        8 * 3600
    );

    tokio::time::advance(8 * HOUR - Duration::from_secs(1)).await;
    assert_eq!(
        check(&ghes, GITHUB_APP, &token).await.status,
        StatusCode::OK
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(
        check(&ghes, GITHUB_APP, &token).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn expiry_of_the_world_holds() {
    let world = |expires_at: &str| {
        let line = format!("scopes = [\"public_repo\", \"user\"]\nexpires_at = \"{expires_at}\"");
        World::from_toml(&World::DOCUMENTS.replace("scopes = [\"public_repo\", \"user\"]", &line))
            .unwrap()
    };
    let past = check(
        &Emulator::new(world("2011-09-08T17:26:27Z")),
        GITHUB_APP,
        TOKEN,
    )
    .await;
    assert_eq!(past.status, StatusCode::NOT_FOUND);
    let future = check(
        &Emulator::new(world("9000-01-01T02:00:00+02:00")),
        GITHUB_APP,
        TOKEN,
    )
    .await;
    assert_eq!(future.json()["expires_at"], "9000-01-01T00:00:00Z");
}

#[tokio::test]
async fn clones_share_everything() {
    let ghes = Emulator::default();
    let clone = ghes.clone();
    let token = ghes.mint(GITHUB_APP, "octocat", &[], None).unwrap();
    assert_eq!(
        check(&clone, GITHUB_APP, &token).await.status,
        StatusCode::OK
    );
    assert_eq!(ghes.calls(Operation::CheckToken), 1);
}

#[tokio::test]
async fn seed_decides_what_is_made_up() {
    let tokens = async |ghes: Emulator| {
        let minted = ghes.mint(OAUTH_APP, "hubot", &[], None).unwrap();
        let reset = super::about(&ghes, "PATCH", GITHUB_APP, "token", TOKEN).await;
        let code = super::web_flow::code(&ghes, OAUTH_APP, "repo").await;
        [
            minted,
            reset.json()["token"].as_str().unwrap().to_owned(),
            code,
        ]
    };
    let zero = tokens(Emulator::default()).await;
    assert_eq!(tokens(Emulator::default().with_seed(0)).await, zero);
    let seven = tokens(Emulator::default().with_seed(7)).await;
    assert_eq!(tokens(Emulator::default().with_seed(7)).await, seven);
    for (one, other) in zero.iter().zip(&seven) {
        assert_ne!(one, other);
    }
}
