//! What a client is told beyond the kind of its mistake.

use serde_json::Value;

use super::carrier::{Ask, Carrier, Front};
use super::support::{Upstream, route};

over!(every protocol:
    a_token_of_a_kind_that_no_app_has_is_named,
    a_credential_of_another_form_is_named,
    two_credentials_are_named,
);

async fn front(on: Carrier) -> Front {
    let upstream = Upstream::start().await;
    Front::start(on, "", &route("/", upstream.address, "")).await
}

/// Sends a credential, and fails unless the answer tells of `words` and not of the secret.
async fn assert_told(front: &Front, ask: Ask, reason: &str, words: &str) {
    let answer = front.answer(&ask).await;
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(problem["reason"], reason, "{ask:?}");
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.contains(words), "{ask:?}: {detail}");
    assert!(!answer.text().contains("canary"), "{answer:?}");
}

async fn a_token_of_a_kind_that_no_app_has_is_named(on: Carrier) {
    let front = front(on).await;
    for (token, words) in [
        ("ghp_CANARY", "Personal access tokens"),
        ("github_pat_CANARY", "Personal access tokens"),
        ("ghs_CANARY", "Installation tokens"),
        ("ghr_CANARY", "Refresh tokens"),
        ("gho_CANARY", "or belongs to another app"),
    ] {
        for scheme in ["Bearer", "token"] {
            let ask = Ask::get("/").line("Authorization", format!("{scheme} {token}"));
            assert_told(&front, ask, "invalid_token", words).await;
        }
    }
}

async fn a_credential_of_another_form_is_named(on: Carrier) {
    let front = front(on).await;
    for (credential, reason, words) in [
        ("Basic Q0FOQVJZ", "missing_token", "Basic credentials"),
        ("basic Q0FOQVJZ", "missing_token", "Basic credentials"),
        ("Digest a=CANARY", "missing_token", "scheme Bearer"),
        ("gho_CANARY", "missing_token", "use the scheme Bearer"),
        ("Bearer \"gho_CANARY\"", "invalid_request", "in quotes"),
        ("Bearer 'gho_CANARY'", "invalid_request", "in quotes"),
        ("token \"CANARY\"", "invalid_request", "in quotes"),
        ("Bearer <CANARY>", "invalid_request", "header is malformed"),
        ("Bearer: CANARY", "invalid_request", "header is malformed"),
        ("Bearer", "invalid_request", "header is malformed"),
    ] {
        let ask = Ask::get("/").line("Authorization", credential);
        assert_told(&front, ask, reason, words).await;
    }
    assert_told(&front, Ask::get("/"), "missing_token", "Send a GitHub").await;
}

async fn two_credentials_are_named(on: Carrier) {
    let front = front(on).await;
    let bearer = Ask::known("/");
    let in_query = Ask::known("/?a=b&access_token=gho_CANARY");
    for ask in [
        bearer.clone().line("Authorization", "Basic Q0FOQVJZ"),
        bearer.clone().line("authorization", "Bearer gho_CANARY"),
        in_query,
    ] {
        assert_told(&front, ask, "invalid_request", "more than one credential").await;
    }
}
