//! The table of outcomes, as far as it takes a socket to bring them about.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{GhesClient, HttpsTransport};
use ghes_gatekeeper::token::AccessToken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tower::ServiceExt;

use super::outcome::Outcome;
use super::{TOKEN, app, live};

/// A server that treats every connection like this; returns its URL.
pub(crate) async fn server<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("http://{address}")
}

/// A server that reads a request, sends these bytes, and ends the connection.
async fn answering(reply: impl Into<Vec<u8>>) -> String {
    let reply = Arc::new(reply.into());
    server(move |mut stream| {
        let reply = Arc::clone(&reply);
        async move {
            read_request(&mut stream).await;
            // Whoever has read enough goes away.
            let _ = stream.write_all(&reply).await;
        }
    })
    .await
}

pub(crate) async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut request).await.expect("bytes"), 0);
    }
}

/// Waits for bytes and leaves them where they are.
async fn has_bytes(stream: &TcpStream) {
    assert_ne!(stream.peek(&mut [0]).await.expect("bytes"), 0);
}

pub(crate) fn client(url: &str) -> GhesClient<HttpsTransport> {
    let url = url.parse().expect("a URL");
    let transport = HttpsTransport::new().expect("TLS");
    GhesClient::new(&url, &app(), transport).expect("an app")
}

pub(crate) async fn ask(client: &GhesClient<HttpsTransport>) -> Result<Verdict, CheckError> {
    let request = CheckRequest::new(AccessToken::new(TOKEN));
    client.clone().oneshot(request).await
}

/// What comes of a check where time does not matter.
async fn check(url: &str) -> Outcome {
    let client = client(url).with_timeout(Duration::from_secs(60));
    Outcome::of(&ask(&client).await)
}

/// What comes of a check, and after how long.
async fn timed_check(url: &str) -> (Outcome, Duration) {
    let began_at = Instant::now();
    let outcome = Outcome::of(&ask(&client(url)).await);
    (outcome, began_at.elapsed())
}

pub(crate) fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn timeout() -> Outcome {
    Outcome::outage(CheckErrorKind::Timeout, "timeout")
}

fn connect() -> Outcome {
    Outcome::unprocessed(CheckErrorKind::Connect, "connect")
}

pub(crate) fn closed() -> Outcome {
    Outcome::unprocessed(CheckErrorKind::Closed, "truncated")
}

pub(crate) fn truncated() -> Outcome {
    Outcome::outage(CheckErrorKind::Truncated, "truncated")
}

fn unexpected() -> Outcome {
    Outcome::outage(CheckErrorKind::UnexpectedResponse, "bad_response")
}

fn too_large() -> Outcome {
    Outcome::alarm(CheckErrorKind::TooLarge, "too_large")
}

/// A port that is bound, so that nobody else gets it, and not listened on.
pub(crate) fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(any_port).expect("a port");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

#[tokio::test]
async fn a_refused_connection() {
    let (_bound, address) = refusing();
    assert_eq!(check(&format!("http://{address}")).await, connect());
    assert_eq!(check(&format!("https://{address}")).await, connect());
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let dns = || Outcome::unprocessed(CheckErrorKind::Dns, "dns");
    // RFC 6761 §6.4: never resolved.
    assert_eq!(check("https://ghes.invalid").await, dns());
    assert_eq!(check("http://ghes.invalid:8080").await, dns());
}

/// A listener whose queue is full drops the packets that would open a connection.
#[tokio::test(start_paused = true)]
async fn a_blackhole() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let queued = [open(address), open(address)];
    let answer = timed_check(&format!("http://{address}")).await;
    assert_eq!(answer, (connect(), Duration::from_secs(1)));
    drop(queued);
}

