//! Requests that are smuggled, and responses that are split.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;
use crate::support::{Upstream, headers, status};

fn post(lines: &str, body: &str) -> String {
    get(lines).replace("GET", "POST") + body
}

/// Sends each to one gate; nothing of it reaches the upstream.
async fn assert_refused<const N: usize>(requests: [(String, u16); N]) {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for (request, status) in requests {
        assert_status(&gate, &request, status).await;
        upstream.assert_untouched();
    }
    assert_status(&gate, &get_path("/last", ""), 200).await;
    assert_eq!(upstream.message().await.target, "/last");
    upstream.assert_untouched();
}

const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

/// hyper RUSTSEC-2020-0008, -2021-0020, -0078, -0079.
#[tokio::test]
async fn f1_old_holes_of_hyper_stay_closed() {
    assert_refused([
        (post("Content-Length: +5\r\n", "hello"), 400),
        (
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
                CHUNKS,
            ),
            400,
        ),
        (
            post(
                "Transfer-Encoding: chunked\r\n",
                "fffffffffffffffff1\r\nhello\r\n0\r\n\r\n",
            ),
            400,
        ),
    ])
    .await;
}

/// hyper#4123: CL before TE. hyper drops the length before we see it, so what counts is that one
/// message goes on with one framing, and that the connection ends.
#[tokio::test]
async fn f2_two_lengths_are_never_forwarded() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length: 0\r\ntransfer-encoding: Chunked\r\n",
    ] {
        let mut client = gate.connect().await;
        let smuggled = get_path("/smuggled", "");
        let response = client.exchange(&(post(lines, CHUNKS) + &smuggled)).await;
        assert_eq!(status(&response), 200);
        assert_eq!(client.response().await, "", "closed");
        let message = upstream.message().await;
        assert_eq!(
            (message.line(), &*message.body),
            ("POST /p".to_owned(), &b"hello"[..])
        );
        upstream.assert_untouched();
    }
}

/// Pingora CVE-2026-2833, Envoy CVE-2025-64763.
#[tokio::test]
async fn f4_nothing_is_tunnelled_after_an_upgrade() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let mut client = gate.connect().await;
    let nobody = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    client
        .send(&(get("Connection: Upgrade\r\nUpgrade: websocket\r\n") + nobody))
        .await;
    assert_eq!(status(&client.response().await), 200);
    assert!(upstream.message().await.all("upgrade").is_empty());
    upstream.assert_untouched();
}

/// Envoy CVE-2024-23326: the upstream switches although nobody asked it to.
#[tokio::test]
async fn f4_an_upstream_that_switches_protocols_unasked_is_502() {
    let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    let upstream = Upstream::answering(answer).await;
    let gate = Gate::before(upstream.address).await;
    assert_status(&gate, &get("Connection: Upgrade\r\nUpgrade: x\r\n"), 502).await;
}

/// Pingora CVE-2026-2835.
#[tokio::test]
async fn f5_http_1_0_has_no_body_without_a_length() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let request = post("", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").replacen("1.1", "1.0", 1);
    assert_status(&gate, &request, 200).await;
    assert!(upstream.message().await.body.is_empty());
    upstream.assert_untouched();
    let chunked = post("Transfer-Encoding: chunked\r\n", CHUNKS).replacen("1.1", "1.0", 1);
    assert_refused([(chunked, 400)]).await;
}

/// Traefik CVE-2026-71324.
#[tokio::test]
async fn f6_connect_reaches_no_upstream() {
    let body = "Content-Length: 5\r\n\r\nhello";
    assert_refused([
        (
            format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{body}"),
            501,
        ),
        (format!("CONNECT /p HTTP/1.1\r\nHost: a\r\n{body}"), 501),
    ])
    .await;
}

/// The rest of a request that broke off must not be taken for the next one's beginning.
#[tokio::test]
async fn f6_f7_an_exchange_that_was_not_finished_is_not_continued() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let chunked = |body| post("Transfer-Encoding: chunked\r\n", body);
    for body in [
        "5\r\nhello\r\nzz",
        "5\nhello\n0\n\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_status(&gate, &chunked(body), 400).await;
        upstream.assert_untouched();
        assert_status(&gate, &get_path("/next", ""), 200).await;
        assert_eq!(upstream.message().await.target, "/next");
    }
}

