//! GHES behind an HTTP proxy that answers `CONNECT`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{GhesClient, HttpsTransport, ProxyUrl};
use ghes_gatekeeper::protection::Protection;
use ghes_gatekeeper::token::AccessToken;
use rcgen::{CertifiedKey, KeyPair, SanType};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tower::ServiceExt;

use super::outcome::Outcome;
use super::sockets::server;
use super::tls::{acceptor, certificate, serve, trusting};
use super::{TOKEN, app, json, live, shown};

/// A name that only the proxy knows.
const GHES: &str = "https://ghes.example.com";

/// A proxy that answers each CONNECT with `reply`, and after a 200 leads to `ghes`, whatever was
/// asked for.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn answering(reply: &'static str, ghes: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connect(stream, reply, ghes, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    fn url(&self) -> ProxyUrl {
        proxy_url(&format!("http://{}", self.address))
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("heads").clone()
    }
}

async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    reply: &str,
    ghes: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.expect("bytes") == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).expect("ASCII");
    heads.lock().expect("heads").push(head);
    // Whoever has read enough goes away.
    let _ = stream.write_all(reply.as_bytes()).await;
    if reply.contains(" 2") {
        let mut ghes = TcpStream::connect(ghes).await.expect("GHES");
        let _ = copy_bidirectional(&mut stream, &mut ghes).await;
    }
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn proxy_url(url: &str) -> ProxyUrl {
    url.parse().expect("a proxy")
}

fn named(name: &str) -> CertifiedKey<KeyPair> {
    let name = name.try_into().expect("a name");
    certificate(|parameters| parameters.subject_alt_names = vec![SanType::DnsName(name)])
}

fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn client(url: &str, transport: HttpsTransport) -> GhesClient<HttpsTransport> {
    let url = url.parse().expect("a URL");
    GhesClient::new(&url, &app(), transport).expect("an app")
}

async fn check(url: &str, transport: HttpsTransport) -> Result<Verdict, CheckError> {
    let request = CheckRequest::new(AccessToken::new(TOKEN));
    client(url, transport).oneshot(request).await
}

/// What comes of a check by this proxy.
async fn by(proxy: ProxyUrl) -> Result<Verdict, CheckError> {
    check(GHES, HttpsTransport::new().expect("TLS").with_proxy(proxy)).await
}

#[tokio::test]
async fn a_ghes_that_only_the_proxy_reaches_is_asked_through_it() {
    let certified = named("ghes.example.com");
    let ghes = serve(&certified).await;
    let proxy = Proxy::answering(OPEN, ghes).await;
    for (url, target) in [
        (GHES, "ghes.example.com:443"),
        ("https://ghes.example.com:8443", "ghes.example.com:8443"),
        ("https://GHES.example.com", "GHES.example.com:443"),
    ] {
        let transport = trusting(&certified).with_proxy(proxy.url());
        let answer = check(url, transport).await;
        assert_eq!(Outcome::of(&answer), Outcome::Active, "{url}");
        let head = proxy.heads().pop().expect("a CONNECT");
        let line = format!("CONNECT {target} HTTP/1.1\r\n");
        assert!(head.starts_with(&line), "{head}");
        assert!(head.contains(&format!("host: {target}\r\n")), "{head}");
        assert!(!head.contains("authorization"), "{head}");
        assert!(!head.contains("api/v3"), "{head}");
    }
}

#[tokio::test]
async fn the_certificate_in_the_tunnel_is_that_of_ghes() {
    let tls = Outcome::outage(CheckErrorKind::Tls, "tls");
    for (certified, trusted) in [
        (named("proxy.example.com"), true),
        (named("ghes.example.com.evil.test"), true),
        (named("ghes.example.com"), false),
    ] {
        let proxy = Proxy::answering(OPEN, serve(&certified).await).await;
        let transport = match trusted {
            true => trusting(&certified),
            false => HttpsTransport::new().expect("TLS"),
        };
        let answer = check(GHES, transport.with_proxy(proxy.url())).await;
        assert_eq!(Outcome::of(&answer), tls);
    }
}

