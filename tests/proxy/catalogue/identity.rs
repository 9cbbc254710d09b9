//! Identity headers that are forged or dropped.
//!
//! [`Recorder::message`] fails for every look-alike of a header that we own, so that most tests
//! have only to send some and to compare what must be there.
//!
//! A14, rules that hold on one front and not on another (`OpenShift` CVE-2026-46579), is that each
//! test here runs over each protocol that it can.

use axum::routing::get;
use axum::{Extension, Router};
use ghes_gatekeeper::assertion::{Claims, Verifier, VerifyingLayer};
use tokio::net::TcpListener;

use super::*;
use crate::assertion::{ISSUER, assertion, keys, new_key};
use crate::support::{Client, Gate, body, route, status};
use crate::wire::Message;

over!(every protocol:
    a1_underscores_forge_no_identity,
    a2_underscores_forge_no_way,
    a3_no_byte_of_a_name_forges_an_identity,
    a4_an_empty_answer_leaves_no_room_for_a_clients,
    a5_names_of_other_gates_are_folded_too,
    a7_the_default_configuration_is_the_safe_one,
    a11_one_of_several_values_is_not_overlooked,
    a13_nobody_is_let_through_with_an_identity_of_their_own,
    a16_a_host_adds_nothing_to_a_list,
    a17_forwarded_is_believed_nobody,
    a18_the_whole_family_is_removed,
    a18_what_begins_like_ours_is_removed,
    a18_a_route_removes_what_else_its_tool_believes,
    a19_nobody_is_trusted_by_default,
);
over!(every protocol with bodies: a12_trailers_are_no_headers);
// HTTP/2 has no `Connection`; `inputs::h2` shows that one is refused.
over!(every http1:
    a8_connection_drops_no_identity,
    a9_connection_drops_nothing_that_we_say,
    a10_connection_drops_no_address,
);

/// Sends `lines` with a good token, and returns what the upstream got.
async fn forwarded(on: Carrier, lines: &str) -> Message {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    front.assert_status(&known(lines), 200).await;
    let message = upstream.message().await;
    assert_identity(&message);
    message
}

pub(super) fn assert_identity(message: &Message) {
    assert_eq!(message.only("x-forwarded-user"), "octocat");
    assert_eq!(message.only("x-github-user-id"), "1");
    assert_eq!(message.only("x-oauth-scopes"), "public_repo, user");
    assert_eq!(message.only("x-oauth-client-id"), "Iv1.8a61f9b3a7aba766");
}

/// oauth2-proxy CVE-2025-64484.
async fn a1_underscores_forge_no_identity(on: Carrier) {
    let lines = "X_Forwarded_User: admin\r\nX_GITHUB_USER_ID: 7\r\nX_Forwarded_Email: a@b\r\n";
    forwarded(on, lines).await;
}

/// Traefik CVE-2026-39858, CVE-2026-54763.
async fn a2_underscores_forge_no_way(on: Carrier) {
    let message = forwarded(on, "X_Forwarded_For: 6.6.6.6\r\nX_FORWARDED_HOST: evil\r\n").await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
    assert_eq!(message.only("x-forwarded-host"), "a");
}

/// Traefik CVE-2026-88011.
async fn a3_no_byte_of_a_name_forges_an_identity(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for c in "!#$%&'*+-.^_`|~".chars() {
        for name in [
            "X-Forwarded-User",
            "x-oauth-scopes",
            "X-Auth-Request-Groups",
            "X-Gatekeeper-Stale",
        ] {
            let name = name.replace('-', &c.to_string());
            front
                .assert_status(&known(&format!("{name}: admin\r\n")), 200)
                .await;
            assert_identity(&upstream.message().await);
        }
    }
}

/// Caddy CVE-2026-30851.
async fn a4_an_empty_answer_leaves_no_room_for_a_clients(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let ghes = &front.gate.ghes;
    let token = ghes.mint("Iv1.8a61f9b3a7aba766", "octocat", &[], None);
    let token = token.expect("a token");
    let ask = Ask::get("/p")
        .line("Authorization", format!("Bearer {token}"))
        .lines("X-OAuth-Scopes: admin:org\r\n");
    front.assert_status(&ask, 200).await;
    assert_eq!(upstream.message().await.only("x-oauth-scopes"), "");
}

/// Caddy CVE-2026-52845.
async fn a5_names_of_other_gates_are_folded_too(on: Carrier) {
    let message = forwarded(
        on,
        "Remote_Groups: admin\r\nRemote-User: admin\r\nX_WEBAUTH_USER: admin\r\n\
         X-Userinfo: e30=\r\nX.Remote.User: admin\r\nremote: stays\r\n",
    )
    .await;
    assert_eq!(message.only("remote"), "stays");
}

