//! Identity headers that are forged or dropped.
//!
//! [`Recorder::message`] fails for every look-alike of a header that we own, so that most tests
//! have only to send some and to compare what must be there.

use super::*;
use crate::wire::Message;

/// Sends `lines` with a good token, and returns what the upstream got.
async fn forwarded(lines: &str) -> Message {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    assert_status(&gate, &get(lines), 200).await;
    let message = upstream.message().await;
    assert_identity(&message);
    message
}

fn assert_identity(message: &Message) {
    assert_eq!(message.only("x-forwarded-user"), "octocat");
    assert_eq!(message.only("x-github-user-id"), "1");
    assert_eq!(message.only("x-oauth-scopes"), "public_repo, user");
    assert_eq!(message.only("x-oauth-client-id"), "Iv1.8a61f9b3a7aba766");
}

/// oauth2-proxy CVE-2025-64484.
#[tokio::test]
async fn a1_underscores_forge_no_identity() {
    forwarded("X_Forwarded_User: admin\r\nX_GITHUB_USER_ID: 7\r\nX_Forwarded_Email: a@b\r\n").await;
}

/// Traefik CVE-2026-39858, CVE-2026-54763.
#[tokio::test]
async fn a2_underscores_forge_no_way() {
    let message = forwarded("X_Forwarded_For: 6.6.6.6\r\nX_FORWARDED_HOST: evil\r\n").await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
    assert_eq!(message.only("x-forwarded-host"), "a");
}

/// Traefik CVE-2026-88011.
#[tokio::test]
async fn a3_no_byte_of_a_name_forges_an_identity() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for c in "!#$%&'*+-.^_`|~".chars() {
        for name in [
            "X-Forwarded-User",
            "x-oauth-scopes",
            "X-Auth-Request-Groups",
            "X-Gatekeeper-Stale",
        ] {
            let name = name.replace('-', &c.to_string());
            assert_status(&gate, &get(&format!("{name}: admin\r\n")), 200).await;
            assert_identity(&upstream.message().await);
        }
    }
}

/// Caddy CVE-2026-30851.
#[tokio::test]
async fn a4_an_empty_answer_leaves_no_room_for_a_clients() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let token = gate.ghes.mint("Iv1.8a61f9b3a7aba766", "octocat", &[], None);
    let token = token.expect("a token");
    let request = get("X-OAuth-Scopes: admin:org\r\n").replace(TOKEN, &token);
    assert_status(&gate, &request, 200).await;
    assert_eq!(upstream.message().await.only("x-oauth-scopes"), "");
}

/// Caddy CVE-2026-52845.
#[tokio::test]
async fn a5_names_of_other_gates_are_folded_too() {
    let message = forwarded(
        "Remote_Groups: admin\r\nRemote-User: admin\r\nX_WEBAUTH_USER: admin\r\n\
         X-Userinfo: e30=\r\nX.Remote.User: admin\r\nremote: stays\r\n",
    )
    .await;
    assert_eq!(message.only("remote"), "stays");
}

/// APISIX CVE-2026-31908: what every test here starts has no option set but its route.
#[tokio::test]
async fn a7_the_default_configuration_is_the_safe_one() {
    let message =
        forwarded("X-Userinfo: e30=\r\nX-Forwarded-User: admin\r\nX-Real-IP: 6.6.6.6\r\n").await;
    assert_eq!(message.fields.len(), 10, "{message:?}");
}

/// Traefik CVE-2021-32813, CVE-2024-45410, CVE-2026-29054.
#[tokio::test]
async fn a8_connection_drops_no_identity() {
    for lines in [
        "Connection: close, X-Forwarded-User\r\n",
        "connection: x-forwarded-user\r\n",
        "Connection: close\r\nConnection:\tX-GitHub-User-Id\t,, x-oauth-scopes ,\r\n",
        "Connection: X_Forwarded_User\r\nX_Forwarded_User: admin\r\n",
        "Connection: \u{ff}, x-oauth-client-id\r\n",
    ] {
        forwarded(lines).await;
    }
}

/// Oathkeeper GHSA-w9mr-28mw-j8hg.
#[tokio::test]
async fn a9_connection_drops_nothing_that_we_say() {
    let named = "authorization, host, content-length, via, x-request-id, x-forwarded-for, \
                 x-forwarded-host, x-forwarded-proto";
    let message = forwarded(&format!("Connection: {named}\r\n")).await;
    assert_eq!(message.only("via"), "1.1 ghes-gatekeeper");
    assert_eq!(message.only("x-forwarded-proto"), "http");
}

