//! A route that decides, counts and logs, and lets everybody pass.

use ghes_gatekeeper::emulator::Fault;
use ghes_gatekeeper::proxy::explain::Decision;
use ghes_gatekeeper::token::AccessToken;
use http::{Method, StatusCode};

use super::TOKEN;
use super::assertion::{assertion, new_key};
use super::carrier::{Ask, Carrier, Front};
use super::recorder::Recorder;
use super::support::{Gate, Upstream, body, headers, route};

over!(every protocol:
    nobody_is_turned_away_and_nobody_is_somebody,
    an_outage_of_ghes_lets_everybody_pass,
    what_could_be_read_in_two_ways_is_refused_all_the_same,
);

const OBSERVE: &str = "mode = \"observe\"";

/// What a client could try to pass off as ours.
const FORGED: &str = "X-Forwarded-User: admin\r\nX_Forwarded_User: admin\r\n\
    X-GitHub-User-Id: 1\r\nX-Gatekeeper-Assertion: forged\r\nRemote-User: admin\r\n";

async fn front(on: Carrier, more: &str) -> (Recorder, Front) {
    let recorder = Recorder::start().await;
    let more = format!("{OBSERVE}\n{more}");
    let front = recorder.front_with(on, "", &[("/", &more)]).await;
    (recorder, front)
}

fn credentials() -> [Vec<String>; 7] {
    let one = |line: &str| vec![line.to_owned()];
    let good = format!("Bearer {TOKEN}");
    [
        vec![],
        one("Bearer gho_nobody"),
        one("Bearer ghp_personal"),
        one("Bearer a b"),
        one("Basic b2N0b2NhdDpnaG9feA=="),
        one(&format!("Bearer \"{TOKEN}\"")),
        vec![good.clone(), good],
    ]
}

/// Sends it, and fails unless the upstream gets it as nobody's.
async fn assert_nobodys(recorder: &mut Recorder, front: &Front, ask: Ask) {
    front.assert_status(&ask, 200).await;
    // Looks for a credential as well.
    let message = recorder.message().await;
    for name in [
        "x-forwarded-user",
        "x-github-user-id",
        "x-oauth-scopes",
        "x-oauth-client-id",
        "x-gatekeeper-assertion",
        "x-gatekeeper-stale",
        "remote-user",
    ] {
        assert_eq!(message.all(name), [""; 0], "{name}: {ask:?}");
    }
}

async fn nobody_is_turned_away_and_nobody_is_somebody(on: Carrier) {
    let (mut recorder, front) = front(on, "").await;
    for lines in credentials() {
        let mut ask = Ask::get("/").lines(FORGED);
        for line in lines {
            ask = ask.line("Authorization", line);
        }
        assert_nobodys(&mut recorder, &front, ask).await;
    }
    // Twice: on a miss and on a hit.
    for _ in 0..2 {
        front
            .assert_status(&Ask::known("/").lines(FORGED), 200)
            .await;
        let message = recorder.message().await;
        assert_eq!(message.all("x-forwarded-user"), ["octocat"]);
    }
    for more in [
        "users = [\"hubot\"]",
        "scopes = [\"admin:org\"]",
        "teams = [\"octo-org/other\"]",
    ] {
        let recorder_and_front = self::front(on, more).await;
        let (mut recorder, front) = recorder_and_front;
        for _ in 0..2 {
            assert_nobodys(&mut recorder, &front, Ask::known("/").lines(FORGED)).await;
        }
    }
}

async fn an_outage_of_ghes_lets_everybody_pass(on: Carrier) {
    let (mut recorder, front) = front(on, "").await;
    front
        .gate
        .ghes
        .fail(Fault::status(StatusCode::BAD_GATEWAY).times(9));
    assert_nobodys(&mut recorder, &front, Ask::known("/")).await;
}

async fn what_could_be_read_in_two_ways_is_refused_all_the_same(on: Carrier) {
    let mut recorder = Recorder::start().await;
    let routes = [("/", OBSERVE), ("/admin", "users = [\"hubot\"]")];
    let front = recorder.front_with(on, "", &routes).await;
    front.assert_status(&Ask::known("/x/..%2fadmin"), 400).await;
    front.assert_status(&Ask::known("/admin"), 403).await;
    recorder.assert_untouched();
}

#[tokio::test]
async fn a_tool_that_may_see_the_token_sees_it_whatever_is_decided() {
    let mut upstream = Upstream::start().await;
    let more = format!("{OBSERVE}\nforward_token = true");
    let gate = Gate::start(&route("/", upstream.address, &more)).await;
    for token in ["gho_nobody", TOKEN] {
        assert_eq!(gate.status_for(token).await, 200);
        let request = upstream.request().await;
        let line = format!("authorization: Bearer {token}");
        assert!(headers(&request).contains(&&*line), "{request}");
        assert_eq!(request.contains("x-forwarded-user"), token == TOKEN);
    }
    // Which of two is meant, nobody knows.
    let line = format!("Authorization: Bearer {TOKEN}\r\n");
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}{line}\r\n");
    gate.connect().await.exchange(&request).await;
    assert!(!upstream.request().await.contains(TOKEN));
}

