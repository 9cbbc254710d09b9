//! What is sent.

use ghes_gatekeeper::check::CheckRequest;
use ghes_gatekeeper::ghes::GhesClient;
use ghes_gatekeeper::token::AccessToken;
use http::HeaderValue;
use tower::ServiceExt;

use super::{CLIENT_ID, TOKEN, app, recording};

#[tokio::test]
async fn the_request_is_the_documented_one_and_nothing_else() {
    let (transport, seen) = recording();
    let url = "https://ghes.example.com".parse().expect("a URL");
    let client = GhesClient::new(&url, &app(), transport).expect("an app");
    let check = CheckRequest::new(AccessToken::new(TOKEN));
    client.oneshot(check).await.expect("a verdict");

    let seen = seen.lock().expect("no panic");
    let [(head, body)] = &seen[..] else {
        panic!("one request");
    };
    assert_eq!(head.method, "POST");
    assert_eq!(
        head.uri,
        "https://ghes.example.com/api/v3/applications/Iv1.8a61f9b3a7aba766/token"
    );
    assert_eq!(body, &format!(r#"{{"access_token":"{TOKEN}"}}"#));
    let mut sent: Vec<String> = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    sent.sort();
    assert_eq!(
        sent,
        [
            "accept-encoding: identity",
            "accept: application/vnd.github+json",
            // printf 'Iv1.8a61f9b3a7aba766:3ef4…cc7f' | base64
            "authorization: Basic SXYxLjhhNjFmOWIzYTdhYmE3NjY6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRm\
             ODAwNDdmYjNhZWUzY2M3Zg==",
            "content-type: application/json",
            concat!("user-agent: ghes-gatekeeper/", env!("CARGO_PKG_VERSION")),
        ]
    );
    assert!(head.headers["authorization"].is_sensitive());
}

#[tokio::test]
async fn the_api_version_is_sent_where_it_is_asked_for() {
    let (transport, seen) = recording();
    let url = "https://ghes.example.com".parse().expect("a URL");
    let version = HeaderValue::from_static("2022-11-28");
    let client = GhesClient::new(&url, &app(), transport)
        .expect("an app")
        .with_api_version(version);
    let authorization = client.check_token(&AccessToken::new(TOKEN)).await;
    assert_eq!(authorization.expect("a reply").app.client_id, CLIENT_ID);
    let seen = seen.lock().expect("no panic");
    assert_eq!(seen[0].0.headers["x-github-api-version"], "2022-11-28");
}

#[test]
fn a_client_id_cannot_lead_to_another_path() {
    for client_id in ["", "../user", "a/b", "a?b", "a#b", "a b", "a%2fb"] {
        let (transport, _) = recording();
        let url = "https://ghes.example.com".parse().expect("a URL");
        let app = ghes_gatekeeper::ghes::App::new(client_id, "secret");
        assert!(
            GhesClient::new(&url, &app, transport).is_err(),
            "{client_id}"
        );
    }
}
