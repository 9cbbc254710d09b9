//! What must not be told, and what must not decide.

use ghes_gatekeeper::emulator::Fault;
use http::{HeaderName, HeaderValue, StatusCode};

use super::*;
use crate::support::{Upstream, headers, status};

/// Skipper CVE-2026-50197: a policy that looked at the length of the body.
#[tokio::test]
async fn d6_no_framing_changes_the_verdict() {
    let mut upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[("/", ""), ("/admin", "scopes = [\"admin:org\"]")])
        .await;
    let framings = [
        ("", ""),
        ("Content-Length: 0\r\n", ""),
        ("Content-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        (
            "Transfer-Encoding: chunked\r\n",
            "0\r\nx-forwarded-user: admin\r\n\r\n",
        ),
    ];
    for (lines, body) in framings {
        let request = |path| get_path(path, lines).replace("GET", "POST") + body;
        assert_status(&gate, &request("/p").replace(TOKEN, "gho_x"), 401).await;
        assert_status(
            &gate,
            &request("/p").replace("Authorization", "X-Other"),
            401,
        )
        .await;
        assert_status(&gate, &request("/admin"), 403).await;
        upstream.assert_untouched();
        assert_status(&gate, &request("/p"), 200).await;
        upstream.message().await;
    }
}

/// hyper#4019.
#[tokio::test]
async fn d12_no_value_ends_the_process() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for name in [
        "Connection",
        "Via",
        "X-Forwarded-For",
        "Forwarded",
        "TE",
        "Max-Forwards",
        "Cookie",
        "Upgrade",
    ] {
        let mut request = get("").into_bytes();
        request.truncate(request.len() - 2);
        request.extend_from_slice(format!("{name}: ").as_bytes());
        request.extend_from_slice(b"\xff\xfe,\x80;\xc3\x28\r\n\r\n");
        assert_eq!(status_of(&gate, &request).await, 200, "{name}");
        upstream.message().await;
    }
    for name in [
        "Host",
        "Authorization",
        "Content-Length",
        "Transfer-Encoding",
        "Expect",
    ] {
        let mut request = format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: ").into_bytes();
        request.extend_from_slice(b"\xff\xfe\r\n\r\n");
        let status = status_of(&gate, &request).await;
        assert!((400..500).contains(&status), "{status} {name}");
    }
    upstream.assert_untouched();
}

/// Traefik CVE-2026-41181, Pomerium CVE-2024-39315.
#[tokio::test]
async fn g4_the_token_stays_here() {
    let mut upstream = Recorder::start().await;
    let gate = upstream
        .gate_with(&[("/", ""), ("/public", "anonymous = true")])
        .await;
    for path in ["/", "/public"] {
        assert_status(
            &gate,
            &get_path(path, "Proxy-Authorization: Basic YTpi\r\n"),
            200,
        )
        .await;
        let message = format!("{:?}", upstream.message().await);
        assert!(!message.contains(TOKEN), "{message}");
    }
}

/// Envoy Gateway CVE-2025-24030, Contour CVE-2021-32783.
#[tokio::test]
async fn g6_nothing_of_the_gate_itself_is_open() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for path in [
        "/metrics",
        "/healthz",
        "/readyz",
        "/ping",
        "/purge",
        "/_emulator/tokens",
        "/debug/pprof",
    ] {
        for method in ["GET", "POST"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_status(&gate, &request, 401).await;
        }
    }
    upstream.assert_untouched();
}

/// oauth2-proxy CVE-2021-21291, Traefik CVE-2024-52003.
#[tokio::test]
async fn g8_g10_nothing_of_a_request_is_said_back() {
    let upstream = Upstream::start().await;
    let gate = Gate::start(&crate::support::route("/tools", upstream.address, "")).await;
    let evil = "X-Forwarded-Host: evil\r\nX-Forwarded-Prefix: //evil\r\nX-Request-Id: evil\r\n";
    for (line, host) in [
        ("GET /tools/evil", "evil"),
        ("GET /evil", "evil"),
        ("GET /tools/../evil", "evil"),
        ("TRACE /evil", "evil"),
        ("GET evil", "evil"),
        ("OPTIONS *", "evil"),
        ("GET /tools", "evil;evil"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{evil}Evil: evil\r\n\r\n");
        let response = gate.connect().await.exchange(&request).await;
        assert!(!response.to_lowercase().contains("evil"), "{response}");
        assert!(
            !response.to_lowercase().contains("\r\nlocation"),
            "{response}"
        );
        assert!(
            headers(&response).contains(&"cache-control: no-store"),
            "{response}"
        );
    }
}

/// Traefik's `ForwardAuth` copies what its server says.
#[tokio::test]
async fn g9_nothing_of_ghes_is_said_to_clients() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let fault = Fault::status(StatusCode::INTERNAL_SERVER_ERROR)
        .with_body("<h1>CANARY</h1>")
        .with_header(
            HeaderName::from_static("x-github-request-id"),
            HeaderValue::from_static("CANARY"),
        )
        .times(5);
    gate.ghes.fail(fault);
    let response = gate.connect().await.exchange(&get("")).await;
    assert_eq!(status(&response), 503);
    assert!(
        !response.contains("CANARY") && !response.contains("github"),
        "{response}"
    );
}

/// `mod_auth_openidc`, 2026-08-12.
#[tokio::test]
async fn h3_a_query_is_no_credential() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let query = format!("/p?access_token={TOKEN}");
    let nobody = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_status(&gate, &nobody(&query), 401).await;
    assert_status(&gate, &nobody(&format!("{query}&access_token=x")), 401).await;
    assert_status(&gate, &get_path(&query, ""), 400).await;
    upstream.assert_untouched();
}

#[tokio::test]
async fn h6_bodies_are_neither_read_nor_changed() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let body =
        "access_token=x&X-Forwarded-User=admin\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
        body.len()
    );
    let request = get(&length).replace("GET /p", "POST /p") + body;
    assert_status(&gate, &request, 200).await;
    assert_eq!(upstream.message().await.body, body.as_bytes());
    upstream.assert_untouched();
}