fn open(address: SocketAddr) -> std::net::TcpStream {
    std::net::TcpStream::connect(address).expect("a connection")
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers() {
    let url = server(async |mut stream| {
        read_request(&mut stream).await;
        std::future::pending().await
    })
    .await;
    assert_eq!(timed_check(&url).await, (timeout(), Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_speaks_tls() {
    let url = server(async |stream| {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let answer = timed_check(&url.replace("http:", "https:")).await;
    assert_eq!(answer, (timeout(), Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_drips() {
    let url = server(async |mut stream| {
        read_request(&mut stream).await;
        for byte in ok(&live()).bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    assert_eq!(timed_check(&url).await, (timeout(), Duration::from_secs(3)));
}

#[tokio::test]
async fn a_connection_closed_before_the_first_byte_of_a_reply() {
    assert_eq!(check(&answering("").await).await, closed());
}

/// Linux resets a connection that is closed with bytes in it that nobody has read.
#[tokio::test]
async fn a_connection_reset_before_the_first_byte_of_a_reply() {
    let url = server(async |stream| has_bytes(&stream).await).await;
    assert_eq!(check(&url).await, closed());
}

#[tokio::test]
async fn a_connection_closed_or_reset_in_the_handshake() {
    let url = server(async |stream| has_bytes(&stream).await).await;
    assert_eq!(check(&url.replace("http:", "https:")).await, closed());
    let url = server(async |mut stream| {
        let mut hello = [0; 4096];
        let _ = stream.read(&mut hello).await;
    })
    .await;
    assert_eq!(check(&url.replace("http:", "https:")).await, closed());
}

#[tokio::test]
async fn a_reply_that_breaks_off() {
    let whole = ok(&live());
    let head = whole.find("\r\n\r\n").expect("a head") + 4;
    for length in [1, head - 1, head, head + 1, whole.len() - 1] {
        let url = answering(&whole.as_bytes()[..length]).await;
        assert_eq!(check(&url).await, truncated(), "{length} bytes");
    }
    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n";
    for (name, reply) in [
        ("no last chunk", chunked.to_owned()),
        ("half a chunk", format!("{chunked}10\r\n{{}}")),
        ("half a size", format!("{chunked}1")),
    ] {
        assert_eq!(check(&answering(reply).await).await, truncated(), "{name}");
    }
}

#[tokio::test]
async fn a_reply_that_is_reset() {
    for reply in ["H", "HTTP/1.1 200 OK\r\n", &ok(&live())[..200]] {
        let sent = reply.to_owned();
        let url = server(move |mut stream| {
            let sent = sent.clone();
            async move {
                has_bytes(&stream).await;
                stream.write_all(sent.as_bytes()).await.expect("a reply");
            }
        })
        .await;
        assert_eq!(check(&url).await, truncated(), "{reply}");
    }
}

#[tokio::test]
async fn a_reply_that_is_no_http() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for reply in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1 2OO OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        &format!("{chunked}zz\r\n{{}}\r\n"),
        &format!("{chunked}fffffffffffffffff\r\n"),
    ] {
        assert_eq!(
            check(&answering(reply).await).await,
            unexpected(),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn a_head_without_end() {
    let fields = |number: usize, length: usize| {
        let field = format!("x: {}\r\n", "a".repeat(length));
        ok(&live()).replacen("\r\n", &format!("\r\n{}", field.repeat(number)), 1)
    };
    for (name, reply, outcome) in [
        ("many short fields", fields(90, 1), Outcome::Active),
        ("too many fields", fields(101, 1), too_large()),
        ("one long field", fields(1, 32 * 1024), Outcome::Active),
        ("a field too long", fields(1, 256 * 1024), too_large()),
        ("fields too long together", fields(90, 4096), too_large()),
    ] {
        assert_eq!(check(&answering(reply).await).await, outcome, "{name}");
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib() {
    let padded = |bytes: usize| live() + &" ".repeat(bytes - live().len());
    let chunked = |bytes: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
             transfer-encoding: chunked\r\n\r\n{bytes:x}\r\n{}\r\n0\r\n\r\n",
            padded(bytes)
        )
    };
    let limit = 64 * 1024;
    for (name, reply, outcome) in [
        ("at the limit", ok(&padded(limit)), Outcome::Active),
        ("beyond it", ok(&padded(limit + 1)), too_large()),
        ("chunked, at it", chunked(limit), Outcome::Active),
        ("chunked, beyond it", chunked(limit + 1), too_large()),
    ] {
        assert_eq!(check(&answering(reply).await).await, outcome, "{name}");
    }
}

#[tokio::test]
async fn an_interim_reply_is_waited_out() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    let url = answering(format!("{interim}{}", ok(&live()))).await;
    assert_eq!(check(&url).await, Outcome::Active);
    assert_eq!(check(&answering(interim).await).await, truncated());
}

/// A redirect leads to a server that would confirm the token; it is never asked.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let elsewhere = server(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(())
    })
    .await;
    let redirect = Outcome::alarm(CheckErrorKind::Redirect, "redirect");
    let reply = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n"
    );
    assert_eq!(check(&answering(reply).await).await, redirect);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
