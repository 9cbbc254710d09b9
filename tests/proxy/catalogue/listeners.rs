//! The listeners for operators.

use super::*;
use crate::support::status;

/// Caddy GHSA-gx7w-56w6-g48x, CVE-2026-45692.
#[tokio::test]
async fn b16_the_admin_listener_knows_whole_paths() {
    let upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for path in [
        "/",
        "/metrics/",
        "/METRICS",
        "//metrics",
        "/metrics%2f",
        "/%6detrics",
        "/metrics/../purge",
        "/healthz/../purge",
        "/purge/0",
        "/purge;x",
        "/purge%00",
        "/api/metrics",
    ] {
        for method in ["GET", "POST"] {
            let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let answer = gate.admin().await.exchange(&request).await;
            assert_eq!(status(&answer), 404, "{request}");
        }
    }
}

/// Envoy Gateway CVE-2025-24030: who only writes the admin listener's address reaches the tool.
#[tokio::test]
async fn g6_the_data_listener_is_no_admin_listener() {
    let upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let request = get_path("/metrics", "Host: 127.0.0.1:9901\r\n").replacen("Host: a\r\n", "", 1);
    let answer = gate.connect().await.exchange(&request).await;
    assert!(
        answer.ends_with("\r\n\r\nhello"),
        "of the upstream: {answer}"
    );
}

/// MCP SDKs CVE-2025-66416, CVE-2025-66414: what a page under such a name could read.
#[tokio::test]
async fn h1_on_loopback_operators_ask_for_localhost() {
    let upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for path in ["/metrics", "/healthz", "/readyz", "/nothing"] {
        for (host, is_local) in [
            ("localhost:9901", true),
            ("127.0.0.1:9901", true),
            ("[::1]", true),
            ("evil", false),
            ("localhost.evil:9901", false),
            ("127.0.0.1.evil", false),
            ("", false),
            ("localhost\r\nHost: evil", false),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = gate.admin().await.exchange(&request).await;
            assert_eq!(status(&answer) != 421, is_local, "{request}");
        }
    }
    // No browser leaves it out, and some probes do.
    let answer = gate
        .admin()
        .await
        .exchange("GET /ping HTTP/1.0\r\n\r\n")
        .await;
    assert_eq!(status(&answer), 200);
}