#[tokio::test]
async fn one_tunnel_serves_one_check_after_the_other() {
    let certified = named("ghes.example.com");
    let proxy = Proxy::answering(OPEN, serve(&certified).await).await;
    let client = client(GHES, trusting(&certified).with_proxy(proxy.url()));
    for _ in 0..3 {
        let request = CheckRequest::new(AccessToken::new(TOKEN));
        let answer = client.clone().oneshot(request).await;
        assert_eq!(Outcome::of(&answer), Outcome::Active);
    }
    assert_eq!(proxy.heads().len(), 1);
}

#[tokio::test]
async fn user_name_and_password_go_to_the_proxy_and_nowhere_else() {
    let ghes = server(async |mut stream| {
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut request).await.expect("bytes"), 0);
        }
        let request = String::from_utf8(request).expect("UTF-8").to_lowercase();
        assert!(!request.contains("proxy-"), "{request}");
        let body = live();
        let reply = json(200, body.clone());
        let status = reply.status();
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes()).await.expect("a reply");
    })
    .await;
    let ghes = ghes
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    for (user, basic) in [
        // printf 'gate:s3cret' | base64
        ("gate:s3cret", "Z2F0ZTpzM2NyZXQ="),
        // printf 'corp\gate:a@b/c' | base64
        ("corp%5Cgate:a%40b%2Fc", "Y29ycFxnYXRlOmFAYi9j"),
        // printf 'gate:' | base64
        ("gate", "Z2F0ZTo="),
    ] {
        let proxy = Proxy::answering(OPEN, ghes).await;
        let url = proxy_url(&format!("http://{user}@{}", proxy.address));
        let transport = HttpsTransport::new().expect("TLS").with_proxy(url);
        let answer = check("http://ghes.example.com", transport).await;
        assert_eq!(Outcome::of(&answer), Outcome::Active);
        let [head] = &proxy.heads()[..] else {
            panic!("one CONNECT");
        };
        assert!(head.starts_with("CONNECT ghes.example.com:80 "), "{head}");
        let line = format!("proxy-authorization: Basic {basic}\r\n");
        assert!(head.contains(&line), "{head}");
    }
}

/// The check asks once more only where it may: never a proxy that has refused.
#[tokio::test]
async fn a_proxy_that_refuses_is_told_of_and_not_asked_again() {
    for (reply, told) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n",
            "it answers 407 Proxy Authentication Required",
        ),
        (
            "HTTP/1.1 403 Filtered\r\ncontent-length: 4\r\n\r\nno\r\n",
            "it answers 403 Forbidden",
        ),
        (
            "HTTP/1.1 405 Nope\r\n\r\n",
            "it answers 405 Method Not Allowed",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://login.corp/\r\n\r\n",
            "it answers 302 Found",
        ),
    ] {
        let proxy = Proxy::answering(reply, nowhere()).await;
        let url = proxy_url(&format!("http://gate:CANARY@{}", proxy.address));
        let transport = HttpsTransport::new().expect("TLS").with_proxy(url);
        let client = Protection::new().protect(client(GHES, transport), []).0;
        let answer = client
            .oneshot(CheckRequest::new(AccessToken::new(TOKEN)))
            .await;
        let refused = Outcome::outage(CheckErrorKind::ProxyRefused, "connect");
        assert_eq!(Outcome::of(&answer), refused, "{reply}");
        let shown = shown(&answer.expect_err("no tunnel"));
        assert!(shown.contains(told), "{shown}");
        assert!(
            shown.contains(&format!("the proxy http://{}", proxy.address)),
            "{shown}"
        );
        assert!(
            !shown.contains("CANARY") && !shown.contains("Z2F0ZTpDQU5BUlk"),
            "{shown}"
        );
        assert_eq!(proxy.heads().len(), 1, "{reply}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_reach_ghes_is_no_connection() {
    for (reply, told) in [
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "it answers 502 Bad Gateway",
        ),
        (
            "HTTP/1.0 500 Unable to connect\r\n\r\n",
            "it answers 500 Internal",
        ),
        (
            "HTTP/1.1 504 Gateway Timeout\r\n\r\n",
            "it answers 504 Gateway Timeout",
        ),
        ("SSH-2.0-OpenSSH_9.9\r\n", "no usable answer to CONNECT"),
        ("", "no usable answer to CONNECT"),
        ("HTTP/1.1 200 OK\r\n", "no usable answer to CONNECT"),
    ] {
        let proxy = Proxy::answering(reply, nowhere()).await;
        let url = proxy.url();
        let answer = match reply.contains(" 200") {
            true => cut_off(reply).await,
            false => by(url).await,
        };
        let connect = Outcome::unprocessed(CheckErrorKind::Connect, "connect");
        assert_eq!(Outcome::of(&answer), connect, "{reply}");
        let shown = shown(&answer.expect_err("no tunnel"));
        assert!(shown.contains(told), "{shown}");
    }
}

