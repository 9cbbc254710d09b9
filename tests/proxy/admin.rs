//! The admin listener: probes, and purging from outside.

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::TOKEN;
use super::support::{Client, Gate, Upstream, body, proxy_of, route, status};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn purge(body: &str) -> String {
    post(body, "Content-Type: application/json\r\n")
}

fn post(body: &str, headers: &str) -> String {
    let length = body.len();
    format!(
        "POST /purge HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

async fn gate() -> (Gate, Upstream) {
    let upstream = Upstream::start().await;
    (Gate::before(upstream.address).await, upstream)
}

#[tokio::test]
async fn a_purge_makes_a_revoked_token_refused_at_once() {
    let hex: String = Sha256::digest(TOKEN)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    for purge_of_it in [
        format!("{{\"hashed_token\":\"{hex}\"}}"),
        "{\"user_id\":1}".to_owned(),
        "{\"authorization_id\":1}".to_owned(),
        "{\"client_id\":\"Iv1.8a61f9b3a7aba766\"}".to_owned(),
        "{\"all\":true}".to_owned(),
    ] {
        let (gate, _upstream) = gate().await;
        let mut admin = gate.admin().await;
        assert_eq!(gate.status_for(TOKEN).await, 200);
        assert!(gate.ghes.revoke(TOKEN));
        assert_eq!(gate.status_for(TOKEN).await, 200, "remembered");
        let answer = admin.exchange(&purge("{\"user_id\":2}")).await;
        assert_eq!(body(&answer), "{\"purged\":0}", "somebody else");
        assert_eq!(gate.status_for(TOKEN).await, 200);

        let answer = admin.exchange(&purge(&purge_of_it)).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert_eq!(body(&answer), "{\"purged\":1}", "{purge_of_it}");
        assert_eq!(gate.status_for(TOKEN).await, 401, "{purge_of_it}");
        assert_eq!(gate.calls(), 2);
        let again = admin.exchange(&purge("{\"user_id\":1}")).await;
        assert_eq!(body(&again), "{\"purged\":0}");
    }
}

#[tokio::test]
async fn a_purge_that_is_none_is_refused_with_one_line() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    assert_eq!(gate.status_for(TOKEN).await, 200);
    for wrong in [
        "",
        "{}",
        "{\"all\":false}",
        "{\"all\":true,\"user_id\":1}",
        "{\"everything\":true}",
        "{\"hashed_token\":\"CANARYTOKEN\"}",
        "{\"user_id\":\"CANARYTOKEN\"}",
    ] {
        let answer = admin.exchange(&purge(wrong)).await;
        assert_eq!(status(&answer), 400, "{wrong}: {answer}");
        assert!(answer.contains("content-type: application/problem+json"));
        assert!(answer.contains("cache-control: no-store"));
        let problem: serde_json::Value = serde_json::from_str(body(&answer)).expect("JSON");
        assert_eq!(problem["status"], 400);
        assert_eq!(problem["title"], "Bad Request");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(
            !detail.is_empty() && detail.lines().count() == 1,
            "{detail}"
        );
        assert!(!answer.contains("CANARY"), "{answer}");
    }
    assert_eq!(gate.status_for(TOKEN).await, 200);
    assert_eq!(gate.calls(), 1, "nothing was forgotten");
}

#[tokio::test]
async fn a_web_page_cannot_purge() {
    let (gate, _upstream) = gate().await;
    let all = "{\"all\":true}";
    for (headers, expected) in [
        ("", 415),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/json-seq\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: text/plain; application/json\r\n", 415),
        (
            "Content-Type: application/json\r\nOrigin: http://a\r\n",
            403,
        ),
        ("Content-Type: application/json\r\nOrigin: null\r\n", 403),
        ("Content-Type: Application/JSON; charset=utf-8\r\n", 200),
    ] {
        let mut admin = gate.admin().await;
        let answer = admin.exchange(&post(all, headers)).await;
        assert_eq!(status(&answer), expected, "{headers}");
    }
}

#[tokio::test]
async fn a_body_may_have_8_kib() {
    let (gate, _upstream) = gate().await;
    let padded = |length: usize| format!("{:length$}", "{\"all\":true}");
    let answer = gate.admin().await.exchange(&purge(&padded(8 * 1024))).await;
    assert_eq!(status(&answer), 200, "{answer}");
    let answer = gate
        .admin()
        .await
        .exchange(&purge(&padded(8 * 1024 + 1)))
        .await;
    assert_eq!(status(&answer), 413, "{answer}");
}

#[tokio::test]
async fn probes_answer_by_both_names() {
    let (gate, _upstream) = gate().await;
    let mut admin = gate.admin().await;
    for (path, expected) in [
        ("/healthz", ""),
        ("/ping", ""),
        ("/readyz", "{\"ready\":true,\"reasons\":[]}"),
        ("/ready", "{\"ready\":true,\"reasons\":[]}"),
        ("/readyz?verbose", "{\"ready\":true,\"reasons\":[]}"),
    ] {
        let answer = admin.exchange(&get(path)).await;
        assert_eq!((status(&answer), body(&answer)), (200, expected), "{path}");
        assert!(answer.contains("cache-control: no-store"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_done_is_said() {
    let (gate, _upstream) = gate().await;
    for path in ["/", "/healthz/", "/metrics/..", "/purge/1", "/debug/pprof"] {
        let answer = gate.admin().await.exchange(&get(path)).await;
        assert_eq!(status(&answer), 404, "{path}");
    }
    for (method, path, allow) in [
        ("GET", "/purge", "POST"),
        ("DELETE", "/purge", "POST"),
        ("OPTIONS", "/purge", "POST"),
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/readyz", "GET, HEAD"),
        ("post", "/purge", "POST"),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
        let answer = gate.admin().await.exchange(&request).await;
        assert_eq!(status(&answer), 405, "{method} {path}");
        assert!(
            answer.contains(&format!("\r\nallow: {allow}\r\n")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (gate, _upstream) = gate().await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let length = body(&gate.admin().await.exchange(&get(path)).await).len();
        let request =
            format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut admin = gate.admin().await;
        admin.send(&request).await;
        let answer = admin.rest().await;
        assert_eq!(status(&answer), 200, "{path}");
        assert_eq!(body(&answer), "", "{path}");
        let announced = answer.contains(&format!("content-length: {length}\r\n"));
        assert!(announced || length == 0, "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_proxy_is_ready_while_it_takes_connections() {
    let upstream = Upstream::start().await;
    let (proxy, _ghes) = proxy_of(&route("/", upstream.address, ""));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(proxy.admin().serve(listener, std::future::pending()));
    let mut admin = Client::to(address).await;

    let starting = admin.exchange(&get("/readyz")).await;
    assert_eq!(status(&starting), 503);
    let not_accepting = "{\"ready\":false,\"reasons\":[\"not_accepting\"]}";
    assert_eq!(body(&starting), not_accepting);
    let alive = admin.exchange(&get("/healthz")).await;
    assert_eq!(status(&alive), 200);

    let gate = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate_address = gate.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let gate = tokio::spawn(proxy.serve(gate, async {
        let _ = stopped.await;
    }));
    let answer = Client::to(gate_address).await.exchange(&get("/")).await;
    assert_eq!(status(&answer), 401, "it accepts");
    assert_eq!(status(&admin.exchange(&get("/readyz")).await), 200);

    stop.send(()).expect("a gate");
    gate.await.expect("no panic");
    assert_eq!(body(&admin.exchange(&get("/readyz")).await), not_accepting);
}

/// Balancers are told before the last request has ended.
#[tokio::test]
async fn a_proxy_that_only_lets_requests_end_is_not_ready() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut gate = Gate::before(upstream.local_addr().expect("an address")).await;
    let (mut admin, mut busy) = (gate.admin().await, gate.connect().await);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    busy.send(&request).await;
    let (mut upstream, _) = upstream.accept().await.expect("a connection");
    assert_eq!(status(&admin.exchange(&get("/readyz")).await), 200);

    gate.stop();
    let told = async { while status(&admin.exchange(&get("/readyz")).await) == 200 {} };
    let told = tokio::time::timeout(std::time::Duration::from_secs(5), told).await;
    told.expect("before requests are cut off");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    upstream.write_all(answer).await.expect("a connection");
    assert_eq!(status(&busy.response().await), 200);
    gate.ended().await;
}
