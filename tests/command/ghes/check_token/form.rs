//! What scripts read, and what nobody may.

use serde_json::{Value, json};

use super::super::{GITHUB_APP, TOKEN, command, run, words};
use super::Gate;

/// Scripts depend on every name in it.
#[tokio::test]
async fn the_json_has_this_form() {
    let gate = Gate::new("form").await;
    let (code, mut trace) = gate.json("--path /team", TOKEN).await;
    assert_eq!(code, 0);
    for took in ["/apps/0/took_ms", "/memberships/0/took_ms"] {
        let took = trace.pointer_mut(took).expect("a time");
        assert!(took.is_u64());
        *took = json!(0);
    }
    let upstream = gate.upstream.local_addr().expect("an address");
    let authority = gate.ghes.url.trim_start_matches("http://");
    let header = |name: &str, value: Value| json!({ "name": name, "value": value });
    let rule = |key: &str, wanted: &str, outcome: &str| {
        json!({
            "rule": key, "wanted": [wanted], "exempts_github_apps": false,
            "outcome": outcome, "missing_scopes": [], "needed": true,
        })
    };
    let expected = json!({
        "allowed": true,
        "request": { "method": "GET", "host": "localhost", "path": "/team" },
        "token": {
            "kind": "unmarked", "may_be_checked": true,
            "hashed_token": "86007eb367696d3202a93e1ef98e8e9e04d0cda1229fa053f126b08dcfcfc200",
            "hashed_token_base64": "hgB+s2dpbTICqT4e+Y6OngTQzaEin6BT8Sawjc/PwgA=",
        },
        "route": {
            "index": 2, "name": "/team", "path": "/team", "exact": false, "hosts": [], "methods": [],
            "anonymous": false, "mode": "enforce", "ghes": authority, "apps": [GITHUB_APP],
            "upstreams": [format!("http://{upstream}")],
        },
        "apps": [{
            "ghes": authority, "client_id": GITHUB_APP, "outcome": "active",
            "reason": null, "detail": null, "took_ms": 0,
            "identity": {
                "user": {
                    "login": "octocat", "id": 1, "node_id": "MDQ6VXNlcjE=", "type": "User",
                    "site_admin": false,
                },
                "client_id": GITHUB_APP, "authorization_id": 1,
                "scopes": ["public_repo", "user"], "expires_at": null,
            },
        }],
        "people": "any",
        "rules": [
            rule("users", "monalisa", "failed"),
            rule("teams", "octo-org/platform", "passed"),
        ],
        "memberships": [{
            "group": "octo-org/platform", "membership": "member", "accepted_scopes": [],
            "reason": null, "detail": null, "took_ms": 0, "needed": true,
        }],
        "decision": {
            "outcome": "forwarded",
            "path": "/",
            "set": [
                header("via", json!("1.1 ghes-gatekeeper")),
                header("x-forwarded-for", Value::Null),
                header("x-forwarded-host", json!("localhost")),
                header("x-forwarded-port", Value::Null),
                header("x-forwarded-prefix", json!("/team")),
                header("x-forwarded-proto", Value::Null),
                header("x-forwarded-user", json!("octocat")),
                header("x-github-user-id", json!("1")),
                header("x-oauth-client-id", json!(GITHUB_APP)),
                header("x-oauth-scopes", json!("public_repo, user")),
                header("x-request-id", Value::Null),
            ],
            "removed": ["authorization"],
            "forwards_token": false,
            "assertion": null,
        },
        "observed": null,
    });
    assert_eq!(trace, expected);
    let (code, trace) = gate.json("--path /org", "gho_nobody").await;
    assert_eq!(code, 1);
    let rejected = json!({
        "outcome": "rejected", "status": 401, "reason": "invalid_token",
        "detail": "The access token is unknown, revoked or expired, or belongs to another app.",
        "challenge": "Bearer realm=\"ghes\", error=\"invalid_token\"",
        "retry_after": null, "allow": null,
    });
    assert_eq!(trace["decision"], rejected);
    assert_eq!(trace["apps"][0]["outcome"], "inactive");
}

#[tokio::test]
async fn a_token_that_is_forwarded_is_not_shown_either() {
    let gate = Gate::new("forward").await;
    let line = format!("check token --config {}", gate.config.display());
    for json in ["", " --json"] {
        let mut forward = command(&words(&format!("{line}{json}")));
        forward.env("GHES_GATEKEEPER_ROUTES__0__FORWARD_TOKEN", "true");
        let out = run(forward, TOKEN).await.good();
        assert!(!out.contains(TOKEN), "{out}");
        let says = ["the token, by forward_token", "\"forwards_token\": true"];
        assert!(says.iter().any(|says| out.contains(says)), "{out}");
    }
}

#[tokio::test]
async fn a_route_that_observes_says_what_would_have_happened() {
    let gate = Gate::new("observe").await;
    let line = format!("check token --config {}", gate.config.display());
    let mut observe = command(&words(&line));
    observe.env("GHES_GATEKEEPER_ROUTES__0__MODE", "observe");
    let out = run(observe, "gho_nobody").await.good();
    for says in [
        "observe, so every request passes",
        "would be not allowed: 401 invalid_token",
    ] {
        assert!(out.contains(says), "{out}");
    }
    assert!(!out.contains("x-forwarded-user"), "{out}");
}

#[tokio::test]
async fn the_two_commands_about_a_token_point_to_each_other() {
    for (line, other) in [
        ("check token --help", "ghes-gatekeeper token check"),
        ("token check --help", "ghes-gatekeeper check token"),
    ] {
        let help = run(command(&words(line)), "").await.good();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(&format!("see {other}.")), "{help}");
    }
}
