//! Connections to an upstream: when one is used again, and when never.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::TOKEN;
use super::support::{Gate, read_message, status};

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// An upstream whose every connection the test holds in its hands.
struct Upstream(TcpListener);

impl Upstream {
    async fn start() -> (Self, Gate) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gate = Gate::before(listener.local_addr().expect("an address")).await;
        (Self(listener), gate)
    }

    /// The next new connection.
    async fn connection(&self) -> TcpStream {
        let accepted = tokio::time::timeout(Duration::from_secs(30), self.0.accept());
        accepted.await.expect("in time").expect("a connection").0
    }

    async fn assert_no_connection(&self) {
        let accepted = futures_util::future::FutureExt::now_or_never(self.0.accept());
        assert!(accepted.is_none());
    }
}

fn request(method: &str, length: &str) -> String {
    format!("{method} / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{length}\r\n")
}

async fn answer(upstream: &mut TcpStream, answer: &[u8]) {
    upstream.write_all(answer).await.expect("a connection");
}

/// Fails unless the gate closes this connection, whatever it says before.
async fn assert_closed(mut upstream: TcpStream) {
    let mut rest = Vec::new();
    let read = upstream.read_to_end(&mut rest);
    let read = tokio::time::timeout(Duration::from_secs(30), read).await;
    // By a reset, or in peace.
    let _ = read.expect("to be closed");
}

#[tokio::test]
async fn a_finished_exchange_leaves_its_connection_to_the_next() {
    let (upstream, gate) = Upstream::start().await;
    let chunked: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let empty: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
    let mut only = None;
    for (method, length, reply) in [
        ("GET", "", HELLO),
        ("POST", "content-length: 0\r\n", chunked),
        ("DELETE", "", empty),
        ("GET", "", HELLO),
    ] {
        // Each from a client of its own: it is the gate that keeps connections.
        let mut client = gate.connect().await;
        client.send(&request(method, length)).await;
        let connection = match &mut only {
            Some(connection) => connection,
            None => only.insert(upstream.connection().await),
        };
        read_message(connection).await.expect("a request");
        answer(connection, reply).await;
        assert!(status(&client.response().await) < 300);
    }
    upstream.assert_no_connection().await;
}

#[tokio::test]
async fn an_early_response_does_not_leave_its_upload_to_the_next() {
    let (upstream, gate) = Upstream::start().await;
    let mut early = gate.connect().await;
    early
        .send(&request("POST", "content-length: 100\r\n"))
        .await;
    early.send("GET /smuggled HTTP/1.1\r\n").await;
    let mut first = upstream.connection().await;
    first.read_u8().await.expect("a request");
    answer(&mut first, HELLO).await;
    assert_eq!(status(&early.response().await), 200);

    let mut next = gate.connect().await;
    next.send(&request("GET", "")).await;
    let mut second = upstream.connection().await;
    read_message(&mut second).await.expect("a request");
    answer(&mut second, HELLO).await;
    assert_eq!(status(&next.response().await), 200);
    drop(early);
    assert_closed(first).await;
}

#[tokio::test]
async fn an_aborted_download_is_not_left_to_the_next() {
    let (upstream, gate) = Upstream::start().await;
    let mut aborted = gate.connect().await;
    aborted.send(&request("GET", "")).await;
    let mut first = upstream.connection().await;
    read_message(&mut first).await.expect("a request");
    answer(
        &mut first,
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst",
    )
    .await;
    let mut head = [0; 12];
    aborted.0.read_exact(&mut head).await.expect("a response");
    drop(aborted);
    assert_closed(first).await;

    let mut next = gate.connect().await;
    next.send(&request("GET", "")).await;
    let mut second = upstream.connection().await;
    read_message(&mut second).await.expect("a request");
    answer(&mut second, HELLO).await;
    assert!(next.response().await.ends_with("hello"));
}

