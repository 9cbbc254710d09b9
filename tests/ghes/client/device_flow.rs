//! A code that a person types in elsewhere becomes a token.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{DeviceError, DeviceFlow};
use ghes_gatekeeper::scope::Scopes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};

const GHES: &str = "http://ghes.example.com";
const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";

/// What GHES answers, one after the other, and when it was asked what.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Scripted {
    fn new(answers: &[(u16, Value)]) -> Self {
        let script = Self::default();
        *script.answers.lock().expect("no panic") = answers.iter().rev().cloned().collect();
        script
    }

    fn flow(&self) -> DeviceFlow<impl ghes_gatekeeper::ghes::Transport + use<>> {
        let script = self.clone();
        let ghes = service_fn(move |request: Request<Full<Bytes>>| {
            let script = script.clone();
            async move {
                assert!(!request.headers().contains_key("authorization"));
                let body = request
                    .into_body()
                    .collect()
                    .await
                    .expect("a body")
                    .to_bytes();
                let body = String::from_utf8_lossy(&body).into_owned();
                script
                    .asked
                    .lock()
                    .expect("no panic")
                    .push((Instant::now(), body));
                let answer = script.answers.lock().expect("no panic").pop();
                let (status, body) = answer.expect("another answer");
                let response = Response::builder().status(status);
                let response = response.header(CONTENT_TYPE, "application/json");
                let body = Full::<Bytes>::from(body.to_string());
                Ok::<_, Infallible>(response.body(body).expect("a response"))
            }
        });
        DeviceFlow::new(&GHES.parse().expect("a URL"), CLIENT_ID, ghes).expect("a client id")
    }

    /// How many seconds lay between questions.
    fn pauses(&self) -> Vec<u64> {
        let asked = self.asked.lock().expect("no panic");
        let pairs = asked.windows(2);
        pairs.map(|two| (two[1].0 - two[0].0).as_secs()).collect()
    }
}

fn code(expires_in: u64) -> (u16, Value) {
    let code = json!({
        "device_code": "3584d83530557fdd1f46af8289938c8ef79f9dc5",
        "user_code": "WDJB-MJHT",
        "verification_uri": format!("{GHES}/login/device"),
        "expires_in": expires_in,
        "interval": 5,
    });
    (200, code)
}

fn error(word: &str) -> (u16, Value) {
    (200, json!({ "error": word, "error_description": "…" }))
}

fn token() -> (u16, Value) {
    (
        200,
        json!({ "access_token": "gho_token", "token_type": "bearer", "scope": "" }),
    )
}

