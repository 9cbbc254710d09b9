//! Each door says the same of the same, in the words of the gate.

use super::*;
use crate::support::{Upstream, route, status};

/// The fields that a 200 always has.
const IDENTITY: [&str; 8] = [
    "x-auth-request-user",
    "x-auth-request-preferred-username",
    "x-auth-request-groups",
    "x-forwarded-user",
    "x-github-user-id",
    "x-oauth-scopes",
    "x-oauth-client-id",
    "x-gatekeeper-stale",
];

const ROUTES: &str = "
    [[routes]]
    path = '/'
    [[routes]]
    path = '/scoped'
    scopes = ['admin:org']
    [[routes]]
    path = '/team'
    teams = ['octo-org/platform']
    [[routes]]
    path = '/open'
    anonymous = true
    [[routes]]
    path = '/grafana'
    identity_headers = 'x-webauth'
    ";

async fn gate() -> Gate {
    Gate::start(&format!("{TRUSTED}{ROUTES}")).await
}

fn at<'a>(target: &'a str, lines: &'a str) -> Held<'a> {
    Held {
        target,
        lines,
        ..Held::GET
    }
}

#[tokio::test]
async fn who_may_pass_is_told_by_exactly_200_and_every_field() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    let known = bearer(TOKEN);
    for door in DOORS {
        let response = door.ask(&mut client, &at("/a?b=c", &known)).await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{door:?} {response}");
        let told = IDENTITY.map(|name| only(&response, name));
        let told: Vec<&str> = told.to_vec();
        assert_eq!(
            told,
            [
                "octocat",
                "octocat",
                "",
                "octocat",
                "1",
                "public_repo, user",
                CLIENT_ID,
                ""
            ],
            "{door:?}"
        );
        assert_eq!(only(&response, "cache-control"), "no-store");
        assert_eq!(only(&response, "content-length"), "0");
        assert_eq!(all(&response, "x-request-id").len(), 1);
        assert!(all(&response, "authorization").is_empty());
        let response = door.ask(&mut client, &at("/grafana", &known)).await;
        assert_eq!(only(&response, "x-webauth-user"), "octocat");
        assert_eq!(only(&response, "x-auth-request-user"), "octocat");
    }
}

#[tokio::test]
async fn the_groups_that_let_in_are_told() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    let token = gate.ghes.mint(CLIENT_ID, "octocat", &["read:org"], None);
    let token = bearer(&token.unwrap());
    for door in DOORS {
        let response = door.ask(&mut client, &at("/team", &token)).await;
        assert_eq!(status(&response), 200, "{door:?}");
        assert_eq!(
            only(&response, "x-auth-request-groups"),
            "octo-org:platform"
        );
    }
}

