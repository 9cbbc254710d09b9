//! WebSockets on streams of HTTP/2 (RFC 8441), to upstreams that know of HTTP/1.1 alone.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::TOKEN;
use super::support::{Gate, headers, read_message, route};

const H2C: &str = "[server]\nh2c = true\n";

async fn start() -> (TcpListener, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    // A WebSocket is a GET, whatever it is called in HTTP/2.
    let route = route("/", address, "methods = [\"GET\"]");
    let gate = Gate::start(&format!("{H2C}{route}")).await;
    (listener, gate)
}

pub(super) async fn client(gate: &Gate) -> SendRequest<Empty<Bytes>> {
    let stream = TokioIo::new(gate.connect().await.0);
    let handshake = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut client, connection) = handshake.expect("a connection");
    // Ends with the gate.
    tokio::spawn(connection);
    // Extended CONNECT may be sent only after the server's settings.
    let answer = client.send_request(request(Method::OPTIONS, "*")).await;
    assert_eq!(answer.expect("settings and an answer").status(), 204);
    client
}

fn request(method: Method, path: &str) -> Request<Empty<Bytes>> {
    let uri = http::Uri::builder().scheme("http").authority("tools");
    let uri = uri.path_and_query(path).build().expect("a URI");
    let request = Request::builder().method(method).uri(uri);
    request.body(Empty::new()).expect("a request")
}

/// A handshake as browsers send it, from RFC 8441 §5.1, with this token.
pub(super) fn handshake(token: &str) -> Request<Empty<Bytes>> {
    let mut request = request(Method::CONNECT, "/chat?x=1");
    let protocol = Protocol::from_static("websocket");
    request.extensions_mut().insert(protocol);
    for (name, value) in [
        ("authorization", &*format!("Bearer {token}")),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "chat"),
        ("origin", "http://tools"),
    ] {
        let value = value.try_into().expect("a value");
        request.headers_mut().insert(name, value);
    }
    request
}

async fn ask(gate: &Gate, request: Request<Empty<Bytes>>) -> Response<Incoming> {
    let response = client(gate).await.send_request(request).await;
    response.expect("a response")
}

/// The next connection to the upstream, and the request that came on it.
async fn asked(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut stream).await.expect("a request");
    (stream, request)
}

fn key(request: &str) -> &str {
    let mut lines = headers(request).into_iter();
    let line = lines.find_map(|line| line.strip_prefix("sec-websocket-key: "));
    line.expect("a key")
}

/// What an upstream says that agrees.
fn agreement(request: &str) -> String {
    agreement_with(request, "chat")
}

/// The same with a subprotocol; an empty one is none.
pub(super) fn agreement_with(request: &str, protocol: &str) -> String {
    let protocol = match protocol {
        "" => String::new(),
        protocol => format!("Sec-WebSocket-Protocol: {protocol}\r\n"),
    };
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n{protocol}Content-Length: 7\r\n\r\n",
        derive_accept_key(key(request).as_bytes())
    )
}

/// A client and an upstream that have agreed on a WebSocket.
async fn open(listener: &TcpListener, gate: &Gate) -> (TokioIo<Upgraded>, TcpStream) {
    let agree = async {
        let (mut upstream, request) = asked(listener).await;
        let agreement = agreement(&request);
        upstream
            .write_all(agreement.as_bytes())
            .await
            .expect("a connection");
        upstream
    };
    let (response, upstream) = tokio::join!(ask(gate, handshake(TOKEN)), agree);
    assert_eq!(response.status(), 200);
    let stream = hyper::upgrade::on(response).await.expect("a stream");
    (TokioIo::new(stream), upstream)
}