/// httpd CVE-2022-31813.
#[tokio::test]
async fn a10_connection_drops_no_address() {
    let message =
        forwarded("X-Forwarded-For: 6.6.6.6\r\nConnection: close, X-Forwarded-For\r\n").await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
}

/// Istio CVE-2026-26308, Envoy CVE-2020-25017.
#[tokio::test]
async fn a11_one_of_several_values_is_not_overlooked() {
    forwarded("X-OAuth-Scopes: user\r\nX-OAuth-Scopes: admin:org\r\nX-Forwarded-User: a, b\r\n")
        .await;
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for second in [
        "Authorization: Bearer x\r\n",
        "Authorization: Basic YTpi\r\n",
        "authorization:\r\n",
    ] {
        assert_status(&gate, &get(second), 400).await;
    }
    upstream.assert_untouched();
}

#[tokio::test]
async fn a12_trailers_are_no_headers() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let request =
        get("Transfer-Encoding: chunked\r\nTrailer: x-forwarded-user\r\nTE: trailers\r\n");
    let body = "2\r\nhi\r\n0\r\nX-Forwarded-User: admin\r\nAuthorization: Bearer x\r\n\r\n";
    assert_status(&gate, &format!("{request}{body}"), 200).await;
    let message = upstream.message().await;
    assert_identity(&message);
    assert_eq!(message.body, b"hi");
}

/// `mod_auth_openidc`, 2026-08-11.
#[tokio::test]
async fn a13_nobody_is_let_through_with_an_identity_of_their_own() {
    let mut upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[("/", ""), ("/public", "anonymous = true")])
        .await;
    for line in ["OPTIONS /public", "GET /public/health", "HEAD /public"] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nX_Forwarded_User: admin\r\nRemote-User: admin\r\n\
             Origin: http://evil\r\nAccess-Control-Request-Headers: x-forwarded-user\r\n\
             Connection: x-forwarded-user\r\nUpgrade: websocket\r\n\r\n"
        );
        assert_status(&gate, &request, 200).await;
        let message = upstream.message().await;
        for name in ["x-forwarded-user", "x-github-user-id", "x-oauth-scopes"] {
            assert!(message.all(name).is_empty(), "{message:?}");
        }
    }
    let preflight = "OPTIONS / HTTP/1.1\r\nHost: a\r\nX-Forwarded-User: admin\r\n\r\n";
    assert_status(&gate, preflight, 401).await;
    upstream.assert_untouched();
}

/// heimdall GHSA-4jgr-pg2m-m988.
#[tokio::test]
async fn a16_a_host_adds_nothing_to_a_list() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for host in ["a;for=127.0.0.1", "a, b", "\"a\"", "a=b", "a b"] {
        let request = get("").replace("Host: a", &format!("Host: {host}"));
        assert_status(&gate, &request, 400).await;
    }
    upstream.assert_untouched();
}

/// heimdall CVE-2026-57210.
#[tokio::test]
async fn a17_forwarded_is_believed_nobody() {
    let message = forwarded(
        "Forwarded: for=\"junk\\\"x;host=evil\"\r\nX-Forwarded-For: 127.0.0.1, 10.0.0.1\r\n",
    )
    .await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
}

/// Traefik CVE-2026-35051, CVE-2026-54764.
#[tokio::test]
async fn a18_the_whole_family_is_removed() {
    let names = [
        "X-Forwarded",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Uri",
        "X-Forwarded-Method",
        "X-Forwarded-Ssl",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "X-Original-URL",
        "X-Original-Host",
        "X-Rewrite-URL",
        "X-Envoy-External-Address",
        "X-Envoy-Original-Path",
        "True-Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Client-IP",
        "Proxy",
    ];
    let lines: String = names.map(|name| format!("{name}: 6.6.6.6\r\n")).concat();
    let message = forwarded(&lines).await;
    assert!(
        message.fields.iter().all(|(_, value)| value != b"6.6.6.6"),
        "{message:?}"
    );
}

/// Oathkeeper CVE-2026-33495.
#[tokio::test]
async fn a19_nobody_is_trusted_by_default() {
    let message = forwarded("X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n").await;
    assert_eq!(message.only("x-forwarded-proto"), "http");
    assert_eq!(message.only("x-forwarded-host"), "a");
}
