//! Who may call, and what those hear who may not.
use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::{Answer, GITHUB_APP, OAUTH_APP, SECRET, TOKEN, basic, call, check, send, world};

const LIST: &str = "GET /authorizations";

fn two_factor() -> Emulator {
    world(|world| {
        world.replace(
            "password = \"octocat\"",
            "password = \"octocat\"\notp = \"123456\"",
        )
    })
}

fn suspended() -> Emulator {
    world(|world| {
        world.replace(
            "password = \"octocat\"",
            "password = \"octocat\"\nsuspended = true",
        )
    })
}

async fn with_otp(ghes: &Emulator, password: &str, otp: &str) -> Answer {
    let request = Request::get("/api/v3/authorizations")
        .header("authorization", basic("octocat", password))
        .header("x-github-otp", otp);
    send(ghes, request.body(String::new()).unwrap()).await
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.message())
}

#[tokio::test]
async fn user_with_a_second_factor_is_asked_for_it() {
    let ghes = two_factor();
    let challenge = call(&ghes, LIST, &basic("octocat", "octocat"), Value::Null).await;
    let message = "Must specify two-factor authentication OTP code.";
    assert_eq!(told(&challenge), (401, message.to_owned()));
    assert_eq!(challenge.header("x-github-otp"), Some("required; app"));
    let wrong = with_otp(&ghes, "octocat", "000000").await;
    assert_eq!(
        (told(&wrong).0, wrong.header("x-github-otp")),
        (401, Some("required; app"))
    );
    assert_eq!(
        with_otp(&ghes, "octocat", "123456").await.status,
        StatusCode::OK
    );
    let no_hint = with_otp(&ghes, "wrong", "123456").await;
    assert_eq!(
        (told(&no_hint), no_hint.header("x-github-otp")),
        ((401, "Bad credentials".to_owned()), None)
    );
    let hubot = call(&ghes, LIST, &basic("hubot", "hubot"), Value::Null).await;
    assert_eq!(hubot.status, StatusCode::OK);
}

#[tokio::test]
async fn legacy_api_takes_passwords_alone() {
    let ghes = Emulator::default();
    let password_only = "This API can only be accessed with username and password Basic Auth";
    for (credential, expected) in [
        (format!("Bearer {TOKEN}"), (403, password_only)),
        (format!("token {TOKEN}"), (403, password_only)),
        (basic("octocat", TOKEN), (403, password_only)),
        (basic(TOKEN, "x-oauth-basic"), (403, password_only)),
        (basic(GITHUB_APP, SECRET), (401, "Requires authentication")),
        (basic("octocat", "wrong"), (401, "Bad credentials")),
        (basic("nobody", "octocat"), (401, "Bad credentials")),
        ("Bearer gho_unknown".to_owned(), (401, "Bad credentials")),
        ("Digest x".to_owned(), (401, "Bad credentials")),
        ("Bearer".to_owned(), (401, "Bad credentials")),
    ] {
        for line in [
            LIST,
            "POST /authorizations",
            "GET /applications/grants",
            "DELETE /authorizations/1",
        ] {
            let answer = call(&ghes, line, &credential, Value::Null).await;
            assert_eq!(told(&answer), (expected.0, expected.1.to_owned()), "{line}");
        }
    }
    let nobody = Request::get("/api/v3/authorizations")
        .body(String::new())
        .unwrap();
    let nobody = send(&ghes, nobody).await;
    assert_eq!(told(&nobody), (401, "Requires authentication".to_owned()));
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn logins_are_case_insensitive() {
    let answer = call(
        &Emulator::default(),
        LIST,
        &basic("OctoCat", "octocat"),
        Value::Null,
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn suspended_user_is_403_and_check_token_does_not_notice() {
    let ghes = suspended();
    let message = "Sorry. Your account was suspended.".to_owned();
    for (line, credential) in [
        ("GET /user", format!("Bearer {TOKEN}")),
        (LIST, basic("octocat", "octocat")),
    ] {
        let answer = call(&ghes, line, &credential, Value::Null).await;
        assert_eq!(told(&answer), (403, message.clone()));
    }
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn private_mode_answers_nobody_without_a_credential() {
    let ghes = world(|world| format!("private_mode = true\n{world}"));
    for (method, path) in [
        ("GET", "/meta".to_owned()),
        ("POST", format!("/applications/{GITHUB_APP}/token")),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v3{path}"));
        let answer = send(&ghes, request.body(String::new()).unwrap()).await;
        assert_eq!(
            told(&answer),
            (401, "Must authenticate to access this API.".to_owned())
        );
    }
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        call(&ghes, "GET /meta", &bearer, Value::Null).await.status,
        StatusCode::OK
    );
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn personal_tokens_are_nobodys_app() {
    let ghes = Emulator::default();
    let order = json!({ "note": "cli", "scopes": ["repo"] });
    let token = call(
        &ghes,
        "POST /authorizations",
        &basic("octocat", "octocat"),
        order,
    )
    .await;
    let token = token.json()["token"].as_str().unwrap().to_owned();
    for client_id in [GITHUB_APP, OAUTH_APP] {
        assert_eq!(
            check(&ghes, client_id, &token).await.status,
            StatusCode::NOT_FOUND
        );
    }
    let user = call(&ghes, "GET /user", &format!("Bearer {token}"), Value::Null).await;
    assert_eq!(user.json()["login"], "octocat");
    assert_eq!(user.header("x-oauth-scopes"), Some("repo"));
    assert_eq!(user.header("x-oauth-client-id"), None);
}

#[tokio::test(start_paused = true)]
async fn many_bad_passwords_lock_a_user_out_for_a_while() {
    let ghes = Emulator::default();
    for _ in 0..10 {
        let wrong = call(&ghes, LIST, &basic("octocat", "wrong"), Value::Null).await;
        assert_eq!(told(&wrong), (401, "Bad credentials".to_owned()));
    }
    let right = call(&ghes, LIST, &basic("octocat", "octocat"), Value::Null).await;
    let message = "Maximum number of login attempts exceeded. Please try again later.";
    assert_eq!(told(&right), (403, message.to_owned()));
    let hubot = call(&ghes, LIST, &basic("hubot", "hubot"), Value::Null).await;
    assert_eq!(hubot.status, StatusCode::OK);
    // What check-token is for: its bad tokens lock nobody out.
    for _ in 0..50 {
        let unknown = check(&ghes, GITHUB_APP, "gho_unknown").await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    let right = call(&ghes, LIST, &basic("octocat", "octocat"), Value::Null).await;
    assert_eq!(right.status, StatusCode::OK);
}
