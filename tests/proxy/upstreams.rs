//! Ways to an upstream: TLS, HTTP/2, Unix sockets, several addresses.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{HOST, TE};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::TOKEN;
use super::support::{Gate, status};

/// Answers with what it sees: version, host, `TE` and the length of the body.
async fn see(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let host = head.uri.authority().map(ToString::to_string);
    let field = |name| head.headers.get(name).map(|value| format!("{value:?}"));
    let trailers = body.collect().await.expect("a body");
    let seen = format!(
        "{:?} {:?} {:?} {:?} {:?} {} {:?}",
        head.version,
        head.uri.scheme_str(),
        host,
        field(HOST),
        field(TE),
        head.uri.path(),
        trailers.trailers(),
    );
    Ok(Response::new(Full::from(seen)))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
    let server = auto::Builder::new(TokioExecutor::new());
    // The gate ends it; what it saw is what counts.
    let _ = server
        .serve_connection(TokioIo::new(stream), service_fn(see))
        .await;
}

pub(super) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// An upstream for HTTP/1.1 and 2, which counts its connections.
async fn plain() -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, address) = listen().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream));
        }
    });
    (address, count)
}

async fn get(gate: &Gate) -> String {
    let request =
        format!("GET /p HTTP/1.1\r\nHost: tools\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    gate.connect().await.exchange(&request).await
}

fn routes(upstream: &str, tls: &str) -> String {
    format!("[[routes]]\npath = \"/\"\nupstream = {upstream}\n{tls}\n")
}

fn body(response: &str) -> &str {
    assert_eq!(status(response), 200, "{response}");
    response.split_once("\r\n\r\n").expect("a head").1
}

#[tokio::test]
async fn http_2_is_spoken_where_the_address_says_so() {
    let (address, connections) = plain().await;
    let gate = Gate::start(&routes(&format!("\"h2c://{address}\""), "")).await;
    let expected =
        "HTTP/2.0 Some(\"http\") Some(\"tools\") None Some(\"\\\"trailers\\\"\") /p None";
    for _ in 0..3 {
        assert_eq!(body(&get(&gate).await), expected);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn no_trailer_of_a_client_gets_through_http_2() {
    let (address, _) = plain().await;
    let gate = Gate::start(&routes(&format!("\"h2c://{address}\""), "")).await;
    let request = format!(
        "POST /p HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nTrailer: x-forwarded-user\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Forwarded-User: admin\r\n\r\n"
    );
    let response = gate.connect().await.exchange(&request).await;
    assert!(body(&response).ends_with("/p None"), "{response}");
}

#[tokio::test]
async fn an_upstream_may_be_a_unix_socket() {
    let path = temporary("sock");
    let listener = UnixListener::bind(&path.0).expect("a socket");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    let gate = Gate::start(&routes(&format!("\"unix:{}\"", path.0.display()), "")).await;
    let expected = "HTTP/1.1 None None Some(\"\\\"tools\\\"\") None /p None";
    assert_eq!(body(&get(&gate).await), expected);
}

/// A file that is gone when the test is.
pub(super) struct Temporary(pub(super) PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may never have come about.
        let _ = match self.0.is_dir() {
            true => std::fs::remove_dir_all(&self.0),
            false => std::fs::remove_file(&self.0),
        };
    }
}

pub(super) fn temporary(kind: &str) -> Temporary {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let serial = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("gatekeeper-upstream-{}-{serial}.{kind}", std::process::id());
    Temporary(std::env::temp_dir().join(name))
}

pub(super) fn pem(text: &str) -> Temporary {
    let file = temporary("pem");
    std::fs::write(&file.0, text).expect("a file");
    file
}

/// A certificate authority, and what it has signed.
pub(super) struct Authority(pub(super) CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut parameters = CertificateParams::new([]).expect("no name");
        // Who has the name of its issuer is taken for its own issuer by OpenSSL.
        let names = &mut parameters.distinguished_name;
        names.push(DnType::CommonName, "authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(parameters, key).expect("a certificate"))
    }

    /// A certificate for `name`, and its key, as PEM.
    pub(super) fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = parameters.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a root");
        roots
    }
}

/// TLS with a certificate for `name`, which wants one of the client if `is_mutual`.
pub(super) fn acceptor(
    authority: &Authority,
    name: &str,
    is_mutual: bool,
    alpn: &[&str],
) -> TlsAcceptor {
    let (certificate, key) = authority.certify(name);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions");
    let builder = if is_mutual {
        let roots = Arc::new(authority.roots());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
        builder.with_client_cert_verifier(verifier.expect("a verifier"))
    } else {
        builder.with_no_client_auth()
    };
    let chain = rustls::pki_types::CertificateDer::pem_slice_iter(certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let mut config = builder.with_single_cert(chain, key).expect("a certificate");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

pub(super) async fn tls(
    authority: &Authority,
    name: &str,
    is_mutual: bool,
    alpn: &[&str],
) -> SocketAddr {
    let acceptor = acceptor(authority, name, is_mutual, alpn);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            });
        }
    });
    address
}

