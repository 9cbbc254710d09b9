//! What a reply says, and what it does not.

use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, InactiveReason, Verdict};
use ghes_gatekeeper::ghes::GhesClient;
use ghes_gatekeeper::token::AccessToken;
use http::Response;
use http_body_util::Full;
use serde_json::Value;
use tower::ServiceExt;

use super::{CLIENT_ID, DOCUMENTED, TOKEN, app, json, judge, live, shown};

const NOT_FOUND: &str = r#"{"message":"Not Found","documentation_url":"https://docs.github.com/enterprise-server@3.9/rest/reference/apps#check-a-token"}"#;

/// The documented reply with one member changed.
fn with(pointer: &str, value: impl Into<Value>) -> String {
    let mut reply: Value = serde_json::from_str(&live()).expect("JSON");
    *reply.pointer_mut(pointer).expect("a member") = value.into();
    reply.to_string()
}

/// The documented reply without one member.
fn without(member: &str) -> String {
    let mut reply: Value = serde_json::from_str(&live()).expect("JSON");
    let members = reply.as_object_mut().expect("an object");
    members.remove(member).expect("a member");
    reply.to_string()
}

async fn inactive(reply: Response<Full<Bytes>>) -> InactiveReason {
    match judge(reply).await {
        Ok(Verdict::Inactive(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

async fn failure(reply: Response<Full<Bytes>>) -> CheckError {
    judge(reply).await.expect_err("no verdict")
}

#[tokio::test]
async fn the_documented_reply_says_whose_the_token_is() {
    let Ok(Verdict::Active(identity)) = judge(json(200, live())).await else {
        panic!("not active");
    };
    assert_eq!(identity.user().login(), "octocat");
    assert_eq!(identity.user().id(), 1);
    assert_eq!(identity.user().node_id(), "MDQ6VXNlcjE=");
    assert_eq!(identity.user().kind(), "User");
    assert!(!identity.user().site_admin());
    assert_eq!(identity.client_id(), CLIENT_ID);
    assert_eq!(identity.authorization_id(), 1);
    assert_eq!(identity.scopes().join(" "), "public_repo user");
    assert_eq!(identity.expires_at(), None);
}

#[tokio::test]
async fn the_documented_reply_as_it_stands_is_expired() {
    assert_eq!(
        inactive(json(200, DOCUMENTED)).await,
        InactiveReason::Expired
    );
}

#[tokio::test]
async fn what_the_schema_lets_be_null_may_be_null() {
    for reply in [with("/scopes", Value::Null), without("expires_at")] {
        assert!(matches!(
            judge(json(200, reply)).await,
            Ok(Verdict::Active(_))
        ));
    }
    for reply in [with("/user", Value::Null), without("user")] {
        assert_eq!(inactive(json(200, reply)).await, InactiveReason::NoUser);
    }
}

#[tokio::test]
async fn a_change_in_what_no_verdict_needs_is_no_outage() {
    let twice = live().replacen('{', r#"{ "note": 1, "note": [], "created_at": {}, "#, 1);
    let no_character = live().replace("optional note", r"\ud800");
    assert_ne!(no_character, live());
    let mut odd = vec![twice, no_character];
    for member in [
        "url",
        "token",
        "token_last_eight",
        "hashed_token",
        "note",
        "note_url",
        "updated_at",
        "created_at",
        "fingerprint",
        "app/name",
        "app/url",
        "user/avatar_url",
        "user/node_id",
        "user/type",
    ] {
        for value in [Value::Null, 1.into(), "".into(), Value::Array(vec![])] {
            odd.push(with(&format!("/{member}"), value));
        }
    }
    let installation = live().replacen('{', r#"{ "installation": "all", "#, 1);
    odd.push(installation);
    for reply in odd {
        let verdict = judge(json(200, reply.clone())).await;
        assert!(matches!(verdict, Ok(Verdict::Active(_))), "{reply}");
    }
}

#[tokio::test]
async fn nobody_is_an_administrator_by_an_odd_word() {
    for (value, expected) in [
        (Value::Bool(true), true),
        (Value::Null, false),
        ("true".into(), false),
        (1.into(), false),
    ] {
        let reply = with("/user/site_admin", value);
        let Ok(Verdict::Active(identity)) = judge(json(200, reply)).await else {
            panic!("not active");
        };
        assert_eq!(identity.user().site_admin(), expected);
    }
}

#[tokio::test]
async fn only_ghes_can_say_that_a_token_is_bad() {
    assert_eq!(
        inactive(json(404, NOT_FOUND)).await,
        InactiveReason::Unknown
    );
    let invalid = r#"{"message":"Validation Failed","errors":[{"resource":"OauthAccess","code":"invalid"}],"documentation_url":"x"}"#;
    assert_eq!(
        inactive(json(422, invalid)).await,
        InactiveReason::Unprocessable
    );
}

#[tokio::test]
async fn everything_else_says_nothing_about_the_token() {
    let html = "<html><title>404 Not Found</title></html>";
    let live = live().leak();
    // A gateway's own reply, before GHES.
    let no_route = r#"{"message":"no Route matched with those values"}"#;
    let bad_credentials = r#"{"message":"Bad credentials"}"#;
    let spammed = r#"{"message":"The endpoint has been spammed."}"#;
    let limited = r#"{"message":"You have exceeded a secondary rate limit."}"#;
    let suspended = r#"{"message":"Sorry. Your application was suspended."}"#;
    for (reply, kind) in [
        (json(404, html), CheckErrorKind::UnexpectedResponse),
        (json(404, "{}"), CheckErrorKind::UnexpectedResponse),
        (json(404, no_route), CheckErrorKind::UnexpectedResponse),
        (json(422, html), CheckErrorKind::UnexpectedResponse),
        (json(422, spammed), CheckErrorKind::RateLimited),
        (
            json(401, bad_credentials),
            CheckErrorKind::CredentialsRefused,
        ),
        (json(401, html), CheckErrorKind::CredentialsRefused),
        (json(403, limited), CheckErrorKind::RateLimited),
        (json(403, suspended), CheckErrorKind::Forbidden),
        (json(429, limited), CheckErrorKind::RateLimited),
        (json(301, ""), CheckErrorKind::UnexpectedResponse),
        (json(307, NOT_FOUND), CheckErrorKind::UnexpectedResponse),
        (json(400, NOT_FOUND), CheckErrorKind::UnexpectedResponse),
        (json(406, ""), CheckErrorKind::UnexpectedResponse),
        (json(500, ""), CheckErrorKind::Unavailable),
        (json(502, html), CheckErrorKind::Unavailable),
        (json(503, html), CheckErrorKind::Unavailable),
        (json(504, html), CheckErrorKind::Unavailable),
        (json(202, &*live), CheckErrorKind::UnexpectedResponse),
        (json(204, ""), CheckErrorKind::UnexpectedResponse),
    ] {
        let status = reply.status();
        assert_eq!(failure(reply).await.kind(), kind, "{status}");
    }
}

#[tokio::test]
async fn a_200_that_is_not_the_documented_one_is_no_answer() {
    let other_app = with("/app/client_id", "abcde12345fghij67890");
    let error = failure(json(200, other_app)).await;
    assert_eq!(error.kind(), CheckErrorKind::AppMismatch);

    for body in [
        String::new(),
        "<html>login</html>".to_owned(),
        live()[..200].to_owned(),
        "[]".to_owned(),
        without("app"),
        without("id"),
        with("/id", "one"),
        with("/user/login", Value::Null),
        with("/user/login", ""),
        with("/user/login", "a\r\nX-Admin: 1"),
        with("/user/login", "a,b"),
        with("/user/login", "é"),
        with("/user/login", "a".repeat(10_000)),
        with("/scopes/0", "a,b"),
        with("/expires_at", "tomorrow"),
        with("/expires_at", 1_315_502_787),
    ] {
        let error = failure(json(200, body.clone())).await;
        assert_eq!(error.kind(), CheckErrorKind::UnexpectedResponse, "{body}");
    }
    for content_type in [
        None,
        Some("text/html"),
        Some("text/plain; application/json"),
    ] {
        let mut page = json(200, live());
        page.headers_mut().remove("content-type");
        if let Some(content_type) = content_type {
            let value = http::HeaderValue::from_static(content_type);
            page.headers_mut().insert("content-type", value);
        }
        let error = failure(page).await;
        assert_eq!(error.kind(), CheckErrorKind::UnexpectedResponse);
    }
}

#[tokio::test]
async fn a_reply_is_read_up_to_64_kib() {
    let padded = |bytes: usize| {
        let reply = live();
        let padding = " ".repeat(bytes - reply.len());
        json(200, reply + &padding)
    };
    assert!(judge(padded(64 * 1024)).await.is_ok());
    let error = failure(padded(64 * 1024 + 1)).await;
    assert_eq!(error.kind(), CheckErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn a_limit_tells_how_long_to_wait() {
    let wait = async |headers: &[(&'static str, &'static str)]| {
        let mut reply = json(403, r#"{"message":"rate limit exceeded"}"#);
        for &(name, value) in headers {
            let value = http::HeaderValue::from_static(value);
            reply.headers_mut().insert(name, value);
        }
        failure(reply).await.retry_after()
    };
    assert_eq!(wait(&[]).await, Some(Duration::from_secs(60)));
    let mut wordless = json(403, r#"{"message":"Forbidden"}"#);
    assert_eq!(
        failure(wordless.clone()).await.kind(),
        CheckErrorKind::Forbidden
    );
    let nothing_left = http::HeaderValue::from_static("0");
    wordless
        .headers_mut()
        .insert("x-ratelimit-remaining", nothing_left);
    assert_eq!(failure(wordless).await.kind(), CheckErrorKind::RateLimited);
    let asked = wait(&[("retry-after", "17")]).await;
    assert_eq!(asked, Some(Duration::from_secs(17)));
    let reset_in_2100 = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "4102444800"),
    ];
    assert!(wait(&reset_in_2100).await > Some(Duration::from_secs(1_000_000)));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_does_not_come_is_waited_for_three_seconds() {
    let silence = tower::service_fn(|_: http::Request<Full<Bytes>>| {
        std::future::pending::<Result<Response<Full<Bytes>>, std::convert::Infallible>>()
    });
    let url = "https://ghes.example.com".parse().expect("a URL");
    let client = GhesClient::new(&url, &app(), silence).expect("an app");
    let began_at = tokio::time::Instant::now();
    let check = CheckRequest::new(AccessToken::new(TOKEN));
    let error = client.oneshot(check).await.expect_err("no verdict");
    assert_eq!(error.kind(), CheckErrorKind::Timeout);
    assert_eq!(began_at.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn no_error_shows_a_token_or_a_body() {
    let quoting = format!(r#"{{"message":"Invalid request.\n\n{TOKEN} is spam"}}"#);
    let broken = live().replace(r#""id": 1"#, &format!(r#""id": "{TOKEN}""#));
    for reply in [
        json(422, quoting.clone()),
        json(500, quoting),
        json(200, broken),
    ] {
        let error = failure(reply).await;
        let shown = shown(&error);
        assert!(!shown.contains(TOKEN), "{shown}");
        assert!(!shown.contains("octocat"), "{shown}");
    }
}