#[tokio::test]
async fn who_may_not_pass_is_told_what_the_gate_says() {
    let upstream = Upstream::start().await;
    let routes = [
        route("/", upstream.address, ""),
        route("/scoped", upstream.address, "scopes = ['admin:org']"),
        route("/team", upstream.address, "teams = ['octo-org/platform']"),
        route("/basic", upstream.address, "basic = true"),
    ];
    let gate = Gate::start(&format!("{TRUSTED}{}", routes.concat())).await;
    let mut client = gate.decisions().await;
    let known = bearer(TOKEN);
    let stranger = gate.ghes.mint(CLIENT_ID, "monalisa", &["read:org"], None);
    let stranger = bearer(&stranger.unwrap());
    let twice = known.repeat(2);
    for (target, lines, expected, reason) in [
        ("/", "", 401, "missing_token"),
        ("/", "Authorization: Basic YTpi\r\n", 401, "missing_token"),
        (
            "/",
            "Authorization: Bearer gho_wrong\r\n",
            401,
            "invalid_token",
        ),
        (
            "/",
            "Authorization: Bearer ghp_wrong\r\n",
            401,
            "invalid_token",
        ),
        (
            "/",
            "Authorization: Bearer \"gho_a\"\r\n",
            400,
            "invalid_request",
        ),
        ("/", &*twice, 400, "invalid_request"),
        ("/?access_token=gho_b", &*known, 400, "invalid_request"),
        ("/basic", "", 401, "missing_token"),
        (
            "/basic",
            "Authorization: Basic YTpi\r\n",
            401,
            "invalid_token",
        ),
        ("/scoped", &*known, 403, "insufficient_scope"),
        ("/team", &*stranger, 403, "forbidden"),
        ("/..%2fteam", &*known, 400, "invalid_request"),
    ] {
        let held = at(target, lines);
        let own = format!("GET {target} HTTP/1.1\r\nHost: tools.example.com\r\n{lines}\r\n");
        let own = gate.connect().await.exchange(&own).await;
        assert_eq!(status(&own), expected, "{target} {lines}");
        for door in DOORS {
            let response = door.ask(&mut client, &held).await;
            assert_eq!(status(&response), expected, "{door:?} {target} {lines}");
            let body = response.split("\r\n\r\n").nth(1).unwrap();
            assert!(body.contains(reason), "{door:?} {target} {body}");
            for name in [
                "www-authenticate",
                "retry-after",
                "content-type",
                "cache-control",
            ] {
                assert_eq!(
                    all(&response, name),
                    all(&own, name),
                    "{door:?} {target} {name}"
                );
            }
            assert_eq!(
                own.split("\r\n\r\n").nth(1),
                Some(body),
                "{door:?} {target}"
            );
            let told = IDENTITY.map(|name| all(&response, name).len());
            assert_eq!(told, [0; 8], "{door:?} {response}");
        }
    }
}

#[tokio::test]
async fn an_outage_is_503_and_never_a_no() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    outage(&gate);
    for (door, token) in DOORS
        .iter()
        .zip(["gho_a", "gho_b", "gho_c", "gho_d", "gho_e", "gho_f"])
    {
        let response = door.ask(&mut client, &at("/", &bearer(token))).await;
        assert_eq!(status(&response), 503, "{door:?}");
        assert_eq!(all(&response, "retry-after").len(), 1);
        assert!(all(&response, "www-authenticate").is_empty());
    }
}

#[tokio::test]
async fn a_revoked_and_purged_token_is_dead_at_once() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    let token = gate.ghes.mint(CLIENT_ID, "octocat", &[], None).unwrap();
    let held = bearer(&token);
    for door in DOORS {
        let response = door.ask(&mut client, &at("/", &held)).await;
        assert_eq!(status(&response), 200, "{door:?}");
    }
    assert!(gate.ghes.revoke(&token));
    let purge = "{\"all\": true}";
    let purge = format!(
        "POST /purge HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{purge}",
        purge.len()
    );
    let purged = gate.admin().await.exchange(&purge).await;
    assert_eq!(status(&purged), 200, "{purged}");
    for door in DOORS {
        let response = door.ask(&mut client, &at("/", &held)).await;
        assert_eq!(status(&response), 401, "{door:?}");
    }
}

#[tokio::test]
async fn on_an_anonymous_route_every_field_is_there_and_empty() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    let forged = "X-Auth-Request-User: root\r\nX-Forwarded-User: root\r\nX_Forwarded_User: root\r\n\
                  X-GitHub-User-Id: 0\r\nAuthorization: Bearer gho_wrong\r\n";
    for door in DOORS {
        for lines in ["", forged] {
            let response = door.ask(&mut client, &at("/open", lines)).await;
            assert_eq!(status(&response), 200, "{door:?} {response}");
            let told = IDENTITY.map(|name| only(&response, name));
            assert_eq!(told, [""; 8], "{door:?}");
            assert!(all(&response, "authorization").is_empty());
        }
    }
}

