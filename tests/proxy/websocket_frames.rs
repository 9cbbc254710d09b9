//! Frames that a WebSocket's ends must judge (RFC 6455 §5 to §8), in the groups of the Autobahn
//! test suite, which itself runs on Python 2 alone. Nothing of it is the gate's business: through
//! it, over HTTP/1.1 and over HTTP/2, both ends see what they see without it.

use std::collections::HashSet;
use std::convert::Infallible;

use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, Response};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::accept_async;

use super::TOKEN;
use super::support::{Gate, PATIENCE, route};

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FIN: u8 = 0x80;

/// A frame of a client, with its first byte as it is to be.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

fn frames(frames: &[(u8, &[u8])]) -> Vec<u8> {
    frames
        .iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect()
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// What a client sends after the handshake, before it says goodbye.
fn conversations() -> Vec<Vec<u8>> {
    let text = FIN | TEXT;
    let a = |length| vec![b'a'; length];
    let mut all = Vec::new();
    // Lengths, at each border between their forms.
    for length in [0, 1, 125, 126, 127, 128, 0xffff, 0x1_0000, 0x1_0001] {
        all.push(frame(text, &a(length)));
        all.push(frame(FIN | BINARY, &vec![0xfe; length]));
    }
    // Pings and pongs, asked for and not, one and many.
    for (first, length) in [(PING, 0), (PING, 125), (PING, 126), (PONG, 0), (PONG, 125)] {
        all.push(frame(FIN | first, &a(length)));
    }
    all.push(frame(FIN | PING, b"\x00\xff\xfe").repeat(10));
    all.push(frame(FIN | PONG, b"?").repeat(100));
    // Reserved bits and opcodes, alone and after a good message.
    for first in (1..8)
        .map(|bits| bits << 4 | text)
        .chain([0x43 | FIN, 0x4 | FIN])
    {
        all.push(frames(&[(text, b"good"), (first, b"x"), (text, b"late")]));
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        all.push(frames(&[
            (text, b"good"),
            (FIN | opcode, b""),
            (FIN | PING, b"late"),
        ]));
    }
    // Fragments, with control frames between them, and in the wrong order.
    all.push(frames(&[(TEXT, b"one"), (FIN, b"two")]));
    all.push(frames(&[(TEXT, b""), (0, b""), (0, b"x"), (FIN, b"")]));
    all.push(frames(&[
        (TEXT, b"one"),
        (FIN | PING, b"?"),
        (0, b"two"),
        (FIN | PONG, b""),
        (FIN, b"three"),
    ]));
    all.push(frames(&[(PING, b"in "), (FIN, b"pieces")]));
    all.push(frames(&[(CLOSE, b""), (FIN, b"")]));
    all.push(frames(&[(FIN, b"nothing before")]));
    all.push(frames(&[(0, b"nothing before"), (text, b"x")]));
    all.push(frames(&[(TEXT, b"open"), (text, b"another")]));
    all.push(frames(&[(TEXT, b"open"), (FIN | CLOSE, b"\x03\xe8")]));
    // UTF-8, also where a character is in two frames.
    let kosme = "κόσμε".as_bytes();
    all.push(frame(text, kosme));
    for at in 0..kosme.len() {
        all.push(frames(&[(TEXT, &kosme[..at]), (FIN, &kosme[at..])]));
    }
    for broken in [
        &b"\xce\xba\xed\xa0\x80edited"[..],
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\xff",
        b"\x80",
        b"\xce",
        b"\xef\xbf\xbf",
        b"\xed\x9f\xbf",
    ] {
        all.push(frame(text, broken));
        all.push(frames(&[(TEXT, broken), (0, b"more"), (FIN, b"end")]));
        all.push(close(1000, broken));
    }
    // Goodbyes, and what comes after one.
    all.push(frame(FIN | CLOSE, b""));
    all.push(frame(FIN | CLOSE, b"\x03"));
    all.push(close(1000, &a(123)));
    all.push(close(1000, &a(124)));
    for code in [
        0, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1009, 1010, 1011, 1012, 1015, 1016,
        1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535,
    ] {
        all.push(close(code, b""));
    }
    all.push(
        [
            close(1000, b""),
            frame(text, b"late"),
            frame(FIN | PING, b""),
        ]
        .concat(),
    );
    // Lengths in too many bytes, no mask, an end in the middle.
    all.push(b"\x81\xfe\x00\x01\x00\x00\x00\x00a".to_vec());
    all.push(b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00".to_vec());
    all.push(b"\x81\x05hello".to_vec());
    all.push(frame(text, b"hello")[..7].to_vec());
    all
}

/// What the server made of one conversation.
type Verdict = Vec<String>;

/// Sends back what it gets, and says goodbye with 1002 to what it does not understand.
async fn echo(stream: TcpStream) -> Verdict {
    let mut socket = accept_async(stream).await.expect("a handshake");
    let mut verdict = Vec::new();
    loop {
        match socket.next().await {
            Some(Ok(message)) => {
                verdict.push(format!("{message:?}"));
                if message.is_text() || message.is_binary() {
                    // The client may have said goodbye before.
                    let _ = socket.send(message).await;
                }
            }
            Some(Err(error)) => {
                verdict.push(error.to_string());
                let _ = socket.get_mut().write_all(b"\x88\x02\x03\xea").await;
            }
            None => return verdict,
        }
    }
}

/// Says it all, in one piece or byte by byte, and returns what comes back.
async fn say(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    bytes: &[u8],
    size: usize,
) -> Vec<u8> {
    for piece in bytes.chunks(size) {
        // The server may have had enough.
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    while timeout(PATIENCE, stream.read_buf(&mut answer))
        .await
        .expect("in time")
        .is_ok_and(|read| read > 0)
    {}
    answer
}

async fn upgraded(mut stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket");
    let handshake = format!(
        "GET / HTTP/1.1\r\nHost: tools\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Authorization: Bearer {TOKEN}\r\n\r\n"
    );
    stream
        .write_all(handshake.as_bytes())
        .await
        .expect("a connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    stream
}

type Http2 = http2::SendRequest<Empty<bytes::Bytes>>;

async fn http2(gate: &Gate) -> Http2 {
    let stream = TokioIo::new(gate.connect().await.0);
    let handshake = http2::handshake(TokioExecutor::new(), stream).await;
    let (mut client, connection) = handshake.expect("a connection");
    tokio::spawn(connection);
    // Brings the server's settings.
    let hello = Request::options("http://tools/").header("max-forwards", "0");
    let hello = client
        .send_request(hello.body(Empty::new()).expect("a request"))
        .await;
    assert_eq!(hello.expect("an answer").status(), 204);
    client
}

async fn connected(client: &mut Http2) -> impl AsyncRead + AsyncWrite + Unpin {
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://tools/")
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("authorization", format!("Bearer {TOKEN}"));
    let request = request.body(Empty::new()).expect("a request");
    let response: Response<_> = client.send_request(request).await.expect("a response");
    assert_eq!(response.status(), 200);
    TokioIo::new(hyper::upgrade::on(response).await.expect("a stream"))
}

#[tokio::test]
async fn the_gate_changes_no_verdict() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (sender, mut verdicts) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            sender.send(echo(stream).await).expect("a test");
        }
        Ok::<(), Infallible>(())
    });
    let gate = Gate::start(&format!(
        "[server]\nh2c = true\n{}",
        route("/", address, "")
    ))
    .await;
    let mut client = http2(&gate).await;
    let mut verdict = async || timeout(PATIENCE, verdicts.recv()).await.expect("in time");
    let conversations = conversations();
    assert!(conversations.len() > 120);
    let mut seen = HashSet::new();
    for bytes in conversations {
        let chopped = (bytes.len() < 256).then_some(1);
        for size in [usize::MAX].into_iter().chain(chopped) {
            let direct = upgraded(TcpStream::connect(address).await.expect("a connection")).await;
            let direct = (say(direct, &bytes, size).await, verdict().await);
            seen.insert(direct.clone());
            let over_http1 = upgraded(gate.connect().await.0).await;
            let over_http1 = (say(over_http1, &bytes, size).await, verdict().await);
            assert_eq!(over_http1, direct, "{bytes:x?} by {size}");
            let over_http2 = connected(&mut client).await;
            let over_http2 = (say(over_http2, &bytes, size).await, verdict().await);
            assert_eq!(over_http2, direct, "{bytes:x?} by {size}, HTTP/2");
        }
    }
    assert!(seen.len() > 70, "{}", seen.len());
}
