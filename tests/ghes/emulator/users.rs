//! Who a token stands for, and what the server says about itself.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, OAUTH_APP, TOKEN, call, send, version, world};

async fn user(ghes: &Emulator, token: &str) -> Answer {
    call(ghes, "GET /user", &format!("Bearer {token}"), Value::Null).await
}

#[tokio::test]
async fn token_tells_its_user() {
    for release in ["3.8", "3.9", "3.10", "3.12", "3.15", "3.19", "3.22"] {
        let ghes = version(release);
        let token = ghes.mint(OAUTH_APP, "hubot", &["gist"], None).unwrap();
        let answer = user(&ghes, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let body = answer.json();
        assert_eq!(
            (body["login"].as_str(), body["id"].as_u64()),
            (Some("hubot"), Some(2))
        );
        assert_eq!(
            body.get("two_factor_authentication"),
            None,
            "only the scope `user` shows it"
        );
        let view = body.get("user_view_type").and_then(Value::as_str);
        let is_older = ["3.8", "3.9", "3.10", "3.12"].contains(&release);
        assert_eq!(view, (!is_older).then_some("public"));
        assert_eq!(answer.header("x-oauth-scopes"), Some("gist"));
        assert_eq!(answer.header("x-accepted-oauth-scopes"), Some(""));
        assert_eq!(answer.header("x-oauth-client-id"), Some(OAUTH_APP));
    }
}

#[tokio::test]
async fn scope_user_shows_the_private_profile() {
    let add = "password = \"octocat\"\nname = \"The Octocat\"\nemail = \"octocat@github.com\"";
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = world(|world| world.replace("password = \"octocat\"", add))
            .with_version(release.parse().unwrap());
        let token = ghes.mint(OAUTH_APP, "octocat", &["user"], None).unwrap();
        let body = user(&ghes, &token).await.json();
        assert_eq!(body["two_factor_authentication"], false);
        assert_eq!(body["name"], "The Octocat");
        assert_eq!(body["email"], "octocat@github.com");
    }
}

#[tokio::test]
async fn github_apps_tokens_have_no_scopes_to_show() {
    let ghes = Emulator::default();
    let answer = user(&ghes, TOKEN).await;
    assert_eq!(answer.header("x-oauth-scopes"), None);
    assert_eq!(answer.header("x-oauth-client-id"), Some(GITHUB_APP));
    assert_eq!(
        answer.header("github-authentication-token-expiration"),
        None
    );
    let hour = Duration::from_secs(3600);
    let expiring = ghes.mint(GITHUB_APP, "octocat", &[], Some(hour)).unwrap();
    let answer = user(&ghes, &expiring).await;
    let expiration = answer
        .header("github-authentication-token-expiration")
        .unwrap();
    assert!(expiration.ends_with(" UTC") && expiration.len() == "2011-09-06 17:26:27 UTC".len());
}

#[tokio::test(start_paused = true)]
async fn bad_tokens_are_401() {
    let ghes = Emulator::default();
    let second = Duration::from_secs(1);
    let expired = ghes.mint(OAUTH_APP, "octocat", &[], Some(second)).unwrap();
    tokio::time::advance(second).await;
    for token in ["gho_unknown", "", &expired] {
        let answer = user(&ghes, token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.message(), "Bad credentials");
        let root = "https://docs.github.com/enterprise-server@3.19/rest";
        assert_eq!(answer.json()["documentation_url"], root);
    }
    let nobody = Request::get("/api/v3/user").body(String::new()).unwrap();
    assert_eq!(
        send(&ghes, nobody).await.message(),
        "Requires authentication"
    );
}

#[tokio::test]
async fn meta_tells_the_release_to_anybody() {
    for release in ["3.8", "3.15", "3.22"] {
        let meta = Request::get("/api/v3/meta").body(String::new()).unwrap();
        let body = send(&version(release), meta).await.json();
        assert_eq!(body["installed_version"], format!("{release}.0"));
        assert_eq!(body["verifiable_password_authentication"], true);
    }
}

#[tokio::test]
async fn every_user_has_an_address_but_only_some_show_it() {
    let add = "password = \"octocat\"\nemail = \"octocat@github.com\"";
    let ghes = world(|toml| toml.replace("password = \"octocat\"", add));
    for (login, email, visibility) in [
        ("octocat", "octocat@github.com", "public"),
        ("hubot", "hubot@example.com", "private"),
    ] {
        for scopes in [&["user:email"][..], &["user"]] {
            let token = ghes.mint(OAUTH_APP, login, scopes, None).unwrap();
            let bearer = format!("Bearer {token}");
            let answer = call(&ghes, "GET /user/emails", &bearer, Value::Null).await;
            let expected = json!([{
                "email": email, "primary": true, "verified": true, "visibility": visibility,
            }]);
            assert_eq!(answer.json(), expected);
        }
        let token = ghes.mint(OAUTH_APP, login, &["read:user"], None).unwrap();
        let bearer = format!("Bearer {token}");
        let blind = call(&ghes, "GET /user/emails", &bearer, Value::Null).await;
        assert_eq!(blind.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn everybody_sees_what_is_public_of_a_user() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = version(release);
        let token = ghes.mint(OAUTH_APP, "octocat", &["user"], None).unwrap();
        for (login, id) in [("octocat", 1), ("Hubot", 2), ("monalisa", 3)] {
            let line = format!("GET /users/{login}");
            let answer = call(&ghes, &line, &format!("Bearer {token}"), Value::Null).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!(answer.json()["id"], id);
            assert_eq!(answer.json().get("two_factor_authentication"), None);
            let anonymous = Request::get(format!("/api/v3/users/{login}"));
            let answer = send(&ghes, anonymous.body(String::new()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        }
        let line = "GET /users/nobody";
        let answer = call(&ghes, line, &format!("Bearer {token}"), Value::Null).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_root_says_where_everything_is() {
    for release in ["3.8", "3.9", "3.10", "3.15", "3.19"] {
        let ghes = version(release);
        let request = Request::get("/api/v3/").header("host", "ghes.test");
        let answer = send(&ghes, request.body(String::new()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(
            answer.json()["current_user_url"],
            "http://ghes.test/api/v3/user"
        );
        assert_eq!(
            answer.header("x-github-enterprise-version"),
            Some(&*format!("{release}.0"))
        );
    }
    let bare = Request::get("/api/v3").body(String::new()).unwrap();
    let answer = tower::ServiceExt::oneshot(Emulator::default(), bare)
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let refused = call(&Emulator::default(), "GET /", "Bearer gho_x", Value::Null).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}