#[tokio::test]
async fn messages_pass_both_ways_and_so_does_goodbye() {
    let (listener, gate) = start().await;
    let upstream = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut socket = accept_async(stream).await.expect("a handshake");
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() || message.is_binary() {
                socket.send(message).await.expect("a connection");
            }
        }
    });
    let mut handshake = handshake(TOKEN);
    handshake.headers_mut().remove("sec-websocket-protocol");
    let response = ask(&gate, handshake).await;
    assert_eq!(response.status(), 200);
    let stream = hyper::upgrade::on(response).await.expect("a stream");
    let stream = TokioIo::new(stream);
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    // The large one is more than the windows of a stream and of a connection.
    for message in [Message::text("hello"), Message::binary(vec![0xff; 2 << 20])] {
        socket.send(message.clone()).await.expect("a stream");
        assert!(socket.next().await.expect("one").expect("a message") == message);
    }
    socket.close(None).await.expect("a stream");
    assert!(
        socket
            .next()
            .await
            .expect("one")
            .expect("a message")
            .is_close()
    );
    assert!(socket.next().await.is_none());
    upstream.await.expect("no panic");
}

#[tokio::test]
async fn the_upstream_gets_the_handshake_of_http_1_with_a_key_of_ours() {
    let (listener, gate) = start().await;
    let theirs = "dGhlIHNhbXBsZSBub25jZQ==";
    let mut handshake = handshake(TOKEN);
    for (name, value) in [("sec-websocket-key", theirs), ("x_forwarded_user", "admin")] {
        let value = http::HeaderValue::from_static(value);
        handshake.headers_mut().insert(name, value);
    }
    let answer = async {
        let (mut upstream, request) = asked(&listener).await;
        let agreement = agreement(&request);
        upstream
            .write_all(agreement.as_bytes())
            .await
            .expect("a connection");
        request
    };
    let (response, request) = tokio::join!(ask(&gate, handshake), answer);
    assert!(
        request.starts_with("GET /chat?x=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert_ne!(key(&request), theirs);
    assert!(
        !request.contains("admin") && !request.contains(TOKEN),
        "{request}"
    );
    for line in [
        "connection: Upgrade",
        "origin: http://tools",
        "sec-websocket-protocol: chat",
        "sec-websocket-version: 13",
        "upgrade: websocket",
        "via: 2 ghes-gatekeeper",
        "x-forwarded-host: tools",
        "x-forwarded-user: octocat",
    ] {
        assert!(headers(&request).contains(&line), "{line} in {request}");
    }
    assert_eq!(response.status(), 200);
    let mut names: Vec<_> = response.headers().keys().collect();
    names.sort_unstable_by_key(|name| name.as_str());
    assert_eq!(names, ["date", "sec-websocket-protocol", "x-request-id"]);
}

#[tokio::test]
async fn only_101_to_our_key_is_a_yes() {
    let upgrade = "101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket";
    let stale = format!("{upgrade}\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (answer, status) in [
        (&*stale, 502),
        (upgrade, 502),
        ("200 OK", 502),
        ("204 No Content", 502),
        ("206 Partial Content", 502),
        ("302 Found", 302),
        ("403 Forbidden", 403),
        ("426 Upgrade Required", 426),
        ("500 Internal Server Error", 500),
    ] {
        let (listener, gate) = start().await;
        let deny = async {
            let (mut upstream, _) = asked(&listener).await;
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 5\r\n\r\nhello");
            upstream
                .write_all(answer.as_bytes())
                .await
                .expect("a connection");
            upstream
        };
        let (response, _upstream) = tokio::join!(ask(&gate, handshake(TOKEN)), deny);
        assert_eq!(response.status(), status, "{answer}");
        let body = response.into_body().collect().await.expect("a body");
        assert_eq!(body.to_bytes() == "hello", status != 502, "{answer}");
    }
}

#[tokio::test]
async fn what_opens_no_websocket_here_opens_nothing() {
    let (listener, gate) = start().await;
    let refused = ask(&gate, handshake("gho_nobody")).await;
    assert_eq!(refused.status(), 401);
    for protocol in ["connect-udp", "WebSocket", "websocket, h2c", ""] {
        let mut request = handshake(TOKEN);
        request.extensions_mut().insert(Protocol::from(protocol));
        assert_eq!(ask(&gate, request).await.status(), 501, "{protocol}");
    }
    let accepted = futures_util::future::FutureExt::now_or_never(listener.accept());
    assert!(accepted.is_none());

    let address = listener.local_addr().expect("an address");
    let route = format!("[[routes]]\npath = \"/\"\nupstream = \"h2c://{address}\"\n");
    let gate = Gate::start(&format!("{H2C}{route}")).await;
    assert_eq!(ask(&gate, handshake(TOKEN)).await.status(), 501);
}

/// A connection of which every frame can be seen, and what comes of a handshake on it.
struct Frames {
    pings: h2::PingPong,
    response: h2::client::ResponseFuture,
    sender: h2::SendStream<Bytes>,
}

impl Frames {
    async fn ask(gate: &Gate) -> Self {
        let stream = gate.connect().await.0;
        let (client, mut connection) = h2::client::handshake(stream).await.expect("a connection");
        let pings = connection.ping_pong().expect("the first");
        tokio::spawn(connection);
        let mut client = client.ready().await.expect("a connection");
        while !client.is_extended_connect_protocol_enabled() {
            tokio::task::yield_now().await;
        }
        let mut request = handshake(TOKEN).map(drop);
        let protocol = h2::ext::Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let (response, sender) = client.send_request(request, false).expect("a stream");
        Self {
            pings,
            response,
            sender,
        }
    }

    /// Lets time pass in steps in which both sides can say that they are there.
    async fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_secs() / 5 {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(5)).await;
            tokio::time::resume();
            let pong = self.pings.ping(h2::Ping::opaque()).await;
            pong.expect("a connection");
        }
    }
}