#[tokio::test(start_paused = true)]
async fn ghes_is_asked_as_often_as_it_allows() {
    let slow = (200, json!({ "error": "slow_down", "interval": 12 }));
    let script = Scripted::new(&[
        code(900),
        error("authorization_pending"),
        error("slow_down"),
        slow,
        (502, json!({})),
        (429, json!({})),
        token(),
    ]);
    let flow = script.flow();
    let scopes: Scopes = ["read:org", "repo"].into_iter().collect();
    let begun = flow.begin(&scopes).await.expect("a code");
    assert_eq!(begun.user_code, "WDJB-MJHT");
    assert_eq!(begun.left(), Duration::from_secs(900));
    let token = flow.wait(&begun).await.expect("a token");
    assert_eq!(token.expose(), "gho_token");
    // Five seconds more, then as GHES says; twice as long each time that it is away.
    assert_eq!(script.pauses(), [5, 5, 10, 15, 30, 60]);
    let asked = script.asked.lock().expect("no panic");
    assert!(
        asked[0].1.contains(CLIENT_ID) && asked[0].1.contains("repo"),
        "{}",
        asked[0].1
    );
    assert!(asked[1].1.contains("3584d8353") && asked[1].1.contains("grant-type:device_code"));
    // Who has the code has the token.
    let shown = format!("{begun:?} {flow:?}");
    assert!(
        !shown.contains("3584d8353") && !shown.contains("WDJB"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_ghes_or_a_person_refuses_is_told_apart() {
    for (word, expected) in [
        ("access_denied", "the sign-in was canceled at GHES"),
        ("expired_token", "nobody has typed in the code in time"),
        ("device_flow_disabled", "the app has no device flow"),
        (
            "incorrect_device_code",
            "GHES refuses the sign-in: incorrect_device_code",
        ),
        ("\u{1b}]0;x\u{7}", "GHES refuses the sign-in: 0x"),
    ] {
        let script = Scripted::new(&[code(900), error(word)]);
        let flow = script.flow();
        let begun = flow.begin(&Scopes::default()).await.expect("a code");
        let refused = flow.wait(&begun).await.expect_err("no token");
        assert_eq!(refused.to_string(), expected);
        let script = Scripted::new(&[error(word)]);
        let refused = script.flow().begin(&Scopes::default()).await;
        assert_eq!(refused.expect_err("no code").to_string(), expected);
    }
    let script = Scripted::new(&[(404, json!({ "error": "Not Found" }))]);
    let refused = script
        .flow()
        .begin(&Scopes::default())
        .await
        .expect_err("no code");
    let DeviceError::Api(error) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.status_code(), Some(StatusCode::NOT_FOUND));
    let script = Scripted::new(&[code(900), (200, json!({ "access_token": "" }))]);
    let flow = script.flow();
    let begun = flow.begin(&Scopes::default()).await.expect("a code");
    assert!(matches!(flow.wait(&begun).await, Err(DeviceError::Api(_))));
}

#[tokio::test(start_paused = true)]
async fn a_code_ends_by_itself() {
    let pending = error("authorization_pending");
    let script = Scripted::new(&[code(16), pending.clone(), pending.clone(), pending]);
    let flow = script.flow();
    let begun = flow.begin(&Scopes::default()).await.expect("a code");
    let ended = flow.wait(&begun).await.expect_err("no token");
    assert!(matches!(ended, DeviceError::Expired));
    assert_eq!(script.pauses(), [5, 5, 5]);
}

#[tokio::test]
async fn a_page_of_another_host_is_shown_to_nobody() {
    for uri in [
        "https://evil.example/login/device",
        "http://ghes.example.com.evil.example/login/device",
        "http://ghes.example.com@evil.example/",
        "javascript:alert(1)",
        "",
    ] {
        let mut answer = code(900);
        answer.1["verification_uri"] = uri.into();
        let begun = Scripted::new(&[answer])
            .flow()
            .begin(&Scopes::default())
            .await;
        assert!(matches!(begun, Err(DeviceError::Api(_))), "{uri}");
    }
    let mut answer = code(900);
    answer.1["user_code"] = "\u{1b}[2J".into();
    let begun = Scripted::new(&[answer])
        .flow()
        .begin(&Scopes::default())
        .await;
    assert!(begun.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_person_signs_a_device_in() {
    let ghes = Emulator::default();
    let url = GHES.parse().expect("a URL");
    let flow = DeviceFlow::new(&url, CLIENT_ID, ghes.clone()).expect("a client id");
    let begun = flow.begin(&Scopes::default()).await.expect("a code");
    let approve = async {
        let form = format!(
            "user_code={}&login=octocat&password=octocat&decision=authorize",
            begun.user_code
        );
        let request = Request::post(&begun.verification_uri);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Full::<Bytes>::from(form)).expect("a request");
        ghes.clone()
            .oneshot(request)
            .await
            .expect("an answer")
            .status()
    };
    let (status, token) = tokio::join!(approve, flow.wait(&begun));
    assert_eq!(status, 200);
    let token = token.expect("a token");
    let user = flow.user(&token).await.expect("a user");
    assert_eq!((user.login.as_str(), user.id), ("octocat", 1));
}
