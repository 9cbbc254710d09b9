//! How TLS begins, and what of it is remembered.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::support::{Gate, PATIENCE, Upstream, route, status};
use super::tls::{Directory, pair};
use super::unreadable::count;

/// A gate that asks everybody for a token, and what trusts its certificate.
async fn gate() -> (Gate, Arc<ClientConfig>) {
    let (pair, directory) = (pair(), Directory::new());
    directory.write(&pair);
    (gate_of(&directory).await, trusting(&pair))
}

async fn gate_of(directory: &Directory) -> Gate {
    let upstream = Upstream::start().await;
    Gate::start_with(&route("/", upstream.address, ""), Some(directory.tls())).await
}

fn trusting(pair: &CertifiedKey<KeyPair>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = rustls::crypto::ring::default_provider();
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_early_data = true;
    config.into()
}

fn localhost() -> ServerName<'static> {
    "localhost".try_into().expect("a name")
}

const NOBODY: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// RUSTSEC-2024-0399 (a panic), Traefik CVE-2026-32305 (a way around client certificates): a
/// hello that comes in pieces.
#[tokio::test]
async fn d13_a_hello_in_pieces_is_a_hello() {
    let (gate, config) = gate().await;
    // Pieces of a byte, of the whole, and what lies between; each as segments and as records.
    for piece in [1, 2, 7, 100, 10_000] {
        for in_records in [false, true] {
            let answer = greet(&gate, &config, piece, in_records);
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            let answer = answer.expect("an answer in time");
            assert_eq!(status(&answer), 401, "{piece}, {in_records}: {answer}");
        }
    }
}

/// Asks for something without a token, after a hello in pieces of so many bytes.
async fn greet(gate: &Gate, config: &Arc<ClientConfig>, piece: usize, in_records: bool) -> String {
    let mut tls = ClientConnection::new(Arc::clone(config), localhost()).expect("a client");
    let mut socket = gate.connect().await.0;
    socket.set_nodelay(true).expect("a socket");
    let mut hello = Vec::new();
    tls.write_tls(&mut hello).expect("a hello");
    let segments = if in_records {
        records(&hello, piece)
    } else {
        hello.chunks(piece).map(<[u8]>::to_vec).collect()
    };
    for segment in segments {
        socket.write_all(&segment).await.expect("a server");
        // The server may read each by itself.
        tokio::task::yield_now().await;
    }
    tls.writer().write_all(NOBODY).expect("a buffer");
    let mut answer = Vec::new();
    while exchange(&mut tls, &mut socket).await {
        let _ = tls.reader().read_to_end(&mut answer);
    }
    String::from_utf8(answer).expect("UTF-8")
}

/// Splits one record into records of so many bytes (RFC 8446 §5.1).
fn records(record: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let (head, message) = record.split_at(5);
    assert_eq!(head[0], 22, "a handshake");
    let pieces = message.chunks(piece).map(|piece| {
        let length = u16::try_from(piece.len()).expect("a short record");
        [&head[..3], &length.to_be_bytes(), piece].concat()
    });
    pieces.collect()
}

/// Writes what there is and reads what comes; false at the end.
async fn exchange(tls: &mut ClientConnection, socket: &mut TcpStream) -> bool {
    let mut out = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut out).expect("a buffer");
    }
    socket.write_all(&out).await.expect("a server");
    let mut bytes = vec![0; 16 * 1024];
    let read = socket.read(&mut bytes).await.expect("a server");
    let mut bytes = &bytes[..read];
    while !bytes.is_empty() {
        tls.read_tls(&mut bytes).expect("a buffer");
        tls.process_new_packets().expect("TLS");
    }
    read > 0
}