#[tokio::test]
async fn an_aborted_upload_does_not_look_complete() {
    let (upstream, gate) = Upstream::start().await;
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let mut client = gate.connect().await;
        client
            .send(&request("POST", &format!("{framing}\r\n")))
            .await;
        client.send("5\r\nhello\r\n").await;
        let mut connection = upstream.connection().await;
        let mut received = vec![0; 16];
        connection
            .read_exact(&mut received)
            .await
            .expect("a request");
        drop(client);
        // By a reset, or by an end before the body's.
        let _ = connection.read_to_end(&mut received).await;
        assert!(!received.ends_with(b"0\r\n\r\n"), "{framing}");
    }
}

#[tokio::test]
async fn an_abandoned_request_is_ended_at_the_upstream() {
    let (upstream, gate) = Upstream::start().await;
    let mut client = gate.connect().await;
    client.send(&request("GET", "")).await;
    let mut connection = upstream.connection().await;
    read_message(&mut connection).await.expect("a request");
    drop(client);
    assert_closed(connection).await;
}

#[tokio::test]
async fn a_second_response_that_nobody_asked_for_reaches_nobody() {
    let (upstream, gate) = Upstream::start().await;
    let mut client = gate.connect().await;
    client.send(&request("GET", "")).await;
    let mut first = upstream.connection().await;
    read_message(&mut first).await.expect("a request");
    let poison = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison";
    answer(&mut first, &[HELLO, poison].concat()).await;
    assert!(client.response().await.ends_with("hello"));
    assert_closed(first).await;

    client.send(&request("GET", "")).await;
    let mut second = upstream.connection().await;
    read_message(&mut second).await.expect("a request");
    answer(&mut second, HELLO).await;
    assert!(client.response().await.ends_with("hello"));
}

/// Has one exchange, so that the gate keeps a connection.
async fn warmed(upstream: &Upstream, gate: &Gate) -> TcpStream {
    let mut client = gate.connect().await;
    client.send(&request("GET", "")).await;
    let mut connection = upstream.connection().await;
    read_message(&mut connection).await.expect("a request");
    answer(&mut connection, HELLO).await;
    assert_eq!(status(&client.response().await), 200);
    connection
}

#[tokio::test]
async fn only_what_may_happen_twice_is_sent_again_after_a_hang_up() {
    for (method, body, is_retried) in [
        ("GET", "", true),
        ("HEAD", "", true),
        ("DELETE", "", true),
        ("PUT", "content-length: 0\r\n", true),
        ("PUT", "content-length: 2\r\n", false),
        ("GET", "content-length: 2\r\n", false),
        ("POST", "", false),
        ("POST", "content-length: 2\r\n", false),
        ("PATCH", "", false),
        ("FOO", "", false),
    ] {
        let (upstream, gate) = Upstream::start().await;
        let mut old = warmed(&upstream, &gate).await;
        let mut client = gate.connect().await;
        let payload = if body.contains('2') { "hi" } else { "" };
        client.send(&(request(method, body) + payload)).await;
        read_message(&mut old).await.expect("a request");
        drop(old);
        if is_retried {
            let mut new = upstream.connection().await;
            let again = read_message(&mut new).await.expect("a request");
            assert!(again.starts_with(method), "{again}");
            answer(&mut new, b"HTTP/1.1 204 No Content\r\n\r\n").await;
            assert_eq!(status(&client.response().await), 204, "{method} {body}");
        } else {
            assert_eq!(status(&client.response().await), 502, "{method} {body}");
        }
        upstream.assert_no_connection().await;
    }
}

#[tokio::test]
async fn a_request_is_sent_twice_at_most() {
    let (upstream, gate) = Upstream::start().await;
    let mut old = warmed(&upstream, &gate).await;
    let mut client = gate.connect().await;
    client.send(&request("GET", "")).await;
    read_message(&mut old).await.expect("a request");
    drop(old);
    let mut new = upstream.connection().await;
    read_message(&mut new).await.expect("a request");
    drop(new);
    assert_eq!(status(&client.response().await), 502);
    upstream.assert_no_connection().await;
}

