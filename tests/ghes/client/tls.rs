//! TLS to a GHES with a private certificate authority, over a socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{GhesClient, HttpsTransport};
use ghes_gatekeeper::token::AccessToken;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::outcome::Outcome;
use super::sockets::server;
use super::{TOKEN, app, json, live, shown};

pub(crate) fn acceptor(certified: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    let key = certified
        .signing_key
        .serialize_der()
        .try_into()
        .expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// A GHES that serves the documented reply with this certificate.
pub(crate) async fn serve(certified: &CertifiedKey<KeyPair>) -> SocketAddr {
    let acceptor = acceptor(certified);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let answer =
                    service_fn(async |_: Request<Incoming>| Ok::<_, Infallible>(json(200, live())));
                let server = http1::Builder::new();
                // The client ends it; what it saw is what counts.
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    address
}

pub(crate) fn certificate(edit: impl FnOnce(&mut CertificateParams)) -> CertifiedKey<KeyPair> {
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    edit(&mut parameters);
    let signing_key = KeyPair::generate().expect("a key");
    let cert = parameters.self_signed(&signing_key).expect("a certificate");
    CertifiedKey { cert, signing_key }
}

pub(crate) fn trusting(certified: &CertifiedKey<KeyPair>) -> HttpsTransport {
    let serial = NEXT_FILE.fetch_add(1, Ordering::Relaxed);
    let name = format!("ghes-gatekeeper-ca-{}-{serial}.pem", std::process::id());
    let ca_file = std::env::temp_dir().join(name);
    std::fs::write(&ca_file, certified.cert.pem()).expect("a file");
    let transport = HttpsTransport::with_ca_file(&ca_file);
    std::fs::remove_file(&ca_file).expect("the file");
    transport.expect("TLS")
}

static NEXT_FILE: AtomicU32 = AtomicU32::new(0);

async fn check(url: &str, transport: HttpsTransport) -> Result<Verdict, CheckError> {
    let url = url.parse().expect("a URL");
    let client = GhesClient::new(&url, &app(), transport).expect("an app");
    client
        .oneshot(CheckRequest::new(AccessToken::new(TOKEN)))
        .await
}

/// Asserts that there is no trust, and that the log would say why.
fn assert_refused(answer: Result<Verdict, CheckError>, reason: &str) {
    let tls = Outcome::outage(CheckErrorKind::Tls, "tls");
    assert_eq!(Outcome::of(&answer), tls);
    let shown = shown(&answer.expect_err("no trust"));
    assert!(shown.contains(reason), "{shown}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_it_is_named() {
    let certified = certificate(|_| {});
    let url = format!("https://localhost:{}", serve(&certified).await.port());
    let stranger = check(&url, HttpsTransport::new().expect("TLS")).await;
    assert_refused(stranger, "UnknownIssuer");
    let trusted = check(&url, trusting(&certified)).await;
    assert_eq!(Outcome::of(&trusted), Outcome::Active);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let certified = certificate(|_| {});
    let url = format!("https://127.0.0.1:{}", serve(&certified).await.port());
    let answer = check(&url, trusting(&certified)).await;
    assert_refused(answer, "not valid for name");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_refused() {
    let certified = certificate(|parameters| {
        parameters.not_after = rcgen::date_time_ymd(2001, 1, 1);
    });
    let url = format!("https://localhost:{}", serve(&certified).await.port());
    let answer = check(&url, trusting(&certified)).await;
    assert_refused(answer, "expired");
}

#[tokio::test]
async fn plaintext_on_a_tls_port_is_not_read() {
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}",
        live()
    );
    let url = server(move |mut stream| {
        let reply = reply.clone();
        async move {
            let _ = stream.write_all(reply.as_bytes()).await;
        }
    })
    .await;
    let url = url.replace("http:", "https:");
    let answer = check(&url, HttpsTransport::new().expect("TLS")).await;
    assert_refused(answer, "InvalidContentType");
}

/// Breaks off within TLS: whoever cuts the line could also have cut what was said.
#[tokio::test]
async fn a_reply_that_tls_does_not_end_is_truncated() {
    let certified = certificate(|_| {});
    let acceptor = acceptor(&certified);
    let url = server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            let mut request = [0; 4096];
            assert_ne!(stream.read(&mut request).await.expect("bytes"), 0);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
            let reply = format!("{head}{}", live());
            stream.write_all(reply.as_bytes()).await.expect("a reply");
            stream.flush().await.expect("a reply");
        }
    })
    .await;
    let url = url.replace("http://127.0.0.1", "https://localhost");
    let answer = check(&url, trusting(&certified)).await;
    let truncated = Outcome::outage(CheckErrorKind::Truncated, "truncated");
    assert_eq!(Outcome::of(&answer), truncated);
}

#[test]
fn a_ca_file_without_a_certificate_is_refused() {
    let file =
        std::env::temp_dir().join(format!("ghes-gatekeeper-empty-{}.pem", std::process::id()));
    std::fs::write(&file, "no certificate\n").expect("a file");
    assert!(HttpsTransport::with_ca_file(&file).is_err());
    std::fs::remove_file(&file).expect("the file");
    assert!(HttpsTransport::with_ca_file(&file).is_err());
}
