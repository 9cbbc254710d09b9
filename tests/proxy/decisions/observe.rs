//! A route that only observes, at every door.

use std::time::Duration;

use super::ext_authz::Envoy;
use super::*;
use crate::support::status;

const ROUTES: &str = "[[routes]]\npath = '/'\nmode = 'observe'\n[[routes]]\npath = '/hubot'\n\
                      mode = 'observe'\nusers = ['hubot']\n";

async fn gate() -> Gate {
    Gate::start(&format!("{TRUSTED}{ROUTES}")).await
}

#[tokio::test]
async fn whoever_asks_lets_everybody_pass_and_nobody_is_somebody() {
    let gate = gate().await;
    let known = bearer(TOKEN);
    let twice = known.repeat(2);
    let envoy = Envoy::before(&gate).await;
    for (target, lines, login) in [
        ("/", &*known, "octocat"),
        ("/", "", ""),
        ("/", "Authorization: Bearer gho_wrong\r\n", ""),
        ("/", "Authorization: Basic YTpi\r\n", ""),
        ("/", &*twice, ""),
        ("/hubot", &*known, ""),
    ] {
        let lines = format!("{lines}X-Auth-Request-User: root\r\n");
        let held = Held {
            target,
            lines: &lines,
            ..Held::GET
        };
        for door in DOORS {
            let response = door.ask(&mut gate.decisions().await, &held).await;
            assert_eq!(status(&response), 200, "{door:?} {target} {lines}");
            assert_eq!(
                only(&response, "x-auth-request-user"),
                login,
                "{door:?} {lines}"
            );
            assert!(all(&response, "authorization").is_empty(), "{response}");
        }
        let checked = envoy.check(&held).await;
        assert_eq!(checked.code, 0, "{target} {lines}");
        let told = checked
            .headers
            .get("x-auth-request-user")
            .map_or("", String::as_str);
        assert_eq!(told, login, "{target} {lines}");
    }
}

#[tokio::test]
async fn an_outage_lets_everybody_pass() {
    let gate = gate().await;
    outage(&gate);
    let lines = bearer(TOKEN);
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    for door in DOORS {
        let response = door.ask(&mut gate.decisions().await, &held).await;
        assert_eq!(status(&response), 200, "{door:?}");
        assert_eq!(only(&response, "x-auth-request-user"), "");
    }
    assert_eq!(Envoy::before(&gate).await.check(&held).await.code, 0);
}

/// At the deadline of Envoy, too: an outage that came a moment later would be one for the client.
#[tokio::test]
async fn an_answer_that_would_come_too_late_lets_pass() {
    let gate = gate().await;
    gate.ghes.fail(Fault::slow(Duration::from_secs(20)));
    let lines = bearer(TOKEN);
    let held = Held {
        lines: &lines,
        ..Held::GET
    };
    let envoy = Envoy::before(&gate).await;
    for timeout in ["150m", "90000u"] {
        let checked = envoy.check_within(&held, Some(timeout)).await;
        assert_eq!((checked.code, checked.status), (0, None), "{timeout}");
        assert!(!checked.headers.contains_key("x-auth-request-user"));
    }
}
