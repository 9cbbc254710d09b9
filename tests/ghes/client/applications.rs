//! The OAuth applications API: what each call sends, and what it makes of the answers.

use ghes_gatekeeper::ghes::{ApiError, GhesClient, IssuedToken, ScopeRequest};
use ghes_gatekeeper::token::AccessToken;
use http::Response;
use http_body_util::Full;
use serde_json::Value;

use super::{Stub, TOKEN, json, live, no_content, shown};

/// What every request has in common; `printf 'Iv1.8a61f9b3a7aba766:3ef4…cc7f' | base64`.
const HEADERS: &str = concat!(
    "accept-encoding: identity\n",
    "accept: application/vnd.github+json\n",
    "authorization: Basic SXYxLjhhNjFmOWIzYTdhYmE3NjY6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRmODAwNDdm",
    "YjNhZWUzY2M3Zg==\n",
    "content-type: application/json\n",
    "user-agent: ghes-gatekeeper/",
    env!("CARGO_PKG_VERSION"),
);

/// A request to an endpoint of our app.
fn request(method: &str, path: &str, body: &str) -> String {
    let app = "https://ghes.example.com/api/v3/applications/Iv1.8a61f9b3a7aba766";
    format!("{method} {app}{path}\n{HEADERS}\n\n{body}")
}

fn token() -> AccessToken {
    AccessToken::new(TOKEN)
}

const BODY: &str = r#"{"access_token":"e72e16c7e42f292c6912e7710c838347ae178b4a"}"#;

/// The token of the documented reply.
const NEW: &str = "ghu_16C7e42F292c6912E7710c838347Ae178B4a";

#[tokio::test]
async fn check_token_reads_the_whole_authorization() {
    let stub = Stub::documented();
    let authorization = stub.client().check_token(&token()).await.expect("a reply");
    assert_eq!(stub.wire(), request("POST", "/token", BODY));
    assert_eq!(authorization.id, 1);
    let text = Option::as_deref;
    assert_eq!(
        text(&authorization.url),
        Some("https://HOSTNAME/authorizations/1")
    );
    assert_eq!(text(&authorization.token_last_eight), Some("ae178b4a"));
    let hash = "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200";
    assert_eq!(text(&authorization.hashed_token), Some(hash));
    assert_eq!(text(&authorization.note), Some("optional note"));
    assert_eq!(text(&authorization.fingerprint), Some("jklmnop12345678"));
    assert_eq!(text(&authorization.app.name), Some("my github app"));
    assert_eq!(authorization.user.expect("a user").login, "octocat");
    assert!(authorization.created_at < authorization.updated_at);
    assert!(authorization.installation.is_none());
}

#[tokio::test]
async fn reset_token_brings_the_new_token() {
    let stub = Stub::documented();
    let issued = stub.client().reset_token(&token()).await.expect("a token");
    assert_eq!(stub.wire(), request("PATCH", "/token", BODY));
    assert_eq!(issued.token.expose(), NEW);
    assert_eq!(issued.authorization.id, 1);
}

#[tokio::test]
async fn delete_token_and_delete_authorization_expect_204() {
    let stub = Stub::new([no_content()]);
    stub.client().delete_token(&token()).await.expect("204");
    assert_eq!(stub.wire(), request("DELETE", "/token", BODY));
    let deleted = stub.client().delete_authorization(&token()).await;
    deleted.expect("204");
    assert_eq!(stub.wire(), request("DELETE", "/grant", BODY));

    for reply in [json(200, "{}"), json(202, live()), json(404, "{}")] {
        let status = reply.status();
        let client = Stub::new([reply]).client();
        for deleted in [
            client.delete_token(&token()).await,
            client.delete_authorization(&token()).await,
        ] {
            assert_eq!(deleted.expect_err("not 204").status_code(), Some(status));
        }
    }
}

#[tokio::test]
async fn scope_token_asks_for_what_is_documented() {
    let stub = Stub::documented();
    for (scope, asked) in [
        (
            ScopeRequest::for_target("octocat")
                .with_permission("metadata", "read")
                .with_permission("issues", "write")
                .with_permission("contents", "read"),
            r#""target":"octocat","permissions":{"contents":"read","issues":"write","metadata":"read"}"#,
        ),
        (ScopeRequest::for_target_id(1), r#""target_id":1"#),
        (
            ScopeRequest::for_target("octocat").with_repositories(["rails"]),
            r#""target":"octocat","repositories":["rails"]"#,
        ),
        (
            ScopeRequest::for_target_id(1)
                .with_repositories(["rails"])
                .with_repository_ids([1, 2]),
            r#""target_id":1,"repository_ids":[1,2]"#,
        ),
    ] {
        let issued = stub.client().scope_token(&token(), &scope).await;
        assert_eq!(issued.expect("a token").token.expose(), NEW);
        let body = format!(r#"{{"access_token":"{TOKEN}",{asked}}}"#);
        assert_eq!(stub.wire(), request("POST", "/token/scoped", &body));
    }
}

async fn issue(reply: Response<Full<bytes::Bytes>>) -> [Result<IssuedToken, ApiError>; 2] {
    let client: GhesClient<Stub> = Stub::new([reply]).client();
    let scope = ScopeRequest::for_target("octocat");
    [
        client.reset_token(&token()).await,
        client.scope_token(&token(), &scope).await,
    ]
}

fn with(member: &str, value: Value) -> String {
    let mut reply: Value = serde_json::from_str(&live()).expect("JSON");
    reply[member] = value;
    reply.to_string()
}

#[tokio::test]
async fn a_reply_without_a_token_issues_none() {
    for value in [Value::Null, "".into(), 1.into()] {
        for issued in issue(json(200, with("token", value.clone()))).await {
            assert!(issued.is_err(), "{value}");
        }
    }
    for reply in [json(200, "<html>"), json(200, "{}"), no_content()] {
        for issued in issue(reply).await {
            assert!(issued.is_err());
        }
    }
}

/// The old token is dead already; the new one must not be lost for an odd note.
#[tokio::test]
async fn a_new_token_survives_odd_members() {
    for member in [
        "url",
        "token_last_eight",
        "hashed_token",
        "note",
        "note_url",
        "created_at",
        "updated_at",
        "fingerprint",
        "installation",
    ] {
        for value in [Value::Null, 1.into(), "?".into(), Value::Array(vec![])] {
            for issued in issue(json(200, with(member, value.clone()))).await {
                assert!(issued.is_ok(), "{member}: {value}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_shows_a_token_or_its_hash() {
    let stub = Stub::documented();
    let [reset, scoped] = issue(json(200, live())).await;
    let checked = stub.client().check_token(&token()).await;
    for shown in [
        format!("{reset:?}"),
        format!("{scoped:?}"),
        format!("{checked:?}"),
        format!("{:?}", stub.client()),
    ] {
        for secret in [NEW, "ae178b4a", "86007eb3", TOKEN, super::SECRET] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    for issued in issue(json(200, with("id", NEW.into()))).await {
        let shown = shown(&issued.expect_err("no id"));
        assert!(!shown.contains(NEW), "{shown}");
    }
}

#[test]
fn calls_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let client = Stub::documented().client();
    let (token, scope) = (token(), ScopeRequest::for_target_id(1));
    is_send(&client.check_token(&token));
    is_send(&client.reset_token(&token));
    is_send(&client.delete_token(&token));
    is_send(&client.delete_authorization(&token));
    is_send(&client.scope_token(&token, &scope));
}
