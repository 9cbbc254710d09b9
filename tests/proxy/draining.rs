//! No request is lost while the proxy stops.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpStream;

use super::TOKEN;
use super::support::{Client, Gate, Upstream};

/// Sends one request after the other until nobody listens any more, and returns how many were
/// answered and how many were not.
async fn load(address: SocketAddr, answered: Arc<AtomicUsize>) -> usize {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let mut lost = 0;
    loop {
        let mut client = match TcpStream::connect(address).await {
            Ok(stream) => Client(stream),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return lost,
            Err(error) => panic!("{error}"),
        };
        loop {
            let answer = client.try_exchange(&request).await;
            if !answer.starts_with("HTTP/1.1 200 ") {
                lost += 1;
                break;
            }
            answered.fetch_add(1, Ordering::Relaxed);
            if answer.contains("connection: close") {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_under_load() {
    let upstream = Upstream::start().await;
    let mut gate = Gate::before(upstream.address).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..32)
        .map(|_| tokio::spawn(load(gate.address, Arc::clone(&answered))))
        .collect();
    while answered.load(Ordering::Relaxed) < 1_000 {
        tokio::task::yield_now().await;
    }
    gate.stop();
    let mut lost = 0;
    for client in clients {
        lost += client.await.expect("no panic");
    }
    gate.ended().await;
    assert_eq!(lost, 0, "of {}", answered.load(Ordering::Relaxed));
}
