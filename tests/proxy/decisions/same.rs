//! Whatever the routes and the request, every door decides as the proxy does.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use super::ext_authz::Envoy;
use super::*;
use crate::support::{Upstream, route, status};

const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/admin", "/A", "/x.git"];

const HOSTS: [&str; 3] = ["tools.example.com", "open.example.com", "other.example.com"];

const RULES: [&str; 11] = [
    "",
    "anonymous = true",
    "scopes = ['admin:org']",
    "scopes_any = ['user', 'gist']",
    "users = ['octocat']",
    "users = ['hubot']",
    "orgs = ['octo-org']",
    "teams = ['octo-org/platform']",
    "orgs = ['octo-org']\nusers = ['monalisa']\npeople = 'all'",
    "ambiguous_paths = 'forward'",
    "basic = true",
];

const METHODS: [&str; 3] = ["", "methods = ['GET']", "methods = ['POST', 'DELETE']"];

const TARGETS: [&str; 22] = [
    "/",
    "/?a=b",
    "/a",
    "/a/",
    "/a/b/c?d",
    "/admin",
    "/admin/x",
    "//admin",
    "/a/../admin",
    "/a/..%2fadmin",
    "/%61dmin",
    "/a;x/b",
    "/a/%2e%2e/admin",
    "/A",
    "/ADMIN",
    "/a%2Fb",
    "/x.git/info/refs?service=git-upload-pack",
    "/a%zz",
    "/a\\b",
    "/a?access_token=gho_b",
    "/.well-known/oauth-protected-resource",
    "/a//b",
];

#[derive(Clone, Debug)]
struct Case {
    routes: Vec<(
        &'static str,
        Option<&'static str>,
        &'static str,
        &'static str,
    )>,
    requests: Vec<(&'static str, &'static str, &'static str, Index)>,
}

fn case() -> impl Strategy<Value = Case> {
    let host = prop_oneof![2 => Just(None), 1 => select(&HOSTS[..]).prop_map(Some)];
    let route = (
        select(&PATHS[..]),
        host,
        select(&METHODS[..]),
        select(&RULES[..]),
    );
    let method = select(&["GET", "POST", "DELETE", "BREW"][..]);
    let request = (
        method,
        select(&HOSTS[..]),
        prop_oneof![select(&TARGETS[..6]), select(&TARGETS[..])],
        any::<Index>(),
    );
    (vec(route, 1..7), vec(request, 12)).prop_map(|(routes, requests)| Case { routes, requests })
}

/// The routes that can stand beside each other.
fn config(case: &Case, upstream: std::net::SocketAddr) -> String {
    let mut taken = BTreeSet::new();
    // There is no configuration without a route.
    let mut config = TRUSTED.to_owned() + &route("/zz", upstream, "");
    for &(path, host, methods, rules) in &case.routes {
        let opens_all = path == "/" && host.is_none() && rules.starts_with("anonymous");
        if opens_all || !taken.insert((path, host, methods)) {
            continue;
        }
        let host = host.map_or_else(String::new, |host| format!("hosts = ['{host}']\n"));
        config.push_str(&route(path, upstream, &format!("{host}{methods}\n{rules}")));
    }
    config
}

/// What a client brings, from nothing to two.
fn credentials(gate: &Gate) -> Vec<String> {
    let mint = |login, scopes: &[&str]| {
        let token = gate.ghes.mint(CLIENT_ID, login, scopes, None);
        token.expect("a token")
    };
    let revoked = mint("octocat", &[]);
    assert!(gate.ghes.revoke(&revoked));
    vec![
        String::new(),
        bearer(TOKEN),
        bearer(TOKEN),
        bearer(&mint("octocat", &["admin:org", "gist"])),
        bearer(&mint("octocat", &["admin:org", "gist"])),
        bearer(&mint("hubot", &["read:org", "gist"])),
        bearer(&mint("monalisa", &["read:org"])),
        bearer(&revoked),
        bearer("ghp_x"),
        bearer("\"gho_x\""),
        "Authorization: Basic YTpi\r\n".to_owned(),
        bearer(TOKEN).repeat(2),
    ]
}

/// A decision: the status, and who it is or what the client is told.
#[derive(Debug, Eq, PartialEq)]
struct Decided(u16, String);

fn told(code: u16, body: &str, field: impl Fn(&str) -> String) -> Decided {
    match code {
        200 => Decided(200, field("x-forwarded-user")),
        _ => {
            let fields = ["www-authenticate", "allow", "retry-after"].map(field);
            Decided(code, format!("{fields:?} {body}"))
        }
    }
}

async fn of_the_proxy(gate: &Gate, tool: &mut Upstream, held: &Held<'_>) -> Decided {
    let Held {
        method,
        host,
        target,
        lines,
    } = held;
    let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
    let response = gate.connect().await.exchange(&request).await;
    let code = status(&response);
    if code == 200 {
        let seen = tool.request().await;
        return told(code, "", |name| all(&seen, name).concat());
    }
    tool.assert_untouched();
    let body = response.split_once("\r\n\r\n").expect("a head").1;
    told(code, body, |name| all(&response, name).concat())
}

async fn of_a_door(door: Door, gate: &Gate, held: &Held<'_>) -> Decided {
    let response = door.ask(&mut gate.decisions().await, held).await;
    let body = response.split_once("\r\n\r\n").expect("a head").1;
    told(status(&response), body, |name| {
        all(&response, name).concat()
    })
}

async fn of_envoy(envoy: &Envoy, held: &Held<'_>) -> Decided {
    let checked = envoy.check(held).await;
    assert_eq!(checked.code == 0, checked.status.is_none());
    let code = checked.status.unwrap_or(200).try_into().expect("a status");
    told(code, &checked.body, |name| {
        checked.headers.get(name).cloned().unwrap_or_default()
    })
}

async fn compare(case: &Case) -> usize {
    let mut tool = Upstream::start().await;
    let gate = Gate::start(&config(case, tool.address)).await;
    let (credentials, envoy) = (credentials(&gate), Envoy::before(&gate).await);
    let mut passed = 0;
    for &(method, host, target, credential) in &case.requests {
        let held = Held {
            method,
            host,
            target,
            lines: credential.get::<String>(&credentials),
        };
        let expected = of_the_proxy(&gate, &mut tool, &held).await;
        passed += usize::from(expected.0 == 200);
        for door in DOORS
            .into_iter()
            .filter(|door| door.has_method() || method == "GET")
        {
            let decided = of_a_door(door, &gate, &held).await;
            let differs = decided.1.contains("/oauth2/auth");
            let is_same = decided == expected || !door.has_method() && differs;
            assert!(
                is_same,
                "{door:?} {method} {host} {target}: {decided:?}, not {expected:?}"
            );
        }
        // Two credentials in one line are as malformed as two lines are too many.
        let decided = of_envoy(&envoy, &held).await;
        let is_same = decided == expected || decided.0 == 400 && expected.0 == 400;
        assert!(
            is_same,
            "gRPC {method} {host} {target}: {decided:?}, not {expected:?}"
        );
    }
    passed
}

#[test]
fn every_door_decides_as_the_proxy_does() {
    let runtime = Runtime::new().expect("a runtime");
    let passed = std::cell::Cell::new(0);
    let config = ProptestConfig::with_cases(40);
    let run = TestRunner::new(config).run(&case(), |case| {
        passed.set(passed.get() + runtime.block_on(compare(&case)));
        Ok(())
    });
    run.unwrap();
    // Otherwise all were turned away alike.
    assert!(passed.get() > 20, "{}", passed.get());
}
