//! How connections begin and end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::TOKEN;
use super::support::{Gate, Upstream, route, status};

fn request() -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")
}

/// An upstream that has read a request and not answered yet.
async fn asked(listener: &TcpListener) -> TcpStream {
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(upstream.read_buf(&mut head).await.expect("a connection"), 0);
    }
    upstream
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_server_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut gate = Gate::before(listener.local_addr().expect("an address")).await;
    let (mut busy, mut idle) = (gate.connect().await, gate.connect().await);
    assert_eq!(
        status(&idle.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await),
        401
    );
    busy.send(&request()).await;
    let mut upstream = asked(&listener).await;

    gate.stop();
    assert_eq!(idle.response().await, "", "an idle connection is closed");
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    upstream.write_all(answer).await.expect("a connection");
    let response = busy.response().await;
    assert_eq!(status(&response), 200);
    assert!(response.contains("connection: close"), "{response}");
    let address = gate.address;
    gate.ended().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    client.send(&request()).await;
    let _upstream = asked(&listener).await;
    gate.stop();
    tokio::time::pause();
    let began_at = tokio::time::Instant::now();
    gate.ended().await;
    assert_eq!(began_at.elapsed().as_secs(), 10);
    assert_eq!(
        client.response().await,
        "",
        "cut off, and not only left alone"
    );
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    client.send(&request()).await;
    let _upstream = asked(&listener).await;
    // From here on there is nothing to wait for but the clock.
    tokio::time::pause();
    let response = client.response().await;
    assert_eq!(status(&response), 504);
    assert!(response.contains("\"reason\":\"gateway_timeout\""));
}

/// The upstream's time begins when the request is whole.
#[tokio::test]
async fn an_upload_may_take_longer_than_an_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    let head = request().replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n");
    client.send(&head.replace("GET", "POST")).await;
    let mut upstream = asked(&listener).await;
    for piece in ["s", "l", "o", "w"] {
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(25)).await;
        tokio::time::resume();
        client.send(piece).await;
        assert_eq!(
            upstream.read_u8().await.expect("a byte"),
            piece.as_bytes()[0]
        );
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    upstream.write_all(answer).await.expect("a connection");
    assert_eq!(status(&client.response().await), 200);
}

/// A body that stops halfway ends both connections; half a request never looks whole.
#[tokio::test]
async fn an_upload_that_stops_is_let_go() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let mut client = gate.connect().await;
    let head = request().replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n");
    client.send(&head.replace("GET", "POST")).await;
    let mut upstream = asked(&listener).await;
    client.send("ha").await;
    let mut half = [0; 2];
    upstream.read_exact(&mut half).await.expect("half a body");
    tokio::time::pause();
    let began_at = tokio::time::Instant::now();
    let answer = client.response().await;
    assert_eq!(began_at.elapsed().as_secs(), 30);
    assert!(status(&answer) >= 400, "{answer}");
    assert_eq!(client.response().await, "", "and the connection is closed");
    assert_eq!(upstream.read(&mut half).await.unwrap_or(0), 0);
}

/// Where the whole has a time, pieces that come in theirs do not prolong it.
#[tokio::test]
async fn e3_an_upload_that_drips_is_let_go_where_the_whole_has_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let route = route("/", listener.local_addr().expect("an address"), "");
    let total = "[server.timeouts]\nbody_total = \"1m\"\n";
    let gate = Gate::start(&format!("{total}{route}")).await;
    let mut client = gate.connect().await;
    let head = request().replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\n");
    client.send(&head.replace("GET", "POST")).await;
    let mut upstream = asked(&listener).await;
    let mut bytes = [0];
    for piece in ["s", "l"] {
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_secs(25)).await;
        tokio::time::resume();
        client.send(piece).await;
        upstream.read_exact(&mut bytes).await.expect("a byte");
    }
    tokio::time::pause();
    let began_at = tokio::time::Instant::now();
    let answer = client.response().await;
    // Of a minute, or of the 30 s that a piece has.
    assert!(began_at.elapsed().as_secs() <= 10, "{answer}");
    assert!(status(&answer) >= 400, "{answer}");
    assert_eq!(upstream.read(&mut bytes).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go() {
    let upstream = Upstream::start().await;
    let gate = Gate::before(upstream.address).await;
    for beginning in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\nx-slow"] {
        let mut client = gate.connect().await;
        client.send(beginning).await;
        // Accepted and read, once the server has answered somebody who came later.
        let mut other = gate.connect().await;
        assert_eq!(status(&other.exchange(&request()).await), 200);
        tokio::time::pause();
        let began_at = tokio::time::Instant::now();
        assert_eq!(client.response().await, "");
        assert!(began_at.elapsed().as_secs() <= 10, "{beginning:?}");
        tokio::time::resume();
    }
}

/// The pool finds out that a connection has gone when it uses it; the request is not lost.
#[tokio::test]
async fn an_upstream_may_close_connections_without_a_word() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    let upstream = tokio::spawn(async move {
        loop {
            let mut upstream = asked(&listener).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
            upstream.write_all(answer).await.expect("a connection");
        }
    });
    let mut client = gate.connect().await;
    for _ in 0..100 {
        assert_eq!(status(&client.exchange(&request()).await), 200);
    }
    upstream.abort();
}