/// A proxy that says this and hangs up.
async fn cut_off(reply: &'static str) -> Result<Verdict, CheckError> {
    let proxy = server(async move |mut stream| {
        let mut head = [0; 1024];
        assert_ne!(stream.read(&mut head).await.expect("bytes"), 0);
        stream.write_all(reply.as_bytes()).await.expect("a reply");
    });
    by(proxy_url(&proxy.await)).await
}

#[tokio::test]
async fn what_a_proxy_adds_to_its_answer_is_not_taken_for_ghes() {
    let certified = named("ghes.example.com");
    let ghes = serve(&certified).await;
    let reply = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let proxy = Proxy::answering(reply, ghes).await;
    let answer = check(GHES, trusting(&certified).with_proxy(proxy.url())).await;
    let connect = Outcome::unprocessed(CheckErrorKind::Connect, "connect");
    assert_eq!(Outcome::of(&answer), connect);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    for proxy in [
        "http://127.0.0.1:1",
        "http://proxy.invalid:3128",
        "https://127.0.0.1:1",
    ] {
        let answer = by(proxy_url(proxy)).await;
        let connect = Outcome::unprocessed(CheckErrorKind::Connect, "connect");
        assert_eq!(Outcome::of(&answer), connect, "{proxy}");
        let shown = shown(&answer.expect_err("no proxy"));
        let told = format!("no connection to the proxy {proxy}");
        assert!(shown.contains(&told), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_never_answers_has_two_seconds() {
    for reply in ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
        let proxy = server(async move |mut stream| {
            let mut head = [0; 1024];
            assert_ne!(stream.read(&mut head).await.expect("bytes"), 0);
            stream.write_all(reply.as_bytes()).await.expect("a reply");
            std::future::pending().await
        });
        let proxy = proxy_url(&proxy.await);
        let began_at = Instant::now();
        let answer = by(proxy).await;
        let timeout = Outcome::outage(CheckErrorKind::Timeout, "timeout");
        assert_eq!(Outcome::of(&answer), timeout, "{reply}");
        assert_eq!(began_at.elapsed(), Duration::from_secs(2), "{reply}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let proxy = server(async |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x: 0123456789abcdef\r\n").await.is_ok() {}
    });
    let answer = by(proxy_url(&proxy.await)).await;
    let connect = Outcome::unprocessed(CheckErrorKind::Connect, "connect");
    assert_eq!(Outcome::of(&answer), connect);
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_spoken_to_in_tls() {
    let certified = certificate(|parameters| {
        let names = ["localhost", "ghes.example.com"];
        let names = names.map(|name| SanType::DnsName(name.try_into().expect("a name")));
        parameters.subject_alt_names = names.into();
    });
    let ghes = serve(&certified).await;
    let acceptor = acceptor(&certified);
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&heads);
    let proxy = server(move |stream| {
        let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                connect(stream, OPEN, ghes, seen).await;
            }
        }
    });
    let proxy = proxy.await.replace("http://127.0.0.1", "https://localhost");
    let answer = check(GHES, trusting(&certified).with_proxy(proxy_url(&proxy))).await;
    assert_eq!(Outcome::of(&answer), Outcome::Active);
    assert_eq!(heads.lock().expect("heads").len(), 1);

    let stranger = by(proxy_url(&proxy)).await;
    assert_eq!(
        Outcome::of(&stranger),
        Outcome::outage(CheckErrorKind::Tls, "tls")
    );
    let shown = shown(&stranger.expect_err("no trust"));
    assert!(
        shown.contains(&format!("no TLS with the proxy {proxy}")),
        "{shown}"
    );
}