/// Envoy adds what it gets to what the client sent, unless it is told to remove that.
#[tokio::test]
async fn envoy_is_told_what_to_remove() {
    let gate = gate().await;
    let mut client = gate.decisions().await;
    let removed = |response: &str| {
        let removed = only(response, "x-envoy-auth-headers-to-remove").to_owned();
        removed.split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let response = Door::Envoy.ask(&mut client, &at("/open", "")).await;
    for name in IDENTITY.into_iter().chain(["authorization"]) {
        assert!(
            removed(&response).iter().any(|removed| removed == name),
            "{name}"
        );
    }
    let lines = format!(
        "{}X_Auth_Request_User: root\r\nX-Remote-User: root\r\n",
        bearer(TOKEN)
    );
    let response = Door::Envoy.ask(&mut client, &at("/", &lines)).await;
    let removed = removed(&response);
    for name in [
        "authorization",
        "x_auth_request_user",
        "x-remote-user",
        "x-gatekeeper-stale",
    ] {
        assert!(
            removed.iter().any(|removed| removed == name),
            "{name}: {removed:?}"
        );
    }
    assert!(!removed.iter().any(|removed| removed == "x-forwarded-user"));
}

#[tokio::test]
async fn the_token_is_told_where_the_tool_gets_it() {
    let gate = Gate::start(&format!(
        "{TRUSTED}[[routes]]\npath = '/'\nforward_token = true\n"
    ))
    .await;
    let mut client = gate.decisions().await;
    for door in DOORS {
        let response = door.ask(&mut client, &at("/", &bearer(TOKEN))).await;
        assert_eq!(only(&response, "authorization"), format!("Bearer {TOKEN}"));
        let removed = all(&response, "x-envoy-auth-headers-to-remove").concat();
        assert!(!removed.contains("authorization"), "{removed}");
    }
}

/// Envoy alone removes what it is told to.
#[tokio::test]
async fn envoy_is_told_to_remove_what_a_route_strips() {
    let gate = Gate::start(&format!(
        "{TRUSTED}[[routes]]\npath = '/'\nstrip_headers = ['X-Role', 'X-Tenant-*']\n\
         [[routes]]\npath = '/open'\nanonymous = true\nstrip_headers = ['X-Role']\n"
    ))
    .await;
    let mut client = gate.decisions().await;
    let written = "X-Role: admin\r\nX_Role: admin\r\nX-Tenant-Id: 1\r\nX-Roles: kept\r\n";
    let lines = format!("{}{written}", bearer(TOKEN));
    for (target, lines, removed) in [
        ("/", &*lines, &["x-role", "x_role", "x-tenant-id"][..]),
        ("/open", written, &["x-role", "x_role"]),
    ] {
        let response = Door::Envoy.ask(&mut client, &at(target, lines)).await;
        let told = only(&response, "x-envoy-auth-headers-to-remove");
        for name in removed {
            assert!(told.split(',').any(|told| told == *name), "{name}: {told}");
        }
        assert!(!told.contains("x-roles"), "{told}");
        let envoy = ext_authz::Envoy::before(&gate).await;
        let checked = envoy.check(&at(target, lines)).await;
        for name in removed {
            assert!(checked.removed.iter().any(|told| told == name), "{name}");
        }
    }
}

/// Over HTTP, Envoy tells only some of the fields that the tool would get.
#[tokio::test]
async fn envoy_is_told_to_remove_what_it_has_not_told() {
    let gate = Gate::start(&format!(
        "{TRUSTED}[[routes]]\npath = '/'\nstrip_headers = ['X-Role', 'X_Team', 'X-Tenant-*']\n"
    ))
    .await;
    let known = bearer(TOKEN);
    let mut client = gate.decisions().await;
    let response = Door::Envoy.ask(&mut client, &at("/", &known)).await;
    let removed = only(&response, "x-envoy-auth-headers-to-remove");
    for name in ["x-role", "x-team"] {
        assert!(removed.split(',').any(|told| told == name), "{removed}");
    }
    assert!(!removed.contains("x-tenant"), "{removed}");
}
