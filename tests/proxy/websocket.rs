//! WebSockets: begun as a request, and let through like one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::TOKEN;
use super::peers::run;
use super::support::{Gate, headers, read_message, route, status};

/// A handshake as browsers send it, from RFC 6455 §1.3.
pub(super) const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: tools\r\n\
     Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

const AGREED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
     Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
     Sec-WebSocket-Protocol: chat\r\nKeep-Alive: timeout=5\r\n\r\n";

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

pub(super) async fn start() -> (TcpListener, Gate) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    (listener, gate)
}

fn with_token(handshake: &str) -> String {
    format!("{handshake}Authorization: Bearer {TOKEN}\r\n\r\n")
}

/// An upstream that sends back what it gets, until its client says goodbye.
async fn echo(listener: TcpListener) {
    let (stream, _) = listener.accept().await.expect("a connection");
    let mut socket = accept_async(stream).await.expect("a handshake");
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() || message.is_binary() {
            socket.send(message).await.expect("a connection");
        }
    }
}

async fn connect(gate: &Gate, token: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = "ws://tools/chat".into_client_request().expect("a URL");
    let credential = format!("Bearer {token}").try_into().expect("a token");
    request.headers_mut().insert("authorization", credential);
    let stream = gate.connect().await.0;
    client_async(request, stream)
        .await
        .map(|(socket, _)| socket)
}

#[tokio::test]
async fn messages_pass_both_ways_and_so_does_goodbye() {
    let (listener, gate) = start().await;
    let upstream = tokio::spawn(echo(listener));
    let mut socket = connect(&gate, TOKEN).await.expect("a handshake");
    for message in [
        Message::text("hello"),
        Message::binary(vec![0xff; 1 << 20]),
        Message::text(""),
    ] {
        socket.send(message.clone()).await.expect("a connection");
        assert_eq!(
            socket.next().await.expect("one").expect("a message"),
            message
        );
    }
    socket
        .send(Message::Ping("x".into()))
        .await
        .expect("a connection");
    let pong = socket.next().await.expect("one").expect("a message");
    assert_eq!(pong, Message::Pong("x".into()));
    let goodbye = CloseFrame {
        code: CloseCode::Away,
        reason: "tired".into(),
    };
    socket
        .close(Some(goodbye.clone()))
        .await
        .expect("a connection");
    let answer = socket.next().await.expect("one").expect("a message");
    assert_eq!(answer, Message::Close(Some(goodbye)));
    assert!(socket.next().await.is_none());
    upstream.await.expect("no panic");
}

#[tokio::test]
async fn nobody_gets_a_websocket_without_a_good_token() {
    let (listener, gate) = start().await;
    let refused = connect(&gate, "gho_nobody").await.expect_err("a refusal");
    assert!(matches!(refused, Error::Http(response) if response.status() == 401));
    let response = gate
        .connect()
        .await
        .exchange(&format!("{HANDSHAKE}\r\n"))
        .await;
    assert_eq!(status(&response), 401);
    let accepted = futures_util::future::FutureExt::now_or_never(listener.accept());
    assert!(accepted.is_none());
}

