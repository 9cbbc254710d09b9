//! What is sent.

use std::time::Duration;

use ghes_gatekeeper::check::CheckRequest;
use ghes_gatekeeper::ghes::{App, GhesClient, HttpsTransport};
use ghes_gatekeeper::token::AccessToken;
use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{CLIENT_ID, Stub, TOKEN, app};

#[tokio::test]
async fn the_request_is_the_documented_one_and_nothing_else() {
    let stub = Stub::documented();
    let check = CheckRequest::new(AccessToken::new(TOKEN));
    stub.client().oneshot(check).await.expect("a verdict");
    assert_eq!(
        stub.wire(),
        concat!(
            "POST https://ghes.example.com/api/v3/applications/Iv1.8a61f9b3a7aba766/token\n",
            "accept-encoding: identity\n",
            "accept: application/vnd.github+json\n",
            // printf 'Iv1.8a61f9b3a7aba766:3ef4…cc7f' | base64
            "authorization: Basic SXYxLjhhNjFmOWIzYTdhYmE3NjY6M2VmNGFkNTEwYzU5YWQzN2JhYzZiYjRm",
            "ODAwNDdmYjNhZWUzY2M3Zg==\n",
            "content-type: application/json\n",
            "user-agent: ghes-gatekeeper/",
            env!("CARGO_PKG_VERSION"),
            "\n",
            "\n",
            r#"{"access_token":"e72e16c7e42f292c6912e7710c838347ae178b4a"}"#,
        )
    );
}

#[tokio::test]
async fn the_api_version_is_sent_where_it_is_asked_for() {
    let stub = Stub::documented();
    let version = HeaderValue::from_static("2022-11-28");
    let client = stub.client().with_api_version(version);
    let authorization = client.check_token(&AccessToken::new(TOKEN)).await;
    assert_eq!(authorization.expect("a reply").app.client_id, CLIENT_ID);
    assert_eq!(
        stub.seen()[0].headers()["x-github-api-version"],
        "2022-11-28"
    );
}

#[test]
fn a_client_id_cannot_lead_to_another_path() {
    for client_id in [
        "", ".", "..", "...", "../user", "a/b", "a?b", "a#b", "a b", "a%2fb",
    ] {
        let url = "https://ghes.example.com".parse().expect("a URL");
        let app = App::new(client_id, "secret");
        assert!(
            GhesClient::new(&url, &app, Stub::documented()).is_err(),
            "{client_id}"
        );
    }
}

/// RFC 9110 §9.3.5 gives the body of a DELETE no meaning of its own, so that whoever stands in
/// between may drop one that is not announced.
#[tokio::test]
async fn a_delete_announces_its_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.expect("bytes"), 0);
        }
        let reply = b"HTTP/1.1 204 No Content\r\n\r\n";
        stream.write_all(reply).await.expect("a reply");
        String::from_utf8(request).expect("UTF-8")
    });
    let url = format!("http://127.0.0.1:{port}").parse().expect("a URL");
    let transport = HttpsTransport::new().expect("TLS");
    let client = GhesClient::new(&url, &app(), transport)
        .expect("an app")
        .with_timeout(Duration::from_secs(60));
    let deleted = client.delete_token(&AccessToken::new(TOKEN)).await;
    deleted.expect("204");
    let request = server.await.expect("no panic");
    let target = "DELETE /api/v3/applications/Iv1.8a61f9b3a7aba766/token HTTP/1.1\r\n";
    assert!(request.starts_with(target), "{request}");
    let body = format!(r#"{{"access_token":"{TOKEN}"}}"#);
    assert!(request.contains(&format!("\r\ncontent-length: {}\r\n", body.len())));
    assert!(!request.contains("transfer-encoding"));
    assert!(request.ends_with(&body));
}
