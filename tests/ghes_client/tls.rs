//! TLS to a GHES with a private certificate authority, over a socket.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use ghes_gatekeeper::check::{CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::ghes::{GhesClient, HttpsTransport};
use ghes_gatekeeper::token::AccessToken;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{TOKEN, app, json, live};

/// A GHES that serves the documented reply with this certificate.
async fn serve(certified: &CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
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
    let acceptor = TlsAcceptor::from(Arc::new(config));
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

async fn check(url: &str, transport: HttpsTransport) -> Result<Verdict, CheckErrorKind> {
    let url = url.parse().expect("a URL");
    let client = GhesClient::new(&url, &app(), transport).expect("an app");
    let request = CheckRequest::new(AccessToken::new(TOKEN));
    client.oneshot(request).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_private_authority_is_trusted_only_where_it_is_named() {
    let certified = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let port = serve(&certified).await.port();
    let url = format!("https://localhost:{port}");

    let stranger = check(&url, HttpsTransport::new().expect("TLS")).await;
    assert_eq!(
        stranger.expect_err("untrusted"),
        CheckErrorKind::Unavailable
    );

    let ca_file = std::env::temp_dir().join(format!("ghes-gatekeeper-ca-{port}.pem"));
    std::fs::write(&ca_file, certified.cert.pem()).expect("a file");
    let transport = HttpsTransport::with_ca_file(&ca_file);
    std::fs::remove_file(&ca_file).expect("the file");
    let transport = transport.expect("TLS");
    let trusted = check(&url, transport.clone()).await;
    assert!(matches!(trusted, Ok(Verdict::Active(_))), "{trusted:?}");

    // The certificate is for another name.
    let by_address = check(&format!("https://127.0.0.1:{port}"), transport).await;
    assert_eq!(by_address.expect_err("a name"), CheckErrorKind::Unavailable);
}

#[tokio::test]
async fn plaintext_on_a_tls_port_is_not_read() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}",
            live()
        );
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, reply.as_bytes()).await;
    });
    let url = format!("https://localhost:{port}");
    let answer = check(&url, HttpsTransport::new().expect("TLS")).await;
    assert_eq!(answer.expect_err("no TLS"), CheckErrorKind::Unavailable);
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
