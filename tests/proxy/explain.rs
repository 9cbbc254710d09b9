//! A trace, held against what the gate does with the same request.

use std::future::pending;

use ghes_gatekeeper::check::{CheckError, CheckRequest, Verdict};
use ghes_gatekeeper::config::Config;
use ghes_gatekeeper::emulator::{Fault, Operation};
use ghes_gatekeeper::proxy::Proxy;
use ghes_gatekeeper::proxy::explain::{
    AppOutcome, Decision, Forwarded, InvalidQuestion, RuleOutcome, Trace,
};
use ghes_gatekeeper::token::AccessToken;
use http::{Method, StatusCode};
use tower::service_fn;
use tower::util::BoxCloneSyncService;

use super::TOKEN;
use super::assertion::{assertion, new_key};
use super::support::{Gate, Upstream, route};

async fn explain(gate: &Gate, path: &str) -> Trace {
    let token = AccessToken::new(TOKEN);
    let trace = gate.proxy.explain(&token, &Method::GET, "a", path).await;
    trace.expect("a good question")
}

fn forwarded(trace: &Trace) -> &Forwarded {
    match &trace.decision {
        Decision::Forwarded(forwarded) => forwarded,
        other => panic!("not forwarded: {other:?}"),
    }
}

/// The headers of a request as it was on the wire, but for its host.
fn headers(request: &str) -> Vec<(String, String)> {
    let head = request.split("\r\n\r\n").next().expect("a head");
    let lines = head.lines().skip(1).map(|line| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_ascii_lowercase(), value.to_owned())
    });
    let mut headers: Vec<_> = lines.filter(|(name, _)| name != "host").collect();
    headers.sort();
    headers
}

