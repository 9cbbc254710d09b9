//! The endpoints for tests in another process.
use std::time::Duration;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Answer, GITHUB_APP, OAUTH_APP, TOKEN, check, send};

async fn control(ghes: &Emulator, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/_emulator{path}"));
    send(ghes, request.body(body.to_owned()).unwrap()).await
}

async fn fail(ghes: &Emulator, fault: &Value) {
    let answer = control(ghes, "POST", "/faults", &fault.to_string()).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::NO_CONTENT, ""));
}

#[tokio::test]
async fn post_tokens_mints() {
    let ghes = Emulator::default();
    let order = json!({ "client_id": OAUTH_APP, "user": "monalisa", "scopes": ["gist"], "expires_in": 28800 });
    let minted = control(&ghes, "POST", "/tokens", &order.to_string()).await;
    assert_eq!(minted.status, StatusCode::CREATED);
    assert_eq!(minted.json().as_object().unwrap().len(), 1);
    let body = check(&ghes, OAUTH_APP, minted.json()["token"].as_str().unwrap())
        .await
        .json();
    assert_eq!(
        (&body["user"]["login"], &body["scopes"]),
        (&json!("monalisa"), &json!(["gist"]))
    );
    assert!(body["expires_at"].is_string());
}

#[tokio::test]
async fn delete_tokens_revokes() {
    let ghes = Emulator::default();
    let order = json!({ "token": TOKEN }).to_string();
    assert_eq!(
        control(&ghes, "DELETE", "/tokens", &order).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::NOT_FOUND
    );
    let again = control(&ghes, "DELETE", "/tokens", &order).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(again.message(), "token: there is no such token");
}

#[tokio::test]
async fn post_faults_replaces_count_answers() {
    let ghes = Emulator::default();
    fail(
        &ghes,
        &json!({ "status": 503, "body": "<p>down</p>", "count": 2 }),
    )
    .await;
    fail(&ghes, &json!({ "body": "[]" })).await;
    for _ in 0..2 {
        let answer = check(&ghes, GITHUB_APP, TOKEN).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.text),
            (503, "<p>down</p>")
        );
    }
    let answer = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!((answer.status.as_u16(), &*answer.text), (200, "[]"));
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.json()["token"], TOKEN);
}

#[tokio::test(start_paused = true)]
async fn post_faults_delays_the_true_answer() {
    let ghes = Emulator::default();
    fail(&ghes, &json!({ "delay_ms": 1500 })).await;
    let start = Instant::now();
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.json()["token"], TOKEN);
    assert!(start.elapsed() >= Duration::from_millis(1500));
}

