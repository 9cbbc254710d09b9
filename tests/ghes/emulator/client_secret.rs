//! How an app shows its secret where it obtains tokens.
use ghes_gatekeeper::emulator::Emulator;
use http::{Request, StatusCode};

use super::web_flow::code;
use super::{GITHUB_APP, OAUTH_APP, SECRET, basic, check, send};

/// As OAuth libraries do that have not been told what GitHub's documents say.
#[tokio::test]
async fn apps_may_show_their_secret_by_basic_authentication() {
    let ghes = Emulator::default();
    for (secret, is_good) in [(SECRET, true), ("wrong", false)] {
        let code = code(&ghes, OAUTH_APP, "repo").await;
        let request = Request::post("/login/oauth/access_token")
            .header("host", "ghes.test")
            .header("accept", "application/json")
            .header("authorization", basic(OAUTH_APP, secret));
        let body = format!("grant_type=authorization_code&code={code}&client_id=");
        let answer = send(&ghes, request.body(body).unwrap()).await.json();
        let token = answer["access_token"].as_str().unwrap_or("none");
        let lives = check(&ghes, OAUTH_APP, token).await.status == StatusCode::OK;
        assert_eq!(lives, is_good, "{answer}");
        let refused = answer["error"] == "incorrect_client_credentials";
        assert_eq!(refused, !is_good, "{answer}");
    }
}

#[tokio::test]
async fn parameters_go_before_basic_authentication() {
    let ghes = Emulator::default();
    let code = code(&ghes, OAUTH_APP, "repo").await;
    let request = Request::post("/login/oauth/access_token")
        .header("host", "ghes.test")
        .header("accept", "application/json")
        .header("authorization", basic(GITHUB_APP, "wrong"));
    let body = format!("client_id={OAUTH_APP}&client_secret={SECRET}&code={code}");
    let answer = send(&ghes, request.body(body).unwrap()).await.json();
    assert_eq!(answer["scope"], "repo", "{answer}");
}
