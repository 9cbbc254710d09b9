//! Bodies pass as they come.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::TOKEN;
use super::support::{Gate, Upstream, headers, status};

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(end) {
        let mut bytes = [0; 1024];
        let read = stream.read(&mut bytes).await.expect("a connection");
        assert_ne!(read, 0, "ended after {text:?}");
        text.push_str(std::str::from_utf8(&bytes[..read]).expect("UTF-8"));
    }
    text
}

#[tokio::test]
async fn every_piece_arrives_before_the_next_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    client
        .send(&format!(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Transfer-Encoding: chunked\r\n\r\n4\r\nup-1\r\n"
        ))
        .await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let request = read_until(&mut upstream, "4\r\nup-1\r\n").await;
    assert!(headers(&request).contains(&"transfer-encoding: chunked"));
    client.send("4\r\nup-2\r\n0\r\n\r\n").await;
    read_until(&mut upstream, "4\r\nup-2\r\n0\r\n\r\n").await;

    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndown-1\r\n";
    upstream
        .write_all(head.as_bytes())
        .await
        .expect("a connection");
    let response = read_until(&mut client.0, "6\r\ndown-1\r\n").await;
    assert_eq!(status(&response), 200);
    upstream
        .write_all(b"6\r\ndown-2\r\n0\r\n\r\n")
        .await
        .expect("a connection");
    read_until(&mut client.0, "6\r\ndown-2\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn a_length_is_told_by_the_body_and_not_by_the_client() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut client = gate.connect().await;
    let response = client
        .exchange(&format!(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: 0005\r\n\r\nhello"
        ))
        .await;
    assert_eq!(status(&response), 200);
    let request = upstream.request().await;
    assert!(headers(&request).contains(&"content-length: 5"));
    assert!(request.ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn trailers_do_not_become_headers() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let response = gate
        .connect()
        .await
        .exchange(&format!(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nTrailer: x-forwarded-user\r\n\
             Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Forwarded-User: admin\r\n\r\n"
        ))
        .await;
    assert_eq!(status(&response), 200);
    let request = upstream.request().await;
    assert!(!request.contains("admin"), "{request}");
    assert!(request.ends_with("2\r\nhi\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_truncated_response_does_not_look_complete() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    client
        .send(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        ))
        .await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    read_until(&mut upstream, "\r\n\r\n").await;
    let part = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    upstream.write_all(part).await.expect("a connection");
    drop(upstream);
    let mut response = String::new();
    // Ends with the connection, by a reset or without the last chunk.
    let _ = client.0.read_to_string(&mut response).await;
    assert!(response.contains("hello"));
    assert!(!response.ends_with("0\r\n\r\n"), "{response}");
}

#[tokio::test]
async fn a_response_without_a_body_stays_one_and_keeps_its_length() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    let mut upstream = None;
    for (method, answer, lines) in [
        (
            "HEAD",
            "200 OK\r\ncontent-length: 1000",
            &["content-length: 1000"][..],
        ),
        ("GET", "304 Not Modified\r\netag: \"x\"", &["etag: \"x\""]),
        ("GET", "204 No Content\r\netag: \"x\"", &["etag: \"x\""]),
    ] {
        client
            .send(&format!(
                "{method} / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
                 If-None-Match: \"x\"\r\n\r\n"
            ))
            .await;
        let upstream = match &mut upstream {
            Some(upstream) => upstream,
            None => upstream.insert(listener.accept().await.expect("a connection").0),
        };
        let request = read_until(upstream, "\r\n\r\n").await;
        assert!(headers(&request).contains(&"if-none-match: \"x\""));
        let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
        upstream
            .write_all(answer.as_bytes())
            .await
            .expect("a connection");
        let response = read_until(&mut client.0, "\r\n\r\n").await;
        let kept: Vec<_> = headers(&response);
        let ours = |line: &&str| line.starts_with("date") || line.starts_with("x-request-id");
        let kept = kept.into_iter().filter(|line| !ours(line));
        assert_eq!(kept.collect::<Vec<_>>(), lines, "{method} {answer}");
    }
}

#[tokio::test]
async fn a_part_of_a_file_is_asked_for_and_sent_as_such() {
    let part = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 2-3/5\r\n\
                content-length: 2\r\n\r\nll";
    let mut upstream = Upstream::answering(part).await;
    let gate = Gate::before(upstream.address).await;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nRange: bytes=2-3\r\n\
         If-Range: \"x\"\r\n\r\n"
    );
    let response = gate.connect().await.exchange(&request).await;
    assert_eq!(status(&response), 206);
    assert!(response.ends_with("\r\n\r\nll"), "{response}");
    assert!(headers(&response).contains(&"content-range: bytes 2-3/5"));
    let request = upstream.request().await;
    for line in ["range: bytes=2-3", "if-range: \"x\""] {
        assert!(headers(&request).contains(&line), "{request}");
    }
}

/// RFC 9110 §10.1.1: to say "continue" is to want the body, so that it comes after the gate's yes.
#[tokio::test]
async fn a_body_is_asked_for_only_of_those_who_may_send_it() {
    let mut upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let request = |token| {
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
             Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
    };
    let mut refused = gate.connect().await;
    refused.send(&request("gho_nobody")).await;
    // The first that comes is the answer, and no "continue".
    assert_eq!(status(&refused.response().await), 401);
    upstream.assert_untouched();

    let mut client = gate.connect().await;
    client.send(&request(TOKEN)).await;
    let interim = read_until(&mut client.0, "\r\n\r\n").await;
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hello").await;
    assert_eq!(status(&client.response().await), 200);
    let received = upstream.request().await;
    assert!(received.ends_with("\r\n\r\nhello"), "{received}");
    assert!(!received.contains("expect"), "{received}");
}

/// RFC 9112 §9.6: a client that is still sending would find a reset before the answer.
#[tokio::test]
async fn who_is_refused_can_send_it_all_and_then_read_why() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    let mut client = gate.connect().await;
    let length = 16 << 20;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    client.send(&head).await;
    client.send(&"a".repeat(length)).await;
    assert_eq!(status(&client.rest().await), 401);
}

#[tokio::test]
async fn an_event_arrives_while_the_next_is_not_there_yet() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    client
        .send(&format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Accept: text/event-stream\r\n\r\n"
        ))
        .await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    read_until(&mut upstream, "\r\n\r\n").await;
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    upstream.write_all(head).await.expect("a connection");
    let response = read_until(&mut client.0, "\r\n\r\n").await;
    assert!(headers(&response).contains(&"content-type: text/event-stream"));
    for number in 0..3 {
        // Its length is not told, but by the connection's end.
        let event = format!("data: {number}\n\n");
        upstream
            .write_all(event.as_bytes())
            .await
            .expect("a connection");
        read_until(&mut client.0, &format!("{event}\r\n")).await;
        // Nobody waits for more than events for hours.
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(3600)).await;
        tokio::time::resume();
    }
    drop(upstream);
    read_until(&mut client.0, "0\r\n\r\n").await;
}
