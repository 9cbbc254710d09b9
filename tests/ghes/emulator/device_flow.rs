//! The device flow: a device shows a code, and its user types it in elsewhere.
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use super::web_flow::post;
use super::{Answer, GITHUB_APP, OAUTH_APP, SECRET, check, send, world};

async fn start(ghes: &Emulator, client_id: &str) -> (String, String) {
    let fields = [("client_id", client_id), ("scope", "repo gist")];
    let codes = post(ghes, "/login/device/code", &fields).await.json();
    let code = |name: &str| codes[name].as_str().unwrap().to_owned();
    assert_eq!(codes["verification_uri"], "http://ghes.test/login/device");
    assert_eq!(
        (&codes["expires_in"], &codes["interval"]),
        (&json!(900), &json!(5))
    );
    (code("device_code"), code("user_code"))
}

async fn poll(ghes: &Emulator, client_id: &str, device_code: &str) -> Value {
    let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [
        ("client_id", client_id),
        ("device_code", device_code),
        ("grant_type", grant_type),
    ];
    let answer = post(ghes, "/login/oauth/access_token", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

async fn decide(ghes: &Emulator, user_code: &str, decision: &str) -> Answer {
    let fields = [
        ("user_code", user_code),
        ("login", "octocat"),
        ("password", "octocat"),
        ("decision", decision),
    ];
    post(ghes, "/login/device", &fields).await
}

async fn wait(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn device_gets_a_token_once_its_user_approves() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    assert_eq!(
        (device_code.len(), user_code.len(), &user_code[4..5]),
        (40, 9, "-")
    );
    let pending = poll(&ghes, OAUTH_APP, &device_code).await;
    assert_eq!(pending["error"], "authorization_pending");
    assert!(
        pending["error_uri"]
            .as_str()
            .unwrap()
            .ends_with("#error-codes-for-the-device-flow")
    );

    let page = Request::get(format!("/login/device?user_code={user_code}"));
    let page = send(&ghes, page.body(String::new()).unwrap()).await;
    assert!(
        page.status == StatusCode::OK && page.text.contains(&user_code),
        "{}",
        page.text
    );
    let typed = user_code.to_lowercase().replace('-', " ");
    let approved = decide(&ghes, &typed, "authorize").await;
    assert!(approved.text.contains("all set"), "{}", approved.text);

    wait(5).await;
    let answer = poll(&ghes, OAUTH_APP, &device_code).await;
    assert_eq!(answer["scope"], "repo,gist");
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(
        check(&ghes, OAUTH_APP, token).await.json()["user"]["login"],
        "octocat"
    );
    wait(5).await;
    assert_eq!(
        poll(&ghes, OAUTH_APP, &device_code).await["error"],
        "incorrect_device_code"
    );
}

#[tokio::test(start_paused = true)]
async fn device_that_asks_too_soon_must_slow_down() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    poll(&ghes, OAUTH_APP, &device_code).await;
    wait(4).await;
    let hurried = poll(&ghes, OAUTH_APP, &device_code).await;
    assert_eq!(
        (&hurried["error"], &hurried["interval"]),
        (&json!("slow_down"), &json!(10))
    );
    decide(&ghes, &user_code, "authorize").await;
    wait(9).await;
    assert_eq!(poll(&ghes, OAUTH_APP, &device_code).await["interval"], 15);
    wait(15).await;
    assert!(poll(&ghes, OAUTH_APP, &device_code).await["access_token"].is_string());
}

#[tokio::test(start_paused = true)]
async fn user_can_refuse() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    assert_eq!(
        decide(&ghes, &user_code, "cancel").await.status,
        StatusCode::OK
    );
    assert_eq!(
        poll(&ghes, OAUTH_APP, &device_code).await["error"],
        "access_denied"
    );
    assert_eq!(
        decide(&ghes, &user_code, "authorize").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test(start_paused = true)]
async fn codes_expire_after_fifteen_minutes() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    wait(900).await;
    assert_eq!(
        decide(&ghes, &user_code, "authorize").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        poll(&ghes, OAUTH_APP, &device_code).await["error"],
        "expired_token"
    );
}

#[tokio::test]
async fn codes_are_their_apps_and_wrong_ones_are_refused() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    for (client_id, code) in [(GITHUB_APP, &*device_code), (OAUTH_APP, "unknown")] {
        assert_eq!(
            poll(&ghes, client_id, code).await["error"],
            "incorrect_device_code"
        );
    }
    let wrong = decide(&ghes, "AAAA-AAAA", "authorize").await;
    assert!(
        wrong.text.contains("No device shows this code"),
        "{}",
        wrong.text
    );
    let fields = [
        ("user_code", &*user_code),
        ("login", "octocat"),
        ("password", "no"),
        ("decision", "authorize"),
    ];
    let wrong = post(&ghes, "/login/device", &fields).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.text.contains("Incorrect username or password."),
        "{}",
        wrong.text
    );
}

#[tokio::test]
async fn app_can_have_the_flow_switched_off() {
    let ghes = world(|world| {
        world.replace(
            "name = \"my oauth app\"",
            "name = \"my oauth app\"\ndevice_flow = false",
        )
    });
    let answer = post(&ghes, "/login/device/code", &[("client_id", OAUTH_APP)]).await;
    assert_eq!(answer.json()["error"], "device_flow_disabled");
    assert_eq!(
        poll(&ghes, OAUTH_APP, "x").await["error"],
        "device_flow_disabled"
    );
    let unknown = post(&ghes, "/login/device/code", &[("client_id", "unknown")]).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (StatusCode::NOT_FOUND, json!({ "error": "Not Found" }))
    );
}

#[tokio::test(start_paused = true)]
async fn token_of_a_device_is_renewed_without_the_secret() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, GITHUB_APP).await;
    decide(&ghes, &user_code, "authorize").await;
    let first = poll(&ghes, GITHUB_APP, &device_code).await;
    assert_eq!(
        (&first["scope"], &first["expires_in"]),
        (&json!(""), &json!(28_800))
    );
    let refresh = async |token: &Value, secret: &[(&str, &str)]| {
        let token = token.as_str().unwrap();
        let mut fields = vec![
            ("client_id", GITHUB_APP),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
        ];
        fields.extend(secret);
        post(&ghes, "/login/oauth/access_token", &fields)
            .await
            .json()
    };
    let second = refresh(&first["refresh_token"], &[]).await;
    assert!(second["access_token"].is_string(), "{second}");
    let wrong = refresh(&second["refresh_token"], &[("client_secret", "wrong")]).await;
    assert_eq!(wrong["error"], "incorrect_client_credentials");
    let third = refresh(&second["refresh_token"], &[("client_secret", SECRET)]).await;
    assert!(third["access_token"].is_string(), "{third}");
}

#[tokio::test]
async fn what_the_user_types_wins_over_the_address_of_the_page() {
    let ghes = Emulator::default();
    let (device_code, user_code) = start(&ghes, OAUTH_APP).await;
    let page = "/login/device?user_code=AAAA-AAAA&login=hubot";
    let fields = [
        ("user_code", &*user_code),
        ("login", "octocat"),
        ("password", "octocat"),
        ("decision", "authorize"),
    ];
    assert_eq!(post(&ghes, page, &fields).await.status, StatusCode::OK);
    let token = poll(&ghes, OAUTH_APP, &device_code).await["access_token"].clone();
    let user = check(&ghes, OAUTH_APP, token.as_str().unwrap())
        .await
        .json();
    assert_eq!(user["user"]["login"], "octocat");
}