#[tokio::test]
async fn a_handshake_is_made_anew_on_each_side() {
    let (listener, gate) = start().await;
    let mut client = gate.connect().await;
    let more = "Sec-WebSocket-Protocol: chat\r\nX-Forwarded-User: admin\r\nX-Named: 1\r\n\
                Connection: x-named\r\nOrigin: http://tools\r\n";
    client
        .send(&with_token(&format!("{HANDSHAKE}{more}")))
        .await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut upstream).await.expect("a request");
    assert!(request.starts_with("GET /chat HTTP/1.1\r\n"), "{request}");
    let lines = headers(&request);
    let names: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(
        names,
        [
            "connection",
            "host",
            "origin",
            "sec-websocket-key",
            "sec-websocket-protocol",
            "sec-websocket-version",
            "upgrade",
            "via",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-port",
            "x-forwarded-proto",
            "x-forwarded-user",
            "x-github-user-id",
            "x-oauth-client-id",
            "x-oauth-scopes",
            "x-request-id",
        ]
    );
    for line in [
        "connection: Upgrade",
        "upgrade: websocket",
        "x-forwarded-user: octocat",
    ] {
        assert!(lines.contains(&line), "{request}");
    }
    upstream.write_all(AGREED).await.expect("a connection");
    let response = client.response().await;
    assert_eq!(status(&response), 101);
    let lines = headers(&response);
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| !(line.starts_with("date") || line.starts_with("x-request-id")))
        .collect();
    assert_eq!(
        lines,
        [
            &"connection: Upgrade",
            &"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            &"sec-websocket-protocol: chat",
            &"upgrade: websocket",
        ]
    );
}