#[tokio::test]
async fn the_upstream_sees_what_the_trace_says_and_nothing_before_that() {
    let key = new_key();
    for more in [
        "",
        "strip_prefix = true",
        "identity_headers = 'x-auth-request'",
        "identity_headers = 'remote-user'\nforward_token = true",
        "anonymous = true\nstrip_prefix = true",
    ] {
        let mut upstream = Upstream::start().await;
        let routes = route("/tool", upstream.address, more) + &assertion(&key, "");
        let gate = Gate::start(&routes).await;
        let trace = explain(&gate, "/tool/a%20b?secret=CANARY").await;
        upstream.assert_untouched();
        let told = forwarded(&trace);
        let request = format!(
            "GET /tool/a%20b?secret=CANARY HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        );
        gate.connect().await.exchange(&request).await;
        let got = upstream.request().await;
        let path = format!("GET {}?secret=CANARY HTTP/1.1\r\n", told.path);
        assert!(got.starts_with(&path), "{path} {got}");
        let mut shown: Vec<_> = told.set.iter().map(|header| header.name.clone()).collect();
        if told.forwards_token {
            shown.push("authorization".to_owned());
        }
        shown.sort();
        let got = headers(&got);
        let names: Vec<_> = got.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(shown, names, "{more}");
        for header in &told.set {
            let value = got.iter().find(|(name, _)| *name == header.name);
            let value = value.map(|(_, value)| value);
            assert!(
                header.value.is_none() || header.value.as_ref() == value,
                "{header:?}"
            );
        }
        let is_removed = told.removed == ["authorization"];
        assert_ne!(is_removed, told.forwards_token, "{:?}", told.removed);
        let shown = format!("{trace:?}{}", serde_json::to_string(&trace).expect("JSON"));
        // Of a hash, whatever comes into a log shows 12 digits at most.
        let digits = &trace.token.hashed_token[..13];
        assert!(!format!("{trace:?}").contains(digits), "{trace:?}");
        assert!(
            !shown.contains(TOKEN) && !shown.contains("CANARY"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn what_would_be_signed_is_told_without_a_signature() {
    let key = new_key();
    let upstream = Upstream::start().await;
    let routes = route(
        "/tool",
        upstream.address,
        "strip_prefix = true\naudience = 'urn:tool'",
    );
    let gate = Gate::start(&(routes + &assertion(&key, ""))).await;
    let trace = explain(&gate, "/tool/x").await;
    let claims = forwarded(&trace).assertion.as_ref().expect("claims");
    assert_eq!((&*claims.audience, &*claims.path), ("urn:tool", "/x"));
    assert_eq!((&*claims.method, &*claims.login), ("GET", "octocat"));
    let set = &forwarded(&trace).set;
    let header = set
        .iter()
        .find(|header| header.name == "x-gatekeeper-assertion");
    assert_eq!(header.expect("the header").value, None);
}

#[tokio::test]
async fn a_membership_that_could_not_be_asked_is_told_as_that() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "")
        + &route("/org", upstream.address, "orgs = ['octo-org']")
        + &route(
            "/us",
            upstream.address,
            "users = ['octocat']\norgs = ['octo-org']",
        );
    let gate = Gate::start(&routes).await;
    assert!(explain(&gate, "/").await.allowed);
    gate.ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let trace = explain(&gate, "/org").await;
    let Decision::Rejected(rejected) = &trace.decision else {
        panic!("{trace:?}");
    };
    assert_eq!((rejected.status, rejected.reason), (503, "unavailable"));
    assert_eq!(rejected.retry_after, Some(5));
    assert_eq!(trace.apps[0].outcome, AppOutcome::Active);
    assert_eq!(trace.apps[0].took_ms, None, "it was remembered");
    let [asked] = &*trace.memberships else {
        panic!("{trace:?}");
    };
    assert_eq!((asked.membership, asked.reason), (None, Some("ghes_5xx")));
    assert!(asked.needed && trace.rules[0].needed);
    assert_eq!(trace.rules[0].outcome, RuleOutcome::Unknown);
    // What only the trace wants to know keeps nobody out.
    gate.ghes.fail(Fault::status(StatusCode::BAD_GATEWAY));
    let trace = explain(&gate, "/us").await;
    assert!(trace.allowed && !trace.memberships[0].needed);
    assert_eq!(trace.memberships[0].membership, None);
    let outcomes: Vec<_> = trace
        .rules
        .iter()
        .map(|rule| (rule.outcome, rule.needed))
        .collect();
    assert_eq!(
        outcomes,
        [(RuleOutcome::Passed, true), (RuleOutcome::Unknown, false)]
    );
}

#[tokio::test]
async fn a_token_that_is_refused_meanwhile_is_checked_again() {
    let upstream = Upstream::start().await;
    let routes =
        route("/", upstream.address, "") + &route("/org", upstream.address, "orgs = ['octo-org']");
    let gate = Gate::start(&routes).await;
    assert!(explain(&gate, "/").await.allowed);
    assert!(gate.ghes.revoke(TOKEN));
    let trace = explain(&gate, "/org").await;
    assert!(!trace.allowed);
    assert_eq!(trace.memberships[0].membership, Some("token_refused"));
    let [app] = &*trace.apps else {
        panic!("{trace:?}");
    };
    assert_eq!(
        (app.outcome, app.reason),
        (AppOutcome::Inactive, Some("invalid"))
    );
    assert_eq!(trace.rules[0].outcome, RuleOutcome::Unknown);
}

#[tokio::test]
async fn a_trace_takes_no_turn_of_a_client_and_asks_nothing_for_others() {
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "");
    let gate = Gate::start(&format!(
        "{routes}[server.limits]\nunknown_tokens_burst = 1\n"
    ))
    .await;
    for token in ["gho_a", "gho_b", "gho_c"] {
        let token = AccessToken::new(token);
        let trace = gate.proxy.explain(&token, &Method::GET, "a", "/").await;
        let trace = trace.expect("a good question");
        let Decision::Rejected(rejected) = &trace.decision else {
            panic!("{trace:?}");
        };
        assert_eq!(rejected.status, 401);
    }
    assert_eq!(gate.ghes.calls(Operation::CheckToken), 3);
}

#[tokio::test(start_paused = true)]
async fn a_check_without_an_end_is_told_as_one_that_took_too_long() {
    let silent = service_fn(|_: CheckRequest| pending::<Result<Verdict, CheckError>>());
    let config = "[ghes]\nurl = 'http://127.0.0.1:1'\n\
                  [[ghes.apps]]\nclient_id = 'app'\nclient_secret = 'secret'\n\
                  [[routes]]\npath = '/'\nupstream = 'http://127.0.0.1:1'\n";
    let config = Config::parse(config, []).expect("a configuration");
    let proxy = Proxy::with_check(&config, BoxCloneSyncService::new(silent));
    let token = AccessToken::new(TOKEN);
    let trace = proxy.explain(&token, &Method::GET, "a", "/").await;
    let trace = trace.expect("a good question");
    let [app] = &*trace.apps else {
        panic!("{trace:?}");
    };
    assert_eq!(
        (app.outcome, app.reason),
        (AppOutcome::Unavailable, Some("timeout"))
    );
    assert_eq!(app.took_ms, Some(3_000));
    assert!(!trace.allowed);
}

#[tokio::test]
async fn what_no_client_could_send_is_no_question() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    for (token, host, path, error) in [
        ("a", "a", "", InvalidQuestion::Path),
        ("a", "a", "x", InvalidQuestion::Path),
        ("a", "a", "http://a/", InvalidQuestion::Path),
        ("a", "a", "*", InvalidQuestion::Path),
        ("a", "a", "/a b", InvalidQuestion::Path),
        ("a", "a\n", "/", InvalidQuestion::Host),
        ("a\nb", "a", "/", InvalidQuestion::Token),
    ] {
        let token = AccessToken::new(token);
        let trace = gate.proxy.explain(&token, &Method::GET, host, path).await;
        assert_eq!(trace.err(), Some(error), "{host} {path}");
    }
    assert_eq!(gate.calls(), 0);
}
