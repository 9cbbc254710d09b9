//! A real client, unmodified, over a loopback socket.
use std::net::SocketAddr;

use ghes_gatekeeper::emulator::{Emulator, Fault, Operation};
use http::StatusCode;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use octocrab::Octocrab;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{GITHUB_APP, SECRET, TOKEN};

/// Serves the emulator until the test's runtime ends.
pub(crate) async fn serve(ghes: Emulator) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(ghes.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

fn octocrab(address: SocketAddr, secret: &str) -> Octocrab {
    Octocrab::builder()
        .base_uri(format!("http://{address}/api/v3"))
        .unwrap()
        .basic_auth(GITHUB_APP.to_owned(), secret.to_owned())
        .build()
        .unwrap()
}

async fn refusal(address: SocketAddr, secret: &str, token: &str) -> octocrab::GitHubError {
    let error = octocrab(address, secret)
        .applications(GITHUB_APP)
        .check_token(token)
        .await
        .unwrap_err();
    match error {
        octocrab::Error::GitHub { source, .. } => *source,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn octocrab_reads_a_good_token() {
    let ghes = Emulator::default();
    let address = serve(ghes.clone()).await;
    let client = octocrab(address, SECRET);
    let authorization = client
        .applications(GITHUB_APP)
        .check_token(TOKEN)
        .await
        .unwrap();
    assert_eq!(authorization.user.unwrap().login, "octocat");
    assert_eq!(authorization.scopes, ["public_repo", "user"]);
    assert_eq!(authorization.app.client_id, GITHUB_APP);
    assert_eq!(authorization.token_last_eight.as_deref(), Some("ae178b4a"));
    assert_eq!(authorization.expires_at, None);
    let url = format!("http://{address}/api/v3/authorizations/1");
    assert_eq!(authorization.url.as_str(), url);
    assert_eq!(ghes.calls(Operation::CheckToken), 1);
}

#[tokio::test]
async fn octocrab_reads_the_refusals() {
    let address = serve(Emulator::default()).await;
    let unknown_token = refusal(address, SECRET, "gho_unknown").await;
    assert_eq!(unknown_token.status_code, StatusCode::NOT_FOUND);
    assert_eq!(unknown_token.message, "Not Found");
    let url = unknown_token.documentation_url.unwrap();
    assert!(
        url.ends_with("/rest/apps/oauth-applications#check-a-token"),
        "{url}"
    );

    let wrong_secret = refusal(address, "wrong", TOKEN).await;
    assert_eq!(wrong_secret.status_code, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong_secret.message, "Bad credentials");
}

#[tokio::test]
async fn dropped_exchange_closes_the_connection_without_a_byte() {
    let ghes = Emulator::default();
    ghes.fail(Fault::dropped());
    let mut stream = TcpStream::connect(serve(ghes).await).await.unwrap();
    let request =
        b"POST /api/v3/applications/x/token HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
}