#[tokio::test]
async fn nothing_is_said_before_the_upstream_has_agreed() {
    let (listener, gate) = start().await;
    let mut client = gate.connect().await;
    client.send(&(with_token(HANDSHAKE) + "early")).await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    let request = read_message(&mut upstream).await.expect("a request");
    assert!(request.ends_with("\r\n\r\n"), "{request}");
    upstream
        .write_all(&[AGREED, b"late"].concat())
        .await
        .expect("a connection");
    let mut early = [0; 5];
    upstream.read_exact(&mut early).await.expect("a connection");
    assert_eq!(&early, b"early");
    let mut response = client.response().await;
    while !response.ends_with("\r\n\r\nlate") {
        let byte = client.0.read_u8().await.expect("a connection");
        response.push(byte.into());
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_agree_gives_an_ordinary_answer() {
    let (listener, gate) = start().await;
    let mut client = gate.connect().await;
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(&(with_token(HANDSHAKE) + next)).await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    read_message(&mut upstream).await.expect("a request");
    upstream.write_all(HELLO).await.expect("a connection");
    let mut both = client.response().await;
    assert_eq!(status(&both), 200);
    // What followed the handshake is a request like any other, and has no token.
    while !both.contains("HTTP/1.1 401 ") {
        let byte = client.0.read_u8().await.expect("a connection");
        both.push(byte.into());
    }
    let nothing = upstream.try_read(&mut [0]).expect_err("nothing");
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_upstream_that_agrees_to_something_else_is_502() {
    for answer in [
        "Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: x\r\n",
        "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    ] {
        let (listener, gate) = start().await;
        let mut client = gate.connect().await;
        client.send(&with_token(HANDSHAKE)).await;
        let (mut upstream, _) = listener.accept().await.expect("a connection");
        read_message(&mut upstream).await.expect("a request");
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{answer}\r\n");
        upstream
            .write_all(answer.as_bytes())
            .await
            .expect("a connection");
        assert_eq!(status(&client.response().await), 502, "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_a_request_without_an_upgrade() {
    for (from, to) in [
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket", "Upgrade: h2c, websocket"),
        (
            "Upgrade: websocket",
            "Upgrade: websocket\r\nUpgrade: websocket",
        ),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive"),
        ("Version: 13", "Version: 8"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
        ("GET", "POST"),
        ("HTTP/1.1", "HTTP/1.0"),
    ] {
        let (listener, gate) = start().await;
        let mut client = gate.connect().await;
        client
            .send(&with_token(&HANDSHAKE.replacen(from, to, 1)))
            .await;
        let (mut upstream, _) = listener.accept().await.expect("a connection");
        let request = read_message(&mut upstream).await.expect("a request");
        let is_stripped =
            |line: &&str| line.starts_with("connection") || line.starts_with("upgrade");
        assert!(!headers(&request).iter().any(is_stripped), "{request}");
        upstream.write_all(AGREED).await.expect("a connection");
        assert_eq!(status(&client.response().await), 502, "{to}");
    }
}

/// curl knows nothing of frames here, and shows what comes after 101.
#[tokio::test]
async fn curl_gets_what_follows_the_agreement() {
    let (listener, gate) = start().await;
    tokio::spawn(async move {
        let (mut upstream, _) = listener.accept().await.expect("a connection");
        read_message(&mut upstream).await.expect("a request");
        let hello = [AGREED, b"\x81\x05hello"].concat();
        upstream.write_all(&hello).await.expect("a connection");
    });
    let url = format!("http://{}/chat", gate.address);
    let fields = HANDSHAKE.lines().skip(2).flat_map(|line| ["-H", line]);
    let common = [
        "-sS",
        "--noproxy",
        "*",
        "--max-time",
        "30",
        "--http1.1",
        "-w",
        "%{http_code}",
    ];
    let common = common.into_iter().chain(["--oauth2-bearer", TOKEN, &url]);
    let arguments: Vec<&str> = fields.chain(common).collect();
    if let Some(output) = run("curl", &arguments).await {
        assert_eq!(output.stdout, b"\x81\x05hello101");
    }
}

/// A client and an upstream that have agreed on a WebSocket.
async fn open(listener: &TcpListener, gate: &Gate) -> (TcpStream, TcpStream) {
    let mut client = gate.connect().await;
    client.send(&with_token(HANDSHAKE)).await;
    let (mut upstream, _) = listener.accept().await.expect("a connection");
    read_message(&mut upstream).await.expect("a request");
    upstream.write_all(AGREED).await.expect("a connection");
    assert_eq!(status(&client.response().await), 101);
    upstream.write_all(b"x").await.expect("a connection");
    assert_eq!(client.0.read_u8().await.expect("a byte"), b'x');
    (client.0, upstream)
}

#[tokio::test]
async fn a_websocket_ends_with_either_side() {
    let (listener, gate) = start().await;
    let (client, mut upstream) = open(&listener, &gate).await;
    drop(client);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
    let (mut client, upstream) = open(&listener, &gate).await;
    drop(upstream);
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
}

#[tokio::test]
async fn a_websocket_ends_at_shutdown() {
    let (listener, mut gate) = start().await;
    let (mut client, mut upstream) = open(&listener, &gate).await;
    gate.stop();
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    assert_eq!(upstream.read(&mut [0]).await.expect("an end"), 0);
    gate.ended().await;
}

#[tokio::test]
async fn a_websocket_may_be_silent_for_as_long_as_its_route_says() {
    for (idle, seconds) in [("10s", Some(10)), ("2h", Some(7200)), ("0s", None)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let timeouts = format!("[routes.timeouts]\nidle = \"{idle}\"");
        let gate = Gate::start(&route("/", address, &timeouts)).await;
        let (mut client, _upstream) = open(&listener, &gate).await;
        tokio::time::pause();
        let began_at = tokio::time::Instant::now();
        let day = Duration::from_secs(24 * 3600);
        let ended = tokio::time::timeout(day, client.read(&mut [0])).await;
        let waited = began_at.elapsed().as_secs();
        assert_eq!(ended.is_ok(), seconds.is_some(), "{idle}");
        let seconds = seconds.unwrap_or(day.as_secs());
        assert!((seconds - 1..=seconds + 1).contains(&waited), "{waited}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_websocket_ends_when_nobody_says_anything_for_five_minutes() {
    let (listener, gate) = start().await;
    let (mut client, mut upstream) = open(&listener, &gate).await;
    for _ in 0..3 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(290)).await;
        tokio::time::resume();
        client.write_all(b"x").await.expect("a connection");
        assert_eq!(upstream.read_u8().await.expect("a byte"), b'x');
    }
    tokio::time::pause();
    let began_at = tokio::time::Instant::now();
    assert_eq!(client.read(&mut [0]).await.expect("an end"), 0);
    let waited = began_at.elapsed().as_secs();
    assert!((299..=301).contains(&waited), "{waited}");
}