/// What an upstream with a certificate for `localhost` sees of a gate with these keys, or the
/// status of the answer.
async fn over_tls(address: SocketAddr, keys: &str) -> Result<String, u16> {
    let upstream = format!("\"https://localhost:{}\"", address.port());
    let keys = format!("[routes.upstream_tls]\n{keys}");
    let response = get(&Gate::start(&routes(&upstream, &keys)).await).await;
    match status(&response) {
        200 => Ok(body(&response).to_owned()),
        status => Err(status),
    }
}

pub(super) fn ca_file(file: &Temporary) -> String {
    format!("ca_file = \"{}\"\n", file.0.display())
}

#[tokio::test]
async fn an_upstream_over_tls_chooses_the_version_of_http() {
    let authority = Authority::new();
    let ca = pem(&authority.0.pem());
    for (alpn, version) in [
        (&["h2", "http/1.1"][..], "HTTP/2.0 Some(\"https\")"),
        (&["http/1.1"], "HTTP/1.1 None"),
        (&[], "HTTP/1.1 None"),
    ] {
        let address = tls(&authority, "localhost", false, alpn).await;
        let seen = over_tls(address, &ca_file(&ca)).await.expect("an answer");
        assert!(seen.starts_with(version), "{seen}");
    }
}

#[tokio::test]
async fn an_upstream_must_prove_who_it_is() {
    let authority = Authority::new();
    let ca = pem(&authority.0.pem());
    let other_ca = pem(&Authority::new().0.pem());
    let address = tls(&authority, "localhost", false, &["h2"]).await;
    assert_eq!(over_tls(address, "").await, Err(502), "system's roots only");
    assert_eq!(over_tls(address, &ca_file(&other_ca)).await, Err(502));
    assert!(over_tls(address, &ca_file(&ca)).await.is_ok());
    let danger = "danger_accept_invalid_certs = true";
    assert!(over_tls(address, danger).await.is_ok());

    let elsewhere = tls(&authority, "tool.internal", false, &["h2"]).await;
    assert_eq!(over_tls(elsewhere, &ca_file(&ca)).await, Err(502));
    let named = ca_file(&ca) + "server_name = \"tool.internal\"";
    let seen = over_tls(elsewhere, &named).await.expect("an answer");
    assert!(seen.contains("Some(\"tools\")"), "{seen}");
}

#[tokio::test]
async fn an_upstream_may_want_to_know_who_asks() {
    let authority = Authority::new();
    let ca = pem(&authority.0.pem());
    let (certificate, key) = authority.certify("gate");
    let (certificate, key) = (pem(&certificate), pem(&key));
    let address = tls(&authority, "localhost", true, &["h2"]).await;
    assert_eq!(over_tls(address, &ca_file(&ca)).await, Err(502));
    let keys = format!(
        "{}client_cert_file = \"{}\"\nclient_key_file = \"{}\"",
        ca_file(&ca),
        certificate.0.display(),
        key.0.display(),
    );
    assert!(over_tls(address, &keys).await.is_ok());
}

async fn nobody() -> SocketAddr {
    let (listener, address) = listen().await;
    drop(listener);
    address
}

#[tokio::test]
async fn several_addresses_share_the_work() {
    let ((one, to_one), (other, to_other)) = (plain().await, plain().await);
    let upstream = format!("[\"http://{one}\", \"http://{other}\"]");
    let gate = Gate::start(&routes(&upstream, "")).await;
    for _ in 0..64 {
        assert_eq!(status(&get(&gate).await), 200);
    }
    // That all draws are alike has a chance of one in 2^63.
    assert_eq!(to_one.load(Ordering::Relaxed), 1);
    assert_eq!(to_other.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_address_that_is_down_costs_nobody_an_answer() {
    let (up, _) = plain().await;
    let (down, also_down) = (nobody().await, nobody().await);
    let upstream = format!("[\"http://{down}\", \"http://{up}\", \"http://{also_down}\"]");
    let gate = Gate::start(&routes(&upstream, "")).await;
    for method in ["GET", "POST"].repeat(20) {
        let request = format!(
            "{method} /p HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: 2\r\n\r\nhi"
        );
        let response = gate.connect().await.exchange(&request).await;
        assert_eq!(status(&response), 200);
    }
}

#[tokio::test]
async fn an_address_that_is_back_is_used_again() {
    let (up, _) = plain().await;
    let down = nobody().await;
    let upstream = format!("[\"http://{down}\", \"http://{up}\"]");
    let gate = Gate::start(&routes(&upstream, "")).await;
    for _ in 0..20 {
        assert_eq!(status(&get(&gate).await), 200);
    }
    let back = TcpListener::bind(down).await.expect("the same port");
    let accepted = tokio::spawn(async move { serve(back.accept().await.expect("one").0).await });
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    tokio::time::resume();
    for _ in 0..64 {
        assert_eq!(status(&get(&gate).await), 200);
    }
    drop(gate);
    accepted.await.expect("a connection");
}

#[tokio::test]
async fn an_upstream_with_no_address_that_works_is_502() {
    let upstream = format!(
        "[\"http://{}\", \"http://{}\"]",
        nobody().await,
        nobody().await
    );
    let gate = Gate::start(&routes(&upstream, "")).await;
    for _ in 0..3 {
        assert_eq!(status(&get(&gate).await), 502);
    }
}
