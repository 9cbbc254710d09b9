use std::net::SocketAddr;

use ghes_gatekeeper::emulator::Emulator;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::figure::{alone, figure, mib, setting};
use super::gate::Gate;

/// RUSTSEC-2022-0055 (axum-core), Traefik's forwardBody: bodies that were collected.
#[test]
fn e8_bodies_pass_in_constant_memory() {
    alone(async {
        let bytes = setting("GATEKEEPER_BODY_MIB", 64) << 20;
        let gate = Gate::start(upstream(bytes).await, "").await;
        assert_constant(&gate, "", bytes).await;
    });
}

/// The same where the token is asked about while the body waits.
#[test]
fn bodies_of_users_pass_in_constant_memory() {
    alone(async {
        let bytes = setting("GATEKEEPER_BODY_MIB", 64) << 20;
        let gate = Gate::start_for_users(upstream(bytes).await, ghes().await).await;
        let token = "Authorization: Bearer e72e16c7e42f292c6912e7710c838347ae178b4a\r\n";
        assert_constant(&gate, token, bytes).await;
    });
}

/// A body of this size goes each way through the gate, which does not grow by that.
async fn assert_constant(gate: &Gate, field: &str, bytes: usize) {
    let before = gate.peak();
    let mut client = TcpStream::connect(gate.address)
        .await
        .expect("a connection");
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{field}Content-Length: {bytes}\r\n\r\n");
    write(&mut client, &head, bytes).await;
    let head = read_head(&mut client).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    read_body(&mut client, bytes).await;
    let what = format!("a body of {} MiB each way", bytes >> 20);
    let grown = gate.peak() - before;
    figure(&what, mib(grown), "8 MiB");
    assert!(grown <= 8 * 1024, "{grown} KiB");
}

/// Reads a body of this size, then sends one.
async fn upstream(bytes: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = read_head(&mut stream).await;
        let length = format!("content-length: {bytes}\r\n");
        assert!(head.contains(&length), "{head}");
        read_body(&mut stream, bytes).await;
        let head = format!("HTTP/1.1 200 OK\r\n{length}\r\n");
        write(&mut stream, &head, bytes).await;
    });
    address
}

async fn ghes() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let emulator = Emulator::default();
    tokio::spawn(async move {
        // The gate asks by itself at its start, perhaps beside the first request.
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(emulator.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("UTF-8")
}

async fn read_body(stream: &mut TcpStream, bytes: usize) {
    let mut piece = vec![0; PIECE];
    for _ in 0..bytes / PIECE {
        stream.read_exact(&mut piece).await.expect("a body");
    }
}

async fn write(stream: &mut TcpStream, head: &str, bytes: usize) {
    stream
        .write_all(head.as_bytes())
        .await
        .expect("a connection");
    let piece = vec![b'x'; PIECE];
    for _ in 0..bytes / PIECE {
        stream.write_all(&piece).await.expect("a connection");
    }
}

const PIECE: usize = 64 * 1024;
