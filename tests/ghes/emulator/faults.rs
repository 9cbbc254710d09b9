//! Answers that go wrong on request.
use std::time::Duration;

use ghes_gatekeeper::emulator::{ConnectionDropped, Emulator, Fault, Operation};
use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, StatusCode};
use tokio::time::Instant;
use tower::ServiceExt;

use super::{GITHUB_APP, TOKEN, access_token, as_app, check, send};

#[tokio::test]
async fn status_replaces_the_next_answers() {
    let ghes = Emulator::default();
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY).times(2));
    for _ in 0..2 {
        let answer = check(&ghes, GITHUB_APP, TOKEN).await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert_eq!(answer.text, r#"{"message":"Bad Gateway"}"#);
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8")
        );
    }
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
    assert_eq!(ghes.calls(Operation::CheckToken), 3);
}

#[tokio::test]
async fn body_is_verbatim_and_names_its_own_type() {
    let ghes = Emulator::default();
    ghes.fail(Fault::status(StatusCode::SERVICE_UNAVAILABLE).with_body("<h1>Unicorn</h1>"));
    ghes.fail(Fault::status(StatusCode::OK).with_body("{\"id\": "));
    ghes.fail(Fault::status(StatusCode::NO_CONTENT));
    let html = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(
        (&*html.text, html.header("content-type")),
        ("<h1>Unicorn</h1>", Some("text/html"))
    );
    let json = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(json.text, "{\"id\": ");
    assert_eq!(
        json.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.text, "");
}

#[tokio::test]
async fn fault_can_carry_headers() {
    let ghes = Emulator::default();
    let fault = Fault::status(StatusCode::TOO_MANY_REQUESTS);
    ghes.fail(fault.with_header(RETRY_AFTER, HeaderValue::from_static("30")));
    let answer = check(&ghes, GITHUB_APP, TOKEN).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("retry-after"), Some("30"));
}

#[tokio::test(start_paused = true)]
async fn slow_answer_is_true_and_late() {
    let ghes = Emulator::default();
    ghes.fail(Fault::slow(Duration::from_secs(5)));
    let start = Instant::now();
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
    assert!(start.elapsed() >= Duration::from_secs(5));

    let start = Instant::now();
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn slow_answer_tells_what_held_on_arrival() {
    let ghes = Emulator::default();
    ghes.fail(Fault::slow(Duration::from_secs(5)));
    let (answer, revoked) = tokio::join!(check(&ghes, GITHUB_APP, TOKEN), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ghes.revoke(TOKEN)
    });
    assert!(revoked);
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn replaced_answer_can_be_late_too() {
    let ghes = Emulator::default();
    ghes.fail(Fault::status(StatusCode::GATEWAY_TIMEOUT).with_delay(Duration::from_secs(30)));
    let start = Instant::now();
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::GATEWAY_TIMEOUT
    );
    assert!(start.elapsed() >= Duration::from_secs(30));
}

#[tokio::test]
async fn dropped_exchange_has_no_answer_and_is_counted() {
    let ghes = Emulator::default();
    ghes.fail(Fault::dropped());
    let request = as_app().body(access_token(TOKEN)).unwrap();
    let error: ConnectionDropped = ghes.clone().oneshot(request).await.unwrap_err();
    assert_eq!(error.to_string(), "the emulator dropped the connection");
    assert_eq!(ghes.calls(Operation::CheckToken), 1);
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_come_in_order_and_can_be_cleared() {
    let ghes = Emulator::default();
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY).times(0));
    ghes.fail(Fault::status(StatusCode::INTERNAL_SERVER_ERROR));
    ghes.fail(Fault::status(StatusCode::SERVICE_UNAVAILABLE).times(u64::MAX));
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(
        check(&ghes, GITHUB_APP, TOKEN).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    ghes.clear_faults();
    assert_eq!(check(&ghes, GITHUB_APP, TOKEN).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_answers_of_the_api_meet_faults() {
    let ghes = Emulator::default();
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let get = |path: &str| Request::get(path).body(String::new()).unwrap();
    assert_eq!(
        send(&ghes, get("/_emulator/requests")).await.status,
        StatusCode::OK
    );
    assert_eq!(
        send(&ghes, get("/")).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    assert_eq!(
        send(&ghes, get("/api/v3/nothing")).await.status,
        StatusCode::BAD_GATEWAY
    );
}

#[tokio::test]
async fn a_fault_of_one_person_or_token_spoils_nothing_of_others() {
    let ghes = Emulator::default();
    let mint = |login| ghes.mint(GITHUB_APP, login, &[], None).expect("a token");
    let (octocat, second, hubot) = (mint("octocat"), mint("octocat"), mint("hubot"));
    let down = || Fault::status(StatusCode::INTERNAL_SERVER_ERROR).times(u64::MAX);

    ghes.fail(down().for_user("OctoCat"));
    assert_eq!(check(&ghes, GITHUB_APP, &octocat).await.status, 500);
    assert_eq!(check(&ghes, GITHUB_APP, &second).await.status, 500);
    assert_eq!(check(&ghes, GITHUB_APP, &hubot).await.status, 200);
    assert_eq!(check(&ghes, GITHUB_APP, "gho_nobody").await.status, 404);
    for (token, status) in [(&octocat, 500), (&hubot, 200)] {
        let user = Request::get("http://ghes.test/api/v3/user")
            .header("authorization", format!("Bearer {token}"));
        let request = user.body(String::new()).expect("a request");
        assert_eq!(send(&ghes, request).await.status, status);
    }

    ghes.clear_faults();
    ghes.fail(down().for_token(&*second));
    ghes.fail(Fault::status(StatusCode::BAD_GATEWAY).for_token("gho_nobody"));
    assert_eq!(check(&ghes, GITHUB_APP, &octocat).await.status, 200);
    assert_eq!(check(&ghes, GITHUB_APP, "gho_nobody").await.status, 502);
    assert_eq!(check(&ghes, GITHUB_APP, &second).await.status, 500);
    assert!(!format!("{:?}", down().for_token("gho_shown")).contains("gho_shown"));
}
