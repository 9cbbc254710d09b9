//! Bodies of any size pass in constant memory.
//!
//! `GATEKEEPER_BODY_MIB=1024 cargo test --release --test constant_memory -- --nocapture` sends a
//! GiB each way and prints by how much the process grew. It is the only test here, so that the
//! memory of the process is its own.
#![cfg(all(feature = "emulator", feature = "proxy", target_os = "linux"))]
#![allow(dead_code, reason = "the support is that of other tests")]

#[path = "proxy/support.rs"]
mod support;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use self::support::{Gate, route, status};

/// From GitHub's documents.
const TOKEN: &str = "e72e16c7e42f292c6912e7710c838347ae178b4a";

/// The most that the process ever had in memory, in KiB.
fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let mut words = status
        .split_once("VmHWM:")
        .expect("a peak")
        .1
        .split_whitespace();
    words.next().expect("a number").parse().expect("a number")
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(head).expect("UTF-8")
}

async fn write_body(stream: &mut TcpStream, bytes: usize) {
    let piece = vec![b'x'; 64 * 1024];
    for _ in 0..bytes / piece.len() {
        stream.write_all(&piece).await.expect("a connection");
    }
}

async fn read_body(stream: &mut TcpStream, bytes: usize) {
    let mut piece = vec![0; 64 * 1024];
    for _ in 0..bytes / piece.len() {
        stream.read_exact(&mut piece).await.expect("a body");
    }
}

/// Reads a body of this size, then sends one.
async fn upstream(bytes: usize) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = read_head(&mut stream).await;
        assert!(
            head.contains(&format!("content-length: {bytes}\r\n")),
            "{head}"
        );
        read_body(&mut stream, bytes).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
        stream
            .write_all(head.as_bytes())
            .await
            .expect("a connection");
        write_body(&mut stream, bytes).await;
    });
    address
}

#[tokio::test]
async fn bodies_pass_in_constant_memory() {
    let mib = std::env::var("GATEKEEPER_BODY_MIB");
    let bytes = mib.map_or(128, |mib| mib.parse().expect("a number")) << 20;
    let gate = Gate::start(&route("/", upstream(bytes).await, "")).await;
    let before = peak_kib();
    let mut client = gate.connect().await.0;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {bytes}\r\n\r\n"
    );
    client
        .write_all(head.as_bytes())
        .await
        .expect("a connection");
    write_body(&mut client, bytes).await;
    assert_eq!(status(&read_head(&mut client).await), 200);
    read_body(&mut client, bytes).await;
    let grown = peak_kib() - before;
    println!("{} MiB each way, {grown} KiB more at the peak", bytes >> 20);
    assert!(grown < 8 * 1024, "{grown} KiB");
}
