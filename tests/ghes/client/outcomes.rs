//! What a reply says, and what it does not.

use std::time::Duration;

use bytes::Bytes;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::GhesClient;
use ghes_gatekeeper::token::AccessToken;
use http::Response;
use http_body_util::Full;
use serde_json::Value;
use tower::ServiceExt;

use super::{CLIENT_ID, TOKEN, app, json, judge, live, shown};

pub(crate) const NOT_FOUND: &str = r#"{"message":"Not Found","documentation_url":"https://docs.github.com/enterprise-server@3.9/rest/reference/apps#check-a-token"}"#;

/// The documented reply with one member changed.
pub(crate) fn with(pointer: &str, value: impl Into<Value>) -> String {
    let mut reply: Value = serde_json::from_str(&live()).expect("JSON");
    *reply.pointer_mut(pointer).expect("a member") = value.into();
    reply.to_string()
}

/// The documented reply without one member.
pub(crate) fn without(member: &str) -> String {
    let mut reply: Value = serde_json::from_str(&live()).expect("JSON");
    let members = reply.as_object_mut().expect("an object");
    members.remove(member).expect("a member");
    reply.to_string()
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
async fn a_change_in_what_no_verdict_needs_is_no_outage() {
    let twice = live().replacen('{', r#"{ "note": 1, "note": [], "created_at": {}, "#, 1);
    let no_character = live().replace("optional note", r"\ud800");
    assert_ne!(no_character, live());
    let mut odd = vec![twice, no_character];
    for member in [
        "url",
        "token",
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
