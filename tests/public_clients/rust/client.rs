//! octocrab, unmodified, over a loopback socket.
use std::net::SocketAddr;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use http::StatusCode;
use octocrab::Octocrab;

use crate::emulator::sockets::serve;
use crate::emulator::{GITHUB_APP, SECRET, TOKEN};

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
