//! What TLS must not decide, and what it must not let through.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::*;
use crate::carrier::{tcp, tls_by, tls_client};

over!(every tls:
    d8_no_name_of_a_server_lets_anybody_in,
    d13_a_hello_in_pieces_is_one_hello,
    h4_nothing_is_taken_before_the_handshake_is_done,
);

fn name(name: &'static str) -> ServerName<'static> {
    ServerName::try_from(name).expect("a name")
}

/// Traefik CVE-2022-46153, CVE-2026-48491, CVE-2026-53622; Contour CVE-2026-50149. An IP address is
/// no server name (RFC 6066 §3), so that nothing is sent for one.
async fn d8_no_name_of_a_server_lets_anybody_in(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for server in ["localhost", "unknown.example", "127.0.0.1"] {
        for host in ["a", "127.0.0.1", "[::1]:443", "unknown.example"] {
            for (ask, status) in [(Ask::get("/p"), 401), (Ask::known("/p"), 200)] {
                let stream = front.connect_as(name(server)).await;
                let end = front.end_on(stream, &ask.host(host)).await;
                assert_eq!(end.status(), Some(status), "{server} {host}");
            }
            assert_eq!(upstream.message().await.only("x-forwarded-host"), host);
        }
    }
    upstream.assert_untouched();
}

/// Sends every byte by itself.
struct Drip(TcpStream);

impl AsyncWrite for Drip {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let one = &bytes[..bytes.len().min(1)];
        Pin::new(&mut self.0).poll_write(cx, one)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncRead for Drip {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, bytes)
    }
}

/// rustls RUSTSEC-2024-0399, Traefik CVE-2026-32305: pieces of TCP, and pieces of TLS.
async fn d13_a_hello_in_pieces_is_one_hello(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for record_bytes in [None, Some(64)] {
        let mut config = tls_client(on.alpn());
        config.max_fragment_size = record_bytes;
        let config = Arc::new(config);
        for (ask, status) in [(Ask::get("/p"), 401), (Ask::known("/p"), 200)] {
            let stream = Drip(tcp(front.address()).await);
            let stream = tls_by(Arc::clone(&config), stream, name("localhost")).await;
            let end = front.end_on(Box::pin(stream), &ask).await;
            assert_eq!(end.status(), Some(status));
        }
        upstream.message().await;
    }
    upstream.assert_untouched();
}

/// Traefik CVE-2024-39321.
async fn h4_nothing_is_taken_before_the_handshake_is_done(on: Carrier) {
    let upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let mut config = tls_client(on.alpn());
    config.enable_early_data = true;
    let config = Arc::new(config);
    // The first connection brings the tickets for the next ones.
    let stream = tcp(front.address()).await;
    let stream = tls_by(Arc::clone(&config), stream, name("localhost")).await;
    let end = front.end_on(Box::pin(stream), &Ask::known("/p")).await;
    assert_eq!(end.status(), Some(200));
    let again = rustls::ClientConnection::new(Arc::clone(&config), name("localhost"));
    let mut again = again.expect("a connection");
    assert!(again.early_data().is_none(), "early data is allowed");
    // It would have been resumed, so that the ticket was what did not allow it.
    let stream = tcp(front.address()).await;
    let stream = tls_by(config, stream, name("localhost")).await;
    let kind = stream.get_ref().1.handshake_kind();
    assert_eq!(kind, Some(rustls::HandshakeKind::Resumed));
}