/// HAProxy#2237, sozu#726.
#[tokio::test]
async fn f8_no_byte_of_a_clients_framing_is_forwarded() {
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    for (lines, body) in [
        ("Content-Length: 00005\r\n", "hello"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\t\r\n", CHUNKS),
        (
            "Transfer-Encoding: ChUnKeD\r\n",
            "0005;x=y\r\nhello\r\n00\r\n\r\n",
        ),
    ] {
        assert_status(&gate, &post(lines, body), 200).await;
        assert_eq!(upstream.message().await.body, b"hello");
    }
    assert_refused([(post("Content-Length:\r\n", ""), 400)]).await;
}

/// `HAProxy` CVE-2021-40346, CVE-2023-25725.
#[tokio::test]
async fn f9_no_name_hides_the_lines_after_it() {
    assert_refused([
        (
            get(&format!("Content-Length0{}: 5\r\n", "a".repeat(65_536))),
            431,
        ),
        (get(": x\r\nContent-Length: 5\r\n"), 400),
        (get("\u{0}: x\r\n"), 400),
    ])
    .await;
}

/// An unknown coding may not be passed on as one that is known.
#[tokio::test]
async fn f12_codings_are_not_forwarded() {
    assert_refused([
        (post("Transfer-Encoding: gzip, chunked\r\n", CHUNKS), 501),
        (post("Transfer-Encoding: chunked, chunked\r\n", CHUNKS), 400),
    ])
    .await;
}

/// Kettle 2025.
#[tokio::test]
async fn f13_expectations_are_met_here_or_not_at_all() {
    let lines = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    assert_refused([
        (post(&lines.replace("100", "y 100"), "hello"), 417),
        (
            post(&lines.replace("100-continue", "100-continue, x"), "hello"),
            417,
        ),
        (post("Expect:\r\nContent-Length: 5\r\n", "hello"), 417),
        (post(lines, "").replace("Authorization", "X-Other"), 401),
    ])
    .await;
    let mut upstream = Recorder::start().await;
    let gate = upstream.gate().await;
    let mut client = gate.connect().await;
    client.send(&post(lines, "")).await;
    // Only now is the body asked for.
    assert_eq!(client.response().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello").await;
    assert_eq!(status(&client.response().await), 200);
    assert_eq!(upstream.message().await.body, b"hello");
    // On GET with a length as well.
    assert_status(&gate, &(get(lines) + "hello"), 200).await;
    assert_eq!(upstream.message().await.line(), "GET /p");
}

#[tokio::test]
async fn f15_a_response_that_could_be_two_is_502() {
    for framing in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "content-length: 5, 6\r\n\r\nhello!",
        "content-length: -5\r\n\r\nhello",
        "transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: identity\r\n\r\nhello",
        "x: a\r\n b\r\n\r\n",
        "x: a\u{0}\r\n\r\n",
    ] {
        let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = Gate::before(upstream.local_addr().expect("an address")).await;
        let mut client = gate.connect().await;
        // A second exchange takes another connection: nothing of the first can be its answer.
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood".to_owned();
        for (answer, expected) in [(format!("HTTP/1.1 200 OK\r\n{framing}"), 502), (good, 200)] {
            client.send(&get("")).await;
            let (mut connection, _) = upstream.accept().await.expect("a connection");
            let answered = connection.write_all(answer.as_bytes()).await;
            answered.expect("a connection");
            let response = client.response().await;
            assert_eq!(status(&response), expected, "{framing:?}");
        }
    }
}

#[tokio::test]
async fn f15_what_comes_after_a_response_is_nobodys() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(upstream.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    let one = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
    let evil = one.replace("one", "bad");
    for answer in [format!("{one}{evil}"), one.to_owned()] {
        client.send(&get("")).await;
        let (mut connection, _) = upstream.accept().await.expect("a connection");
        let answered = connection.write_all(answer.as_bytes()).await;
        answered.expect("a connection");
        assert!(client.response().await.ends_with("\r\n\r\none"));
    }
}

#[tokio::test]
async fn f15_interim_responses_are_not_passed_on() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(100);
    let answer = format!("{interim}HTTP/1.1 200 OK\r\ncontent-length: 0005\r\n\r\nhello");
    let upstream = Upstream::answering(answer.leak()).await;
    let gate = Gate::before(upstream.address).await;
    let response = gate.connect().await.exchange(&get("")).await;
    assert_eq!(status(&response), 200);
    assert!(headers(&response).contains(&"content-length: 5"));
}

#[tokio::test]
async fn f15_a_length_without_a_body_is_not_believed() {
    for (line, answer, length) in [
        ("GET", "204 No Content\r\ncontent-length: 5", None),
        ("GET", "304 Not Modified\r\ncontent-length: 05", None),
        (
            "HEAD",
            "200 OK\r\ncontent-length: 05",
            Some("content-length: 5"),
        ),
    ] {
        let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
        let upstream = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = Gate::before(upstream.local_addr().expect("an address")).await;
        let mut client = gate.connect().await;
        client
            .send(&get("Connection: close\r\n").replace("GET", line))
            .await;
        let (mut connection, _) = upstream.accept().await.expect("a connection");
        let answered = connection.write_all(answer.as_bytes()).await;
        answered.expect("a connection");
        let mut response = String::new();
        let read = tokio::io::AsyncReadExt::read_to_string(&mut client.0, &mut response).await;
        read.expect("a response");
        let lines = headers(&response);
        let found = lines
            .into_iter()
            .find(|line| line.starts_with("content-length"));
        assert_eq!(found, length, "{response}");
        assert!(response.ends_with("\r\n\r\n"), "{response}");
    }
}
