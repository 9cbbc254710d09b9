//! Clients that try to be read in two ways.

use super::TOKEN;
use super::support::{Gate, Upstream, route, status};

async fn answer(request: &str) -> (u16, Upstream, u64) {
    let upstream = Upstream::start().await;
    let routes = [
        route("/", upstream.address, ""),
        route("/public", upstream.address, "anonymous = true"),
    ];
    let gate = Gate::start(&routes.concat()).await;
    let response = gate.connect().await.exchange(request).await;
    (status(&response), upstream, gate.calls())
}

async fn assert_refused(request: &str, expected: u16) {
    let (status, mut upstream, calls) = answer(request).await;
    assert_eq!(status, expected, "{request:?}");
    upstream.assert_untouched();
    assert_eq!(calls, 0, "{request:?}");
}

#[tokio::test]
async fn what_names_two_hosts_or_none_is_refused() {
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n\r\n",
        "GET evil:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET public HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert_refused(request, 400).await;
    }
}

#[tokio::test]
async fn tunnels_and_echoes_are_not_implemented() {
    assert_refused("CONNECT evil:80 HTTP/1.1\r\nHost: evil:80\r\n\r\n", 501).await;
    assert_refused("TRACE /public HTTP/1.1\r\nHost: a\r\n\r\n", 501).await;
}

#[tokio::test]
async fn paths_that_could_be_two_are_refused() {
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/%2E%2E%5cadmin",
        "/public;/admin",
        "//public",
        "/x/./../public",
        "/public\\..\\admin",
        "/public/%252e%252e/admin",
    ] {
        assert_refused(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"), 400).await;
    }
}

/// Upstreams decode the path, so a route's scopes hold however it is written.
#[tokio::test]
async fn no_way_to_write_a_path_leads_past_a_routes_scopes() {
    let mut upstream = Upstream::start().await;
    let routes = [
        route("/", upstream.address, ""),
        route("/admin", upstream.address, "scopes = [\"admin:org\"]"),
    ];
    let gate = Gate::start(&routes.concat()).await;
    let mut client = gate.connect().await;
    for (path, expected) in [
        ("/admin", 403),
        ("/%61dmin", 403),
        ("/ad%6Din/x", 403),
        ("/%61%64%6d%69%6e", 403),
        ("/%2561dmin", 400),
        ("/admin%20", 400),
        ("/admin.", 400),
        ("/%zzadmin", 400),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        assert_eq!(status(&client.exchange(&request).await), expected, "{path}");
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn no_header_opens_another_path() {
    for header in [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Uri",
        "X-Forwarded-Prefix",
    ] {
        let request =
            format!("GET /admin?/public HTTP/1.1\r\nHost: a\r\n{header}: /public\r\n\r\n");
        assert_refused(&request, 401).await;
    }
    assert_refused(
        "GET /admin HTTP/1.1\r\nHost: a\r\nUser-Agent: GoogleHC/1.0\r\n\r\n",
        401,
    )
    .await;
}

#[tokio::test]
async fn a_length_told_in_two_ways_is_refused() {
    for framing in [
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
    ] {
        let request = format!("POST /public HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n0\r\n\r\n");
        let (status, mut upstream, _) = answer(&request).await;
        assert_eq!(status, 400, "{framing}");
        upstream.assert_untouched();
    }
}

/// hyper would drop the length without a word (RFC 9112 §6.1 allows it).
#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "content-length: 0\r\nX: y\r\ntransfer-encoding: Chunked",
    ] {
        let request = format!(
            "POST /public HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n0\r\n\r\n\
             GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        );
        assert_refused(&request, 400).await;
    }
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_not_a_request() {
    let smuggled =
        format!("GET /admin HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    for headers in [
        "",
        "Expect: 100-continue\r\n",
        "Authorization: Bearer gho_nobody\r\n",
    ] {
        let mut upstream = Upstream::start().await;
        let gate = Gate::before(upstream.address).await;
        let mut client = gate.connect().await;
        let length = smuggled.len();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: {length}\r\n\r\n{smuggled}"
        );
        assert_eq!(status(&client.exchange(&request).await), 401);
        // Either the body was thrown away, or the connection ends; never a second answer.
        tokio::time::pause();
        assert_eq!(client.response().await, "");
        tokio::time::resume();
        upstream.assert_untouched();
    }
}

#[tokio::test]
async fn each_of_several_pipelined_requests_needs_its_own_token() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut client = gate.connect().await;
    let good = format!("GET /1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(status(&client.exchange(&good).await), 200);
    assert!(upstream.request().await.starts_with("GET /1 "));
    let none = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(status(&client.exchange(none).await), 401);
    upstream.assert_untouched();
}

#[tokio::test]
async fn a_head_has_its_limits() {
    let many = "x: 1\r\n".repeat(101);
    assert_refused(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431).await;
    let long = "a".repeat(200_000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {long}\r\n\r\n");
    let (status, mut upstream, _) = answer(&request).await;
    assert_eq!(status, 431);
    upstream.assert_untouched();
}
