//! What must not be told.

use ghes_gatekeeper::emulator::Fault;
use http::{HeaderName, HeaderValue, StatusCode};

use super::*;

over!(every protocol:
    g4_the_token_stays_here,
    g6_nothing_of_the_gate_itself_is_open,
    g8_g10_nothing_of_a_request_is_said_back,
    g9_nothing_of_ghes_is_said_to_clients,
    h3_a_query_is_no_credential,
);
over!(every protocol with bodies: h6_bodies_are_neither_read_nor_changed);

/// Traefik CVE-2026-41181, Pomerium CVE-2024-39315.
async fn g4_the_token_stays_here(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", OPEN_AND_CLOSED).await;
    for path in ["/", "/public"] {
        let ask = Ask::known(path).lines("Proxy-Authorization: Basic YTpi\r\n");
        front.assert_status(&ask, 200).await;
        let message = upstream.message().await;
        for (name, value) in &message.fields {
            let value = String::from_utf8_lossy(value);
            assert!(!value.contains(TOKEN), "{name}: {value}");
        }
    }
}

/// Envoy Gateway CVE-2025-24030, Contour CVE-2021-32783.
async fn g6_nothing_of_the_gate_itself_is_open(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
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
            let ask = Ask::get(path).method(method);
            front.assert_status(&ask, 401).await;
        }
    }
    upstream.assert_untouched();
}

/// oauth2-proxy CVE-2021-21291, Traefik CVE-2024-52003; Authorino's `X-Ext-Auth-Reason`.
async fn g8_g10_nothing_of_a_request_is_said_back(on: Carrier) {
    let upstream = Recorder::start().await;
    let front = upstream.front_with(on, "", &[("/tools", "")]).await;
    let lines = "X-Forwarded-Host: evil\r\nX-Forwarded-Prefix: //evil\r\nX-Request-Id: evil\r\n\
                 Evil: evil\r\n";
    let mut requests = vec![
        ("GET", "/tools/evil", "evil"),
        ("GET", "/evil", "evil"),
        ("GET", "/tools/../evil", "evil"),
        ("TRACE", "/evil", "evil"),
        ("OPTIONS", "*", "evil"),
        ("GET", "/tools", "evil:0"),
    ];
    if !on.is_http_2() {
        requests.extend([("GET", "evil", "evil"), ("GET", "/tools", "evil;evil")]);
    }
    for (method, target, host) in requests {
        let ask = Ask::get(target).method(method).host(host).lines(lines);
        let answer = front.answer(&ask).await;
        assert!(!answer.text().contains("evil"), "{answer:?}");
        assert!(answer.all("location").is_empty(), "{answer:?}");
        assert_eq!(answer.all("cache-control"), ["no-store"], "{answer:?}");
    }
}

/// Traefik's `ForwardAuth` copies what its server says.
async fn g9_nothing_of_ghes_is_said_to_clients(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let fault = Fault::status(StatusCode::INTERNAL_SERVER_ERROR)
        .with_body("<h1>CANARY</h1>")
        .with_header(
            HeaderName::from_static("x-github-request-id"),
            HeaderValue::from_static("CANARY"),
        )
        .times(5);
    front.gate.ghes.fail(fault);
    let answer = front.answer(&known("")).await;
    assert_eq!(answer.status, 503);
    let text = answer.text();
    assert!(
        !text.contains("canary") && !text.contains("github"),
        "{text}"
    );
    upstream.assert_untouched();
}

/// `mod_auth_openidc`, 2026-08-12.
async fn h3_a_query_is_no_credential(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let query = format!("/p?access_token={TOKEN}");
    front.assert_status(&Ask::get(&query), 401).await;
    let twice = format!("{query}&access_token=x");
    front.assert_status(&Ask::get(&twice), 401).await;
    for query in [
        "access_token=gho_x",
        "a=b&access_token=github_pat_x",
        "access%5ftoken=%67hu_x",
    ] {
        let ask = Ask::known(&format!("/p?{query}"));
        front.assert_status(&ask, 400).await;
    }
    upstream.assert_untouched();
    // What a tool itself calls so reaches it.
    for own in ["access_token=x", "access_token=eyJ.e30.e30", "access_token"] {
        let target = format!("/p?{own}");
        front.assert_status(&Ask::known(&target), 200).await;
        assert_eq!(upstream.message().await.target, target);
    }
}

/// Gateways for MCP that alter messages (Doyensec, March 2026).
async fn h6_bodies_are_neither_read_nor_changed(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let body =
        "access_token=x&X-Forwarded-User=admin\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let ask = known("Content-Type: application/x-www-form-urlencoded\r\n").method("POST");
    for ask in [ask.clone().body(body), ask.streamed(body, "")] {
        front.assert_status(&ask, 200).await;
        assert_eq!(upstream.message().await.body, body.as_bytes());
        upstream.assert_untouched();
    }
}
