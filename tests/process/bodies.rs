use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::figure::{alone, figure, mib, setting};
use super::gate::Gate;

/// RUSTSEC-2022-0055 (axum-core), Traefik's forwardBody: bodies that were collected.
#[test]
fn e8_bodies_pass_in_constant_memory() {
    alone(async {
        let bytes = setting("GATEKEEPER_BODY_MIB", 64) << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let upstream = listener.local_addr().expect("an address");
        let gate = Gate::start(upstream, "").await;
        let before = gate.peak();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            read_head(&mut stream).await;
            read_body(&mut stream, bytes).await;
            write(
                &mut stream,
                &format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n"),
                bytes,
            )
            .await;
        });
        let mut client = TcpStream::connect(gate.address)
            .await
            .expect("a connection");
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n");
        write(&mut client, &head, bytes).await;
        read_head(&mut client).await;
        read_body(&mut client, bytes).await;
        answering.await.expect("no panic");
        let what = format!("a body of {} MiB each way", bytes >> 20);
        let grown = gate.peak() - before;
        figure(&what, mib(grown), "8 MiB");
        assert!(grown <= 8 * 1024, "{grown} KiB");
    });
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
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