/// APISIX CVE-2026-31908: what every test here starts has no option set but its route.
async fn a7_the_default_configuration_is_the_safe_one(on: Carrier) {
    let lines = "X-Userinfo: e30=\r\nX-Forwarded-User: admin\r\nX-Real-IP: 6.6.6.6\r\n";
    let message = forwarded(on, lines).await;
    let of_a_handshake = [
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "upgrade",
    ];
    let fields = message.fields.iter();
    let fields = fields.filter(|(name, _)| !of_a_handshake.contains(&&**name));
    assert_eq!(fields.count(), 11, "{message:?}");
}

/// Traefik CVE-2021-32813, CVE-2024-45410, CVE-2026-29054.
async fn a8_connection_drops_no_identity(on: Carrier) {
    for lines in [
        "Connection: close, X-Forwarded-User\r\n",
        "connection: x-forwarded-user\r\n",
        "Connection: close\r\nConnection:\tX-GitHub-User-Id\t,, x-oauth-scopes ,\r\n",
        "Connection: X_Forwarded_User\r\nX_Forwarded_User: admin\r\n",
        "Connection: \u{ff}, x-oauth-client-id\r\n",
    ] {
        forwarded(on, lines).await;
    }
}

/// Oathkeeper GHSA-w9mr-28mw-j8hg.
async fn a9_connection_drops_nothing_that_we_say(on: Carrier) {
    let named = "authorization, host, content-length, via, x-request-id, x-forwarded-for, \
                 x-forwarded-host, x-forwarded-proto";
    let message = forwarded(on, &format!("Connection: {named}\r\n")).await;
    assert_eq!(message.only("via"), "1.1 ghes-gatekeeper");
    assert_eq!(message.only("x-forwarded-proto"), on.scheme());
}

/// httpd CVE-2022-31813.
async fn a10_connection_drops_no_address(on: Carrier) {
    let lines = "X-Forwarded-For: 6.6.6.6\r\nConnection: close, X-Forwarded-For\r\n";
    let message = forwarded(on, lines).await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
}

/// Istio CVE-2026-26308, Envoy CVE-2020-25017.
async fn a11_one_of_several_values_is_not_overlooked(on: Carrier) {
    let lines = "X-OAuth-Scopes: user\r\nX-OAuth-Scopes: admin:org\r\nX-Forwarded-User: a, b\r\n";
    forwarded(on, lines).await;
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for second in [
        "Authorization: Bearer x\r\n",
        "Authorization: Basic YTpi\r\n",
        "authorization:\r\n",
    ] {
        front.assert_status(&known(second), 400).await;
    }
    upstream.assert_untouched();
}

async fn a12_trailers_are_no_headers(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let ask = known("Trailer: x-forwarded-user\r\nTE: trailers\r\n").streamed(
        "hi",
        "X-Forwarded-User: admin\r\nX_GitHub_User_Id: 7\r\nAuthorization: Bearer x\r\n",
    );
    front.assert_status(&ask.method("POST"), 200).await;
    let message = upstream.message().await;
    assert_identity(&message);
    assert_eq!(message.body, b"hi");
}

/// `mod_auth_openidc`, 2026-08-11.
async fn a13_nobody_is_let_through_with_an_identity_of_their_own(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", OPEN_AND_CLOSED).await;
    for (method, path) in [
        ("OPTIONS", "/public"),
        ("GET", "/public/health"),
        ("HEAD", "/public"),
    ] {
        let mut ask = Ask::get(path).method(method).lines(
            "X_Forwarded_User: admin\r\nRemote-User: admin\r\nOrigin: http://evil\r\n\
             Access-Control-Request-Headers: x-forwarded-user\r\n",
        );
        if !on.is_http_2() {
            ask = ask.lines("Connection: x-forwarded-user\r\n");
        }
        front.assert_status(&ask, 200).await;
        let message = upstream.message().await;
        for name in ["x-forwarded-user", "x-github-user-id", "x-oauth-scopes"] {
            assert!(message.all(name).is_empty(), "{message:?}");
        }
    }
    let preflight = Ask::get("/").method("OPTIONS");
    let preflight = preflight.lines("X-Forwarded-User: admin\r\n");
    front.assert_status(&preflight, 401).await;
    upstream.assert_untouched();
}

/// heimdall GHSA-4jgr-pg2m-m988.
async fn a16_a_host_adds_nothing_to_a_list(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for host in ["a;for=127.0.0.1", "a, b", "\"a\"", "a=b", "a b"] {
        front.assert_malformed(&known("").host(host)).await;
    }
    upstream.assert_untouched();
}

/// heimdall CVE-2026-57210.
async fn a17_forwarded_is_believed_nobody(on: Carrier) {
    let message = forwarded(
        on,
        "Forwarded: for=\"junk\\\"x;host=evil\"\r\nX-Forwarded-For: 127.0.0.1, 10.0.0.1\r\n",
    )
    .await;
    assert_eq!(message.only("x-forwarded-for"), "127.0.0.1");
}