/// What each of them gets who does not speak TLS where TLS is spoken.
#[tokio::test]
async fn plain_http_to_a_port_of_tls_is_told_so_and_counted() {
    let (gate, config) = gate().await;
    let upload = format!(
        "POST /CANARY HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{}",
        "x".repeat(100_000)
    );
    let requests = [
        "GET /CANARY HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer CANARY\r\n\r\n",
        "GET /CANARY HTTP/1.0\r\n\r\n",
        "HEAD /CANARY HTTP/1.1\r\nHost: a\r\n\r\n",
        &upload,
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        "propfind",
        "G",
    ];
    for (at, request) in requests.iter().enumerate() {
        let answer = plain(&gate, request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        for line in [
            "content-type: application/problem+json\r\n",
            "connection: close\r\n",
        ] {
            assert!(answer.contains(line), "{answer}");
        }
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(!answer.contains("CANARY"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let problem: serde_json::Value = serde_json::from_str(body).expect("a problem");
        assert_eq!(problem["reason"], "invalid_request", "{answer}");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains("this port speaks TLS"), "{detail}");
        assert_eq!(count(&gate, "invalid_request").await, at as u64 + 1);
    }
    // TLS is spoken as before.
    kind(&gate, &config).await;
}

/// Sends this, and returns all that comes until the end.
async fn plain(gate: &Gate, request: &str) -> String {
    let mut stream = gate.connect().await.0;
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a server");
    stream.shutdown().await.expect("a server");
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer));
    read.await.expect("an answer in time").expect("no reset");
    answer
}

/// Neither is TLS, nor has it the form of HTTP: there is nobody to answer.
#[tokio::test]
async fn what_is_neither_tls_nor_http_is_closed_and_not_counted() {
    let (gate, _) = gate().await;
    for request in ["", "\0GET / HTTP/1.1\r\n\r\n", "\x05\x01\0", "\r\n"] {
        let answer = plain_bytes(&gate, request.as_bytes()).await;
        assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
        assert_eq!(count(&gate, "invalid_request").await, 0);
    }
}

async fn plain_bytes(gate: &Gate, request: &[u8]) -> Vec<u8> {
    let mut stream = gate.connect().await.0;
    stream.write_all(request).await.expect("a server");
    stream.shutdown().await.expect("a server");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer));
    // A reset is an end as well.
    let _ = read.await.expect("an end in time");
    answer
}

/// Connects, asks, and tells whether the session was an earlier one.
async fn kind(gate: &Gate, config: &Arc<ClientConfig>) -> HandshakeKind {
    let connector = TlsConnector::from(Arc::clone(config));
    let stream = gate.connect().await.0;
    let stream = connector.connect(localhost(), stream).await;
    let mut stream = stream.expect("a handshake");
    stream.write_all(NOBODY).await.expect("a server");
    // Tickets come with the answer.
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_string(&mut answer));
    let _ = read.await.expect("an answer in time");
    assert_eq!(status(&answer), 401, "also of an earlier session");
    let kind = stream.get_ref().1.handshake_kind();
    kind.expect("a handshake")
}

/// nginx CVE-2025-23419: a session of one server was as good as one of another.
#[tokio::test]
async fn d9_a_session_is_known_only_where_it_began() {
    let (pair, directory) = (pair(), Directory::new());
    directory.write(&pair);
    let (gate, other) = (gate_of(&directory).await, gate_of(&directory).await);
    let config = trusting(&pair);
    assert_eq!(kind(&gate, &config).await, HandshakeKind::Full);
    assert_eq!(kind(&gate, &config).await, HandshakeKind::Resumed);
    assert_eq!(kind(&other, &config).await, HandshakeKind::Full);
}

/// Traefik CVE-2024-39321: early data can be replayed, and came in before anybody looked.
#[tokio::test]
async fn h4_early_data_is_not_taken() {
    let (gate, config) = gate().await;
    assert_eq!(kind(&gate, &config).await, HandshakeKind::Full);
    let mut next = ClientConnection::new(Arc::clone(&config), localhost()).expect("a client");
    assert!(next.early_data().is_none(), "the server offers it");
    assert_eq!(kind(&gate, &config).await, HandshakeKind::Resumed);
}
