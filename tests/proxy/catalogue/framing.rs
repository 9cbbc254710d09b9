//! Requests that are smuggled.

use tokio::io::AsyncWriteExt;

use super::*;
use crate::carrier::Answer;

over!(every http1:
    e11_half_a_request_ends_its_connection,
    f1_old_holes_of_hyper_stay_closed,
    f2_two_lengths_are_never_forwarded,
    f4_nothing_is_tunnelled_after_an_upgrade,
    f5_http_1_0_has_no_body_without_a_length,
    f6_connect_reaches_no_upstream,
    f6_f7_an_exchange_that_was_not_finished_is_not_continued,
    f8_no_byte_of_a_clients_framing_is_forwarded,
    f9_no_name_hides_the_lines_after_it,
    f12_codings_are_not_forwarded,
    f13_a_body_is_asked_for_when_it_is_wanted,
);
over!(every protocol with bodies:
    f3_the_body_of_a_refused_request_is_no_request,
    f13_expectations_are_met_here_or_not_at_all,
);

fn post(lines: &str, body: &str) -> String {
    get(lines).replace("GET", "POST") + body
}

/// Sends each to one gate; nothing of it reaches the upstream.
async fn assert_refused<const N: usize>(on: Carrier, requests: [(String, u16); N]) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (request, status) in requests {
        assert_status(&front, &request, status).await;
        upstream.assert_untouched();
    }
    front.assert_status(&Ask::known("/last"), 200).await;
    assert_eq!(upstream.message().await.target, "/last");
    upstream.assert_untouched();
}

const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

/// hyper RUSTSEC-2020-0008, -2021-0020, -0078, -0079.
async fn f1_old_holes_of_hyper_stay_closed(on: Carrier) {
    let two_codings = "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n";
    let overflow = "fffffffffffffffff1\r\nhello\r\n0\r\n\r\n";
    let requests = [
        (post("Content-Length: +5\r\n", "hello"), 400),
        (post(two_codings, CHUNKS), 400),
        (post("Transfer-Encoding: chunked\r\n", overflow), 400),
    ];
    assert_refused(on, requests).await;
}

/// hyper#4123: CL before TE. hyper drops the length before anybody sees it, so such a request does not
/// get there.
async fn f2_two_lengths_are_never_forwarded(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length: 0\r\ntransfer-encoding: Chunked\r\n",
    ] {
        let mut client = front.connect().await;
        let smuggled = get_path("/smuggled", "");
        let bytes = post(lines, CHUNKS) + &smuggled;
        client
            .write_all(bytes.as_bytes())
            .await
            .expect("a connection");
        let answer = Answer::read(&mut client, "POST").await.expect("an answer");
        assert_eq!(answer.status, 400);
        assert!(
            Answer::read(&mut client, "GET").await.is_none(),
            "not closed"
        );
        upstream.assert_untouched();
    }
}

/// Pingora CVE-2025-4366: an answer before the body, and a body that is a request.
async fn f3_the_body_of_a_refused_request_is_no_request(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let inner = get_path("/smuggled", "");
    let nobody = Ask::get("/p").method("POST");
    for ask in [
        nobody.clone().body(&inner),
        nobody.clone().body(&inner.repeat(500)),
        nobody.clone().streamed(&inner, ""),
        nobody
            .clone()
            .streamed(&inner, "X-Forwarded-User: admin\r\n"),
        nobody
            .clone()
            .lines("Expect: 100-continue\r\n")
            .body(&inner),
        nobody
            .clone()
            .lines("Authorization: Bearer gho_x\r\n")
            .body(&inner),
        nobody.lines("Authorization: Basic YTpi\r\n").body(&inner),
    ] {
        front.assert_status(&ask, 401).await;
        upstream.assert_untouched();
    }
    front.assert_status(&Ask::known("/last"), 200).await;
    assert_eq!(upstream.message().await.target, "/last");
}

/// Pingora CVE-2026-2833, Envoy CVE-2025-64763.
async fn f4_nothing_is_tunnelled_after_an_upgrade(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let nobody = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for upgrade in ["h2c", "websocket"] {
        let lines = format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n");
        assert_status(&front, &(get(&lines) + nobody), 200).await;
        assert!(upstream.message().await.all("upgrade").is_empty());
        upstream.assert_untouched();
    }
}

/// Pingora CVE-2026-2835.
async fn f5_http_1_0_has_no_body_without_a_length(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let request = post("", "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").replacen("1.1", "1.0", 1);
    assert_status(&front, &request, 200).await;
    assert!(upstream.message().await.body.is_empty());
    upstream.assert_untouched();
    let chunked = post("Transfer-Encoding: chunked\r\n", CHUNKS).replacen("1.1", "1.0", 1);
    assert_refused(on, [(chunked, 400)]).await;
}