#[tokio::test]
async fn a_response_that_makes_no_sense_is_502_and_asked_for_once() {
    for reply in [
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nx: \0\r\n\r\n",
        "hello\r\n\r\n",
    ] {
        let (upstream, gate) = Upstream::start().await;
        let mut connection = warmed(&upstream, &gate).await;
        let mut client = gate.connect().await;
        client.send(&request("GET", "")).await;
        read_message(&mut connection).await.expect("a request");
        answer(&mut connection, reply.as_bytes()).await;
        assert_eq!(status(&client.response().await), 502, "{reply}");
        assert_closed(connection).await;
        upstream.assert_no_connection().await;
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let (upstream, gate) = Upstream::start().await;
    let mut connection = warmed(&upstream, &gate).await;
    tokio::time::pause();
    let began_at = tokio::time::Instant::now();
    assert_eq!(connection.read(&mut [0]).await.expect("an end"), 0);
    let waited = began_at.elapsed().as_secs();
    // It began to be idle before time stood still.
    assert!((29..=60).contains(&waited), "{waited}");
}

#[tokio::test]
async fn an_upstream_that_does_not_accept_is_504() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let listener = socket.listen(0).expect("a queue");
    let address = listener.local_addr().expect("an address");
    // From here on, the kernel lets newcomers wait.
    let _queued = TcpStream::connect(address).await.expect("a place");
    let gate = Gate::before(address).await;
    let mut client = gate.connect().await;
    client.send(&request("GET", "")).await;
    let response = client.response().await;
    assert_eq!(status(&response), 504, "{response}");
}

#[tokio::test]
async fn who_waits_for_a_new_connection_takes_one_that_is_freed() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let upstream = Upstream(socket.listen(0).expect("a queue"));
    let address = upstream.0.local_addr().expect("an address");
    let gate = Gate::before(address).await;
    let mut first = gate.connect().await;
    first.send(&request("GET", "")).await;
    let mut connection = upstream.connection().await;
    read_message(&mut connection).await.expect("a request");
    // From here on, the kernel lets newcomers wait.
    let _queued = TcpStream::connect(address).await.expect("a place");

    let mut second = gate.connect().await;
    second.send(&request("GET", "")).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    answer(&mut connection, HELLO).await;
    assert_eq!(status(&first.response().await), 200);
    read_message(&mut connection).await.expect("a request");
    answer(&mut connection, HELLO).await;
    assert_eq!(status(&second.response().await), 200);
}

/// HTTP/2 has other bounds than HTTP/1.1: many responses share a connection.
#[tokio::test]
async fn interim_responses_of_http2_have_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let upstream = format!("[[routes]]\npath = \"/\"\nupstream = \"h2c://{address}\"\n");
    let gate = Gate::start(&upstream).await;
    let link = (b"link".to_vec(), vec![b'x'; 8000]);
    let fields = [(b":status".to_vec(), b"103".to_vec()), link];
    let flood = super::carrier::frames::headers(1, &fields, false).repeat(100);
    let flooding = async {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        answer(&mut connection, &settings).await;
        // The request comes with the last of these.
        let mut begin = [0; 9];
        while !(begin[3] == 1 && begin[8] == 1) {
            begin.rotate_left(1);
            begin[8] = connection.read_u8().await.expect("a request");
        }
        let mut sent = 0;
        while connection.write_all(&flood).await.is_ok() {
            sent += flood.len();
        }
        sent
    };
    let mut client = gate.connect().await;
    let asked = request("GET", "");
    let (response, sent) = tokio::join!(client.exchange(&asked), flooding);
    assert_eq!(status(&response), 502);
    assert!(sent < 64 << 20, "{sent}");
}