#[tokio::test]
async fn post_faults_drops() {
    let ghes = Emulator::default();
    fail(&ghes, &json!({ "drop": true })).await;
    let request = super::as_app().body(super::access_token(TOKEN)).unwrap();
    assert!(
        tower::ServiceExt::oneshot(ghes.clone(), request)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn post_faults_spoils_the_answers_of_one_person_alone() {
    let ghes = Emulator::default();
    let order = json!({ "client_id": GITHUB_APP, "user": "hubot" }).to_string();
    let minted = control(&ghes, "POST", "/tokens", &order).await.json();
    let hubot = minted["token"].as_str().expect("a token");
    for whose in [json!({ "user": "hubot" }), json!({ "token": hubot })] {
        let mut fault = json!({ "status": 500, "count": 1000 });
        let members = fault.as_object_mut().expect("an object");
        members.extend(whose.as_object().expect("an object").clone());
        fail(&ghes, &fault).await;
        assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
        assert_eq!(check(&ghes, GITHUB_APP, hubot).await.status, 500, "{whose}");
        control(&ghes, "DELETE", "/faults", "").await;
    }
}

#[tokio::test]
async fn delete_faults_clears() {
    let ghes = Emulator::default();
    fail(&ghes, &json!({ "status": 500, "count": 1000 })).await;
    assert_eq!(
        control(&ghes, "DELETE", "/faults", "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn get_requests_counts_every_call() {
    let ghes = Emulator::default();
    let count = control(&ghes, "GET", "/requests", "").await;
    assert_eq!(
        (count.status, &count.json()["apps/check-token"]),
        (StatusCode::OK, &json!(0))
    );
    fail(&ghes, &json!({ "status": 500 })).await;
    check(&ghes, GITHUB_APP, TOKEN).await;
    check(&ghes, GITHUB_APP, "unknown").await;
    let count = control(&ghes, "GET", "/requests", "").await;
    assert_eq!(count.json()["apps/check-token"], 2);
    assert_eq!(count.json()["apps/reset-token"], 0);
    assert_eq!(
        count.json().as_object().unwrap().len(),
        Operation::ALL.len()
    );
}

#[tokio::test]
async fn bad_input_is_refused_by_the_name_of_the_member() {
    let app = format!("\"client_id\":\"{OAUTH_APP}\"");
    for (path, body, status, start) in [
        ("/tokens", "{", 400, "body: EOF"),
        ("/tokens", "{} x", 422, "body: missing field `client_id`"),
        (
            "/tokens",
            &format!("{{{app}}}"),
            422,
            "body: missing field `user`",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":7}}"),
            422,
            "user: invalid type",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":\"hubot\",\"scopes\":[1]}}"),
            422,
            "scopes[0]: invalid type",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":\"hubot\",\"x\":1}}"),
            422,
            "x: unknown field",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":\"x\"}}"),
            422,
            "user: no user",
        ),
        (
            "/tokens",
            r#"{"client_id":"x","user":"hubot"}"#,
            422,
            "client_id: no app",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":\"hubot\",\"expires_in\":{}}}", u64::MAX),
            422,
            "expires_in: ",
        ),
        (
            "/tokens",
            &format!("{{{app},\"user\":\"hubot\"}} x"),
            400,
            "body: trailing",
        ),
        ("/faults", "{}", 422, "a fault needs"),
        (
            "/faults",
            r#"{"status":"503"}"#,
            422,
            "status: invalid type",
        ),
        ("/faults", r#"{"status":100}"#, 422, "status: must be"),
        ("/faults", r#"{"status":600}"#, 422, "status: must be"),
        (
            "/faults",
            r#"{"status":500,"count":0}"#,
            422,
            "count: must be",
        ),
        (
            "/faults",
            r#"{"status":500,"drop":true}"#,
            422,
            "drop: excludes status",
        ),
        (
            "/faults",
            r#"{"body":"","drop":true}"#,
            422,
            "drop: excludes body",
        ),
        (
            "/faults",
            r#"{"status":500,"user":"nobody"}"#,
            422,
            "user: there is no such user",
        ),
        (
            "/faults",
            r#"{"status":500,"user":"hubot","token":"gho_a"}"#,
            422,
            "token: excludes user",
        ),
    ] {
        let answer = control(&Emulator::default(), "POST", path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.text);
        assert!(
            answer.message().starts_with(start),
            "{body}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn other_paths_methods_and_sizes_are_refused() {
    let ghes = Emulator::default();
    assert_eq!(
        control(&ghes, "GET", "/tokens", "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        control(&ghes, "GET", "/nothing", "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        control(&ghes, "GET", "", "").await.status,
        StatusCode::NOT_FOUND
    );
    let large = " ".repeat(1024 * 1024 + 1);
    assert_eq!(
        control(&ghes, "POST", "/tokens", &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

/// A page can send what a form sends, and read nothing of the answer; minting is harm enough.
#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let ghes = Emulator::default();
    let order = json!({ "client_id": OAUTH_APP, "user": "octocat" }).to_string();
    for (method, path, body) in [
        ("POST", "/tokens", &*order),
        (
            "DELETE",
            "/tokens",
            "{\"token\":\"e72e16c7e42f292c6912e7710c838347ae178b4a\"}",
        ),
        ("POST", "/faults", "{\"status\":500}"),
        ("DELETE", "/faults", ""),
    ] {
        for (host, name, value) in [
            ("127.0.0.1:9090", "origin", "https://evil.example"),
            ("evil.example:9090", "origin", "http://evil.example:9090"),
            ("127.0.0.1:9090", "origin", "null"),
            ("127.0.0.1:9090", "sec-fetch-site", "cross-site"),
            ("127.0.0.1:9090", "content-type", "text/plain"),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(format!("/_emulator{path}"))
                .header("host", host)
                .header(name, value);
            let answer = send(&ghes, request.body(body.to_owned()).unwrap()).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{method} {path} {value}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    let checked = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(checked.status, StatusCode::OK);
    let minted = control(&ghes, "POST", "/tokens", &order).await;
    assert_eq!(minted.status, StatusCode::CREATED);
}