/// Traefik CVE-2026-71324; over HTTP/2 it is in `inputs::h2`.
async fn f6_connect_reaches_no_upstream(on: Carrier) {
    let body = "Content-Length: 5\r\n\r\nhello";
    let far = format!("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n{body}");
    let near = format!("CONNECT /p HTTP/1.1\r\nHost: a\r\n{body}");
    assert_refused(on, [(far, 501), (near, 501)]).await;
}

/// The rest of a request that broke off must not be taken for the next one's beginning.
async fn f6_f7_an_exchange_that_was_not_finished_is_not_continued(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let chunked = |body| post("Transfer-Encoding: chunked\r\n", body);
    for body in [
        "5\r\nhello\r\nzz",
        "5\nhello\n0\n\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_status(&front, &chunked(body), 400).await;
        upstream.assert_untouched();
        assert_status(&front, &get_path("/next", ""), 200).await;
        assert_eq!(upstream.message().await.target, "/next");
    }
}

/// HAProxy#2237, sozu#726.
async fn f8_no_byte_of_a_clients_framing_is_forwarded(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for (lines, body) in [
        ("Content-Length: 00005\r\n", "hello"),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\t\r\n", CHUNKS),
        (
            "Transfer-Encoding: ChUnKeD\r\n",
            "0005;x=y\r\nhello\r\n00\r\n\r\n",
        ),
    ] {
        assert_status(&front, &post(lines, body), 200).await;
        assert_eq!(upstream.message().await.body, b"hello");
    }
    assert_refused(on, [(post("Content-Length:\r\n", ""), 400)]).await;
}

/// `HAProxy` CVE-2021-40346, CVE-2023-25725.
async fn f9_no_name_hides_the_lines_after_it(on: Carrier) {
    let long = format!("Content-Length0{}: 5\r\n", "a".repeat(65_536));
    let requests = [
        (get(&long), 431),
        (get(": x\r\nContent-Length: 5\r\n"), 400),
        (get("\u{0}: x\r\n"), 400),
    ];
    assert_refused(on, requests).await;
}

/// An unknown coding may not be passed on as one that is known.
async fn f12_codings_are_not_forwarded(on: Carrier) {
    let requests = [
        (post("Transfer-Encoding: gzip, chunked\r\n", CHUNKS), 501),
        (post("Transfer-Encoding: chunked, chunked\r\n", CHUNKS), 400),
    ];
    assert_refused(on, requests).await;
}

/// Kettle 2025.
async fn f13_expectations_are_met_here_or_not_at_all(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let expecting = |ask: Ask, expect| ask.line("Expect", expect).method("POST").body("hello");
    for (ask, status) in [
        (expecting(known(""), "y 100-continue"), 417),
        (expecting(known(""), "100-continue, x"), 417),
        (expecting(known(""), ""), 417),
        (expecting(Ask::get("/p"), "100-continue"), 401),
    ] {
        front.assert_status(&ask, status).await;
        upstream.assert_untouched();
    }
    for method in ["POST", "GET"] {
        let ask = expecting(known(""), "100-continue").method(method);
        front.assert_status(&ask, 200).await;
        let message = upstream.message().await;
        assert_eq!(message.line(), format!("{method} /p"));
        assert_eq!(message.body, b"hello");
    }
}

async fn f13_a_body_is_asked_for_when_it_is_wanted(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let mut client = front.connect().await;
    let head = post("Expect: 100-continue\r\nContent-Length: 5\r\n", "");
    client
        .write_all(head.as_bytes())
        .await
        .expect("a connection");
    // Only now is the body asked for.
    let mut interim = [0; 25];
    let read = tokio::io::AsyncReadExt::read_exact(&mut client, &mut interim).await;
    read.expect("an interim response");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").await.expect("a connection");
    let answer = Answer::read(&mut client, "POST").await.expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.message().await.body, b"hello");
}

/// hyper#4085: a client that closes its half within a body. A connection that is over spins no more.
async fn e11_half_a_request_ends_its_connection(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for body in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ] {
        let mut client = front.connect().await;
        let head = get("").replace("GET", "POST");
        let head = head.strip_suffix("\r\n").expect("a head");
        let sent = client.write_all(format!("{head}{body}").as_bytes()).await;
        sent.expect("a connection");
        client.shutdown().await.expect("a connection");
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut client, &mut rest);
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), read).await;
        assert!(ended.is_ok(), "still open");
    }
    upstream.assert_untouched();
}