/// Traefik CVE-2026-35051, CVE-2026-54764.
async fn a18_the_whole_family_is_removed(on: Carrier) {
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
        "CF-Connecting-IP",
        "CF-Access-Authenticated-User-Email",
        "X-Scheme",
        "X_Scheme",
        "X-Script-Name",
        "x.script.name",
        "Script_Name",
        "Front-End-Https",
        "SSL-Client-Verify",
        "X-MS-Client-Principal-Name",
    ];
    let lines: String = names.map(|name| format!("{name}: 6.6.6.6\r\n")).concat();
    let message = forwarded(on, &lines).await;
    assert!(
        message.fields.iter().all(|(_, value)| value != b"6.6.6.6"),
        "{message:?}"
    );
}

/// Tools believe more names than those that we set.
async fn a18_what_begins_like_ours_is_removed(on: Carrier) {
    let names = [
        "X-GitHub-Login",
        "X_GitHub_User",
        "x.github.teams",
        "X_GitHub_Event",
        "X-OAuth-User",
        "x_oauth_email",
        "Impersonate-User",
        "Impersonate_Group",
        "Impersonate.Extra-scopes",
        "X-Gatekeeper-Anything",
        "X-Auth-Request-Anything",
        "Remote-Name",
        "X-Remote-Extra",
        "X-WEBAUTH-ROLE",
    ];
    let lines: String = names.map(|name| format!("{name}: admin\r\n")).concat();
    let own =
        "X-GitHub-Event: push\r\nX-GitHub-Delivery: 1\r\nX-GitHub-Api-Version: 2022-11-28\r\n";
    let message = forwarded(on, &format!("{lines}{own}")).await;
    assert!(
        message.fields.iter().all(|(_, value)| value != b"admin"),
        "{message:?}"
    );
    assert_eq!(message.only("x-github-event"), "push");
    assert_eq!(message.only("x-github-delivery"), "1");
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", OPEN_AND_CLOSED).await;
    front
        .assert_status(&Ask::get("/public").lines(&lines), 200)
        .await;
    let message = upstream.message().await;
    assert!(
        message.fields.iter().all(|(_, value)| value != b"admin"),
        "{message:?}"
    );
}

async fn a18_a_route_removes_what_else_its_tool_believes(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let listed = r#"strip_headers = ["X-Role", "x_tenant-*", "Cookie", "X-Forwarded-User"]"#;
    let open = format!("anonymous = true\n{listed}");
    let routes = [("/", listed), ("/public", &*open), ("/other", "")];
    let front = upstream.front_with(on, "", &routes).await;
    let lines = "X-Role: admin\r\nX_Role: admin\r\nx.tenant.id: admin\r\nX-Tenant-Name: admin\r\n\
                 Cookie: admin\r\nX-Roles: stays\r\nX-Tenant: stays\r\n";
    for path in ["/p", "/public"] {
        front
            .assert_status(&Ask::known(path).lines(lines), 200)
            .await;
        let message = upstream.message().await;
        assert!(
            message.fields.iter().all(|(_, value)| value != b"admin"),
            "{message:?}"
        );
        assert_eq!(message.only("x-roles"), "stays");
        assert_eq!(message.only("x-tenant"), "stays");
        if path == "/p" {
            assert_identity(&message);
        }
    }
    front
        .assert_status(&Ask::known("/other").lines(lines), 200)
        .await;
    assert_eq!(upstream.message().await.only("x-role"), "admin");
}

/// Oathkeeper CVE-2026-33495.
async fn a19_nobody_is_trusted_by_default(on: Carrier) {
    let lied = if on.is_encrypted() { "http" } else { "https" };
    let lines = format!("X-Forwarded-Proto: {lied}\r\nX-Forwarded-Host: evil\r\n");
    let message = forwarded(on, &lines).await;
    assert_eq!(message.only("x-forwarded-proto"), on.scheme());
    assert_eq!(message.only("x-forwarded-host"), "a");
}

/// Gogs CVE-2026-25119.
#[tokio::test]
async fn a20_who_reaches_an_upstream_directly_is_refused() {
    let directory = new_key();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let routes = format!("{}{}", route("/", address, ""), assertion(&directory, ""));
    let gate = Gate::start(&routes).await;
    let verifier = Verifier::new(ISSUER, &format!("http://{address}"), keys(&gate).await);
    let whoami = async |Extension(claims): Extension<Claims>| claims.login;
    let tool = Router::new()
        .route("/p", get(whoami))
        .layer(VerifyingLayer::new(verifier));
    tokio::spawn(axum::serve(listener, tool).into_future());

    let through = gate.connect().await.exchange(&super::get("")).await;
    assert_eq!((status(&through), body(&through)), (200, "octocat"));
    for forged in [
        "",
        "X-Forwarded-User: octocat\r\nX-GitHub-User-Id: 1\r\n",
        "X-WEBAUTH-USER: admin\r\n",
        "X-Gatekeeper-Assertion: e30.e30.\r\n",
    ] {
        let directly = Client::to(address)
            .await
            .exchange(&super::get(forged))
            .await;
        assert_eq!(status(&directly), 401, "{directly}");
        assert!(!directly.contains("octocat"), "{directly}");
    }
}
