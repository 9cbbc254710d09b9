//! Clients that take none of a response.

use std::sync::atomic::{AtomicUsize, Ordering};

use http_body::Frame;
use http_body_util::StreamBody;
use rcgen::generate_simple_self_signed;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::frames::{END_HEADERS, END_STREAM, GET_HEAD, HEADERS, PING, PREFACE, SETTINGS, frame};
use super::*;

/// A server whose clients have to take bytes within half a second, and how many bytes of endless
/// responses it has produced.
async fn endless() -> (SocketAddr, &'static AtomicUsize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let handed_out: &AtomicUsize = Box::leak(Box::default());
    let make_service = move |_| {
        service_fn(move |_| async move {
            let pieces = futures_util::stream::repeat_with(move || {
                handed_out.fetch_add(PIECE.len(), Ordering::Relaxed);
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(PIECE)))
            });
            Ok::<_, Infallible>(Response::new(StreamBody::new(pieces)))
        })
    };
    let times = Timeouts {
        response: Duration::from_millis(500),
        ..Timeouts::default()
    };
    let server = Server::new(Limits::default(), times);
    tokio::spawn(async move {
        server
            .serve(listener, make_service, std::future::pending())
            .await;
    });
    (address, handed_out)
}

/// A client with the smallest window the system allows. It has sent a request and reads nothing.
async fn asked(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(1).expect("a small buffer");
    let mut stream = socket.connect(address).await.expect("a connection");
    stream.write_all(GET.as_bytes()).await.expect("a server");
    stream
}

/// slowhttptest calls this a slow read. A reset ends it on both sides; a normal close would wait
/// behind the bytes that the client does not read.
#[tokio::test]
async fn e3_a_socket_that_is_not_read_is_reset() {
    let (address, handed_out) = endless().await;
    let stream = asked(address).await;
    let reset = timeout(seconds(30), stream.ready(Interest::ERROR)).await;
    assert!(reset.expect("in time").expect("a socket").is_error());
    let error = stream.take_error().expect("a socket").expect("an error");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    // Not the megabytes that the system would buffer for each such client.
    let handed_out = handed_out.load(Ordering::Relaxed);
    assert!(handed_out < 512 * 1024, "{handed_out} bytes");
}

#[tokio::test]
async fn e3_who_waits_behind_it_is_not_slower() {
    let (address, _) = endless().await;
    let mut attackers = Vec::new();
    for _ in 0..100 {
        attackers.push(asked(address).await);
    }
    let began_at = Instant::now();
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.write_all(GET.as_bytes()).await.expect("a server");
    let mut first = vec![0; PIECE.len()];
    client.read_exact(&mut first).await.expect("a response");
    assert!(began_at.elapsed() < Duration::from_millis(500));
    for attacker in attackers {
        let reset = timeout(seconds(30), attacker.ready(Interest::ERROR)).await;
        assert!(reset.expect("in time").expect("a socket").is_error());
    }
}

/// TLS takes an answer to each ping although the client takes nothing; that is not a sign of life.
#[tokio::test(start_paused = true)]
async fn e3_pings_do_not_keep_a_client_that_reads_nothing() {
    let (tls, connector) = tls();
    let client = Client::with(Setup {
        tls: Some(tls),
        answer_bytes: 1 << 20,
        ..Setup::default()
    });
    let name = "localhost".try_into().expect("a name");
    let stream = connector.connect(name, client.stream).await;
    let mut stream = stream.expect("a handshake");
    let mut begun = PREFACE.to_vec();
    // INITIAL_WINDOW_SIZE: the socket must stall, not the stream (RFC 9113 §6.5.2).
    let wide = [0, 4, 0x7f, 0xff, 0xff, 0xff];
    begun.extend(frame(SETTINGS, 0, 0, &wide));
    begun.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, GET_HEAD));
    stream.write_all(&begun).await.expect("a server");
    stream.flush().await.expect("a server");
    let pinging = async {
        loop {
            sleep(seconds(4)).await;
            if stream.write_all(&frame(PING, 0, 0, &[0; 8])).await.is_err()
                || stream.flush().await.is_err()
            {
                break;
            }
        }
    };
    timeout(seconds(600), pinging).await.expect("an end");
    // Noticed with the first ping that came too late.
    assert_eq!(client.connected_at.elapsed().as_secs(), 32);
}

/// TLS with a certificate of its own, and a client that trusts it and speaks HTTP/2.
fn tls() -> (Tls, tokio_rustls::TlsConnector) {
    let pair = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let name = format!("ghes-gatekeeper-uptake-{}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory).expect("a directory");
    let files = CertificateFiles {
        cert_file: directory.join("tls.crt"),
        key_file: directory.join("tls.key"),
    };
    std::fs::write(&files.cert_file, pair.cert.pem()).expect("a file");
    std::fs::write(&files.key_file, pair.signing_key.serialize_pem()).expect("a file");
    let tls = Tls::load(files).expect("a certificate");
    std::fs::remove_dir_all(&directory).expect("the directory");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).expect("a root");
    let provider = rustls::crypto::ring::default_provider();
    let mut config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    (tls, Arc::new(config).into())
}

const PIECE: &[u8] = &[b'x'; 16 * 1024];
