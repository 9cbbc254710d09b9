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
