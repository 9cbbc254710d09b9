//! A token in the place of a password, on routes that take it there.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;
use serde_json::Value;
use tokio::time::timeout;

use super::TOKEN;
use super::carrier::{Ask, Carrier, Front};
use super::recorder::Recorder;
use super::support::{Client, Gate, PATIENCE, Upstream, headers, route, status};

over!(every protocol:
    every_form_that_github_takes_is_let_in,
    a_wrong_password_is_asked_for_again,
    no_other_route_takes_a_password,
    a_password_beside_another_credential_is_refused,
    a_tool_never_sees_a_password,
    a_tool_that_may_see_the_token_sees_no_user_name,
    where_basic_alone_is_challenged_for_bearer_is_taken_too,
);

const REALM: &str = "Basic realm=\"ghes\", charset=\"UTF-8\"";

fn basic(pair: &str) -> Ask {
    let encoded = BASE64_STANDARD.encode(pair);
    Ask::get("/").line("Authorization", format!("Basic {encoded}"))
}

async fn front(on: Carrier, more: &str) -> (Recorder, Front) {
    let recorder = Recorder::start().await;
    let front = recorder.front_with(on, "", &[("/", more)]).await;
    (recorder, front)
}

/// Fails unless a request is answered so, and challenged by these lines.
async fn assert_challenged(front: &Front, ask: &Ask, status: u16, reason: &str, lines: &[&str]) {
    let answer = front.answer(ask).await;
    assert_eq!(answer.status, status, "{ask:?}");
    assert_eq!(answer.all("www-authenticate"), lines, "{ask:?}");
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(problem["reason"], reason, "{ask:?}");
}

async fn every_form_that_github_takes_is_let_in(on: Carrier) {
    let (mut recorder, front) = front(on, "basic = true").await;
    for pair in [
        format!("octocat:{TOKEN}"),
        format!("somebody-else:{TOKEN}"),
        format!("x-access-token:{TOKEN}"),
        format!(":{TOKEN}"),
        format!("{TOKEN}:"),
        format!("{TOKEN}:x-oauth-basic"),
    ] {
        front.assert_status(&basic(&pair), 200).await;
        let message = recorder.message().await;
        assert_eq!(message.all("x-forwarded-user"), ["octocat"], "{pair}");
    }
    front.assert_status(&Ask::known("/"), 200).await;
    recorder.message().await;
    assert_eq!(front.gate.calls(), 1, "one token, however it is written");
}

async fn a_wrong_password_is_asked_for_again(on: Carrier) {
    let (mut recorder, front) = front(on, "basic = true").await;
    let bare = "Bearer realm=\"ghes\"";
    assert_challenged(&front, &Ask::get("/"), 401, "missing_token", &[bare, REALM]).await;
    let invalid = "Bearer realm=\"ghes\", error=\"invalid_token\"";
    for pair in [
        "octocat:gho_nobody",
        "octocat:correct horse battery staple",
        "octocat:p\u{e4}ssword",
        "octocat:ghp_16C7e42F",
        ":",
    ] {
        let lines = [invalid, REALM];
        assert_challenged(&front, &basic(pair), 401, "invalid_token", &lines).await;
    }
    let malformed = "Bearer realm=\"ghes\", error=\"invalid_request\"";
    for line in ["Basic", "Basic gho_x", "Basic b2N0b2NhdA==", "Basic YTpi,"] {
        let ask = Ask::get("/").line("Authorization", line);
        // No other password would mend it, and a browser would ask for one.
        let lines = [malformed];
        assert_challenged(&front, &ask, 400, "invalid_request", &lines).await;
    }
    recorder.assert_untouched();
}

async fn no_other_route_takes_a_password(on: Carrier) {
    let mut recorder = Recorder::start().await;
    let routes = [("/", ""), ("/git", "basic = true")];
    let front = recorder.front_with(on, "", &routes).await;
    let bare = "Bearer realm=\"ghes\"";
    let good = format!("octocat:{TOKEN}");
    for ask in [basic(&good), Ask::get("/"), Ask::get("/gits")] {
        assert_challenged(&front, &ask, 401, "missing_token", &[bare]).await;
    }
    let ask = Ask::get("/git/repo");
    assert_challenged(&front, &ask, 401, "missing_token", &[bare, REALM]).await;
    recorder.assert_untouched();
}

async fn a_password_beside_another_credential_is_refused(on: Carrier) {
    let (mut recorder, front) = front(on, "basic = true").await;
    let good = basic(&format!("octocat:{TOKEN}"));
    let bearer = format!("Bearer {TOKEN}");
    let again = BASE64_STANDARD.encode(format!("octocat:{TOKEN}"));
    let in_query = Ask {
        target: "/?access_token=gho_x".to_owned(),
        ..good.clone()
    };
    for ask in [
        good.clone().line("Authorization", bearer),
        good.line("authorization", format!("Basic {again}")),
        in_query,
    ] {
        let lines = ["Bearer realm=\"ghes\", error=\"invalid_request\""];
        assert_challenged(&front, &ask, 400, "invalid_request", &lines).await;
    }
    recorder.assert_untouched();
}