#[tokio::test]
async fn nothing_is_said_before_the_upstream_has_agreed() {
    let (listener, gate) = start().await;
    let mut client = Frames::ask(&gate).await;
    let early = client.sender.send_data("early".into(), false);
    early.expect("a stream");
    let (mut upstream, request) = asked(&listener).await;
    assert!(request.ends_with("\r\n\r\n"), "{request}");
    let late = agreement(&request) + "late";
    upstream
        .write_all(late.as_bytes())
        .await
        .expect("a connection");
    let mut early = [0; 5];
    upstream.read_exact(&mut early).await.expect("a connection");
    assert_eq!(&early, b"early");
    let mut body = client.response.await.expect("a response").into_body();
    let data = body.data().await.expect("data").expect("a stream");
    assert_eq!(data, "late");
    // RFC 8441 §5: a reset is what a lost connection is.
    client.sender.send_reset(h2::Reason::CANCEL);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
}

#[tokio::test]
async fn a_websocket_ends_with_either_side_and_at_shutdown() {
    let (listener, mut gate) = start().await;
    let (client, mut upstream) = open(&listener, &gate).await;
    drop(client);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
    let (mut client, upstream) = open(&listener, &gate).await;
    drop(upstream);
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    let (mut client, mut upstream) = open(&listener, &gate).await;
    gate.stop();
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
    gate.ended().await;
}

/// A connection of HTTP/2 without requests is closed after a minute; this one has none.
#[tokio::test]
async fn a_websocket_ends_when_nobody_says_anything_for_five_minutes() {
    let (listener, gate) = start().await;
    let mut client = Frames::ask(&gate).await;
    let (mut upstream, request) = asked(&listener).await;
    let agreement = agreement(&request);
    upstream
        .write_all(agreement.as_bytes())
        .await
        .expect("a connection");
    for _ in 0..2 {
        client.pass(Duration::from_secs(290)).await;
        let byte = client.sender.send_data("x".into(), false);
        byte.expect("a stream");
        assert_eq!(upstream.read_u8().await.expect("a byte"), b'x');
    }
    client.pass(Duration::from_secs(290)).await;
    let nothing = upstream.try_read(&mut [0]).expect_err("nothing");
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    client.pass(Duration::from_secs(10)).await;
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
    let mut body = client.response.await.expect("a response").into_body();
    while let Some(Ok(data)) = body.data().await {
        assert!(data.is_empty());
    }
}