#[tokio::test]
async fn nothing_is_signed_for_nobody() {
    let mut upstream = Upstream::start().await;
    let key = new_key();
    let routes = route("/", upstream.address, OBSERVE) + &assertion(&key, "");
    let gate = Gate::start(&routes).await;
    for (token, is_signed) in [("gho_nobody", false), (TOKEN, true)] {
        assert_eq!(gate.status_for(token).await, 200);
        let request = upstream.request().await;
        assert_eq!(request.contains("x-gatekeeper-assertion"), is_signed);
    }
}

#[tokio::test]
async fn the_status_is_the_tools_and_an_upstream_that_fails_is_one() {
    let upstream = Upstream::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let gate = Gate::start(&route("/", upstream.address, OBSERVE)).await;
    assert_eq!(gate.status_for("gho_nobody").await, 404);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = gone.local_addr().expect("an address");
    drop(gone);
    let gate = Gate::start(&route("/", address, OBSERVE)).await;
    assert_eq!(gate.status_for("gho_nobody").await, 502);
}

#[tokio::test]
async fn what_would_have_been_is_counted_by_its_reason() {
    let upstream = Upstream::start().await;
    let routes = [
        route("/", upstream.address, OBSERVE),
        route(
            "/people",
            upstream.address,
            &format!("{OBSERVE}\nusers = [\"hubot\"]"),
        ),
        route("/enforced", upstream.address, ""),
    ];
    let gate = Gate::start(&routes.concat()).await;
    let get = async |path: &str, lines: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        gate.connect().await.exchange(&request).await
    };
    let good = format!("Authorization: Bearer {TOKEN}\r\n");
    for (path, lines) in [
        ("/", ""),
        ("/", "Authorization: Bearer gho_nobody\r\n"),
        ("/", "Authorization: Bearer a b\r\n"),
        ("/people", &good),
        ("/people", &good),
        ("/", &good),
        ("/enforced", ""),
    ] {
        get(path, lines).await;
    }
    let mut admin = gate.admin().await;
    let answer = admin
        .exchange("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let metrics = body(&answer);
    for line in [
        "ghes_gatekeeper_requests_total{outcome=\"observed\"} 5",
        "ghes_gatekeeper_requests_total{outcome=\"allowed\"} 1",
        "ghes_gatekeeper_requests_total{outcome=\"missing_token\"} 1",
        "ghes_gatekeeper_observed_rejections_total{reason=\"missing_token\"} 1",
        "ghes_gatekeeper_observed_rejections_total{reason=\"invalid_token\"} 1",
        "ghes_gatekeeper_observed_rejections_total{reason=\"invalid_request\"} 1",
        "ghes_gatekeeper_observed_rejections_total{reason=\"forbidden\"} 2",
    ] {
        assert!(
            metrics.lines().any(|told| told == line),
            "{line} is not in {metrics}"
        );
    }
}

#[tokio::test]
async fn a_trace_says_what_would_have_been() {
    let mut upstream = Upstream::start().await;
    let more = format!("{OBSERVE}\nusers = [\"hubot\"]");
    let gate = Gate::start(&route("/", upstream.address, &more)).await;
    for (token, status, reason) in [
        (TOKEN, 403, "forbidden"),
        ("gho_nobody", 401, "invalid_token"),
    ] {
        let token = AccessToken::new(token);
        let trace = gate.proxy.explain(&token, &Method::GET, "a", "/").await;
        let trace = trace.expect("a good question");
        assert!(trace.allowed);
        assert_eq!(trace.route.expect("a route").mode, "observe");
        let observed = trace.observed.expect("what would have been");
        assert_eq!((observed.status, observed.reason), (status, reason));
        let Decision::Forwarded(forwarded) = &trace.decision else {
            panic!("{:?}", trace.decision);
        };
        let names: Vec<_> = forwarded.set.iter().map(|header| &*header.name).collect();
        assert!(!names.contains(&"x-forwarded-user"), "{names:?}");
        assert!(!forwarded.forwards_token);
    }
    let enforced = Gate::start(&route("/", upstream.address, "")).await;
    let token = AccessToken::new("gho_nobody");
    let trace = enforced.proxy.explain(&token, &Method::GET, "a", "/").await;
    let trace = trace.expect("a good question");
    assert!(!trace.allowed && trace.observed.is_none());
    upstream.assert_untouched();
}