async fn a_tool_never_sees_a_password(on: Carrier) {
    let (mut recorder, front) = front(on, "basic = true").await;
    front
        .assert_status(&basic(&format!("admin:{TOKEN}")), 200)
        .await;
    // Looks for a credential as well.
    recorder.message().await;
}

async fn a_tool_that_may_see_the_token_sees_no_user_name(on: Carrier) {
    let mut upstream = Upstream::start().await;
    let more = "basic = true\nforward_token = true";
    let front = Front::start(on, "", &route("/", upstream.address, more)).await;
    front
        .assert_status(&basic(&format!("admin:{TOKEN}")), 200)
        .await;
    let request = upstream.request().await;
    let line = format!("authorization: Bearer {TOKEN}");
    assert!(headers(&request).contains(&&*line), "{request}");
    assert!(!request.contains("admin"), "{request}");
}

#[tokio::test]
async fn a_missing_scope_is_nothing_that_a_password_could_mend() {
    let upstream = Upstream::start().await;
    let more = "basic = true\nscopes = [\"admin:org\"]";
    let front = Front::start(Carrier::Http1, "", &route("/", upstream.address, more)).await;
    let ask = basic(&format!("octocat:{TOKEN}"));
    let scope = "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"admin:org\"";
    assert_challenged(&front, &ask, 403, "insufficient_scope", &[scope]).await;
}

async fn where_basic_alone_is_challenged_for_bearer_is_taken_too(on: Carrier) {
    let (mut recorder, front) = front(on, "basic = \"only\"").await;
    for ask in [
        Ask::get("/"),
        basic("octocat:gho_nobody"),
        Ask::get("/").line("Authorization", "Bearer gho_nobody"),
        Ask::get("/").line("Authorization", "Digest a"),
    ] {
        let answer = front.answer(&ask).await;
        assert_eq!(answer.status, 401, "{ask:?}");
        assert_eq!(answer.all("www-authenticate"), [REALM], "{ask:?}");
    }
    for ask in [
        basic(&format!("octocat:{TOKEN}")),
        basic(&format!("{TOKEN}:")),
        Ask::known("/"),
    ] {
        front.assert_status(&ask, 200).await;
        let message = recorder.message().await;
        assert_eq!(message.all("x-forwarded-user"), ["octocat"]);
    }
    let ask = Ask::get("/").line("Authorization", "Basic gho_x");
    let malformed = "Bearer realm=\"ghes\", error=\"invalid_request\"";
    assert_challenged(&front, &ask, 400, "invalid_request", &[malformed]).await;
}

#[tokio::test]
async fn an_outage_is_no_wrong_password() {
    let upstream = Upstream::start().await;
    let more = "basic = true";
    let front = Front::start(Carrier::Http1, "", &route("/", upstream.address, more)).await;
    front
        .gate
        .ghes
        .fail(Fault::status(StatusCode::BAD_GATEWAY).times(9));
    let ask = basic(&format!("octocat:{TOKEN}"));
    assert_challenged(&front, &ask, 503, "unavailable", &[]).await;
}

#[tokio::test]
async fn a_call_of_grpc_is_challenged_by_both_schemes() {
    let upstream = Upstream::start().await;
    let more = "basic = true";
    let front = Front::start(Carrier::H2c, "", &route("/", upstream.address, more)).await;
    let ask = basic("octocat:gho_nobody").line("Content-Type", "application/grpc");
    let answer = front.answer(&ask.method("POST").body("")).await;
    assert_eq!(answer.all("grpc-status"), ["16"]);
    let lines = answer.all("www-authenticate");
    assert_eq!(
        lines,
        ["Bearer realm=\"ghes\", error=\"invalid_token\"", REALM]
    );
}

/// What a push of a gibibyte sends after its head is neither waited for nor asked for.
#[tokio::test]
async fn nothing_of_a_body_is_read_before_the_decision() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::start(&route("/", upstream.address, "basic = true")).await;
    for pair in ["octocat:gho_nobody", "octocat:no token"] {
        let encoded = BASE64_STANDARD.encode(pair);
        for more in [
            "Content-Length: 1073741824\r\n",
            "Transfer-Encoding: chunked\r\n",
        ] {
            let head = format!(
                "POST /repo.git/git-receive-pack HTTP/1.1\r\nHost: a\r\n\
                 Authorization: Basic {encoded}\r\nExpect: 100-continue\r\n{more}\r\n",
            );
            let mut client = Client::to(gate.address).await;
            let answer = timeout(PATIENCE, client.exchange(&head)).await;
            assert_eq!(status(&answer.expect("in time")), 401, "{pair} {more}");
        }
    }
    upstream.assert_untouched();
}
