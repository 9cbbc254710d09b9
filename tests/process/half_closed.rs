use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use super::client::{Client, probe};
use super::figure::{alone, figure};
use super::gate::Gate;
use super::upstream::upstream;

/// hyper#4085: a client that shut down its half mid-body made the server spin.
#[test]
fn e11_half_closed_connections_cost_no_time() {
    alone(async {
        let gate = Gate::start(upstream().await, "").await;
        probe(gate.address).await;
        let mut clients = Vec::new();
        for beginning in BEGINNINGS.iter().cycle().take(CLIENTS) {
            let mut client = Client::that_sent(gate.address, beginning.as_bytes()).await;
            client.0.shutdown().await.expect("a connection");
            clients.push(client);
        }
        probe(gate.address).await;
        let (before, since) = (gate.time(), Instant::now());
        let closing = async {
            for client in &mut clients {
                client.closed().await;
            }
            // Whatever spins, spins on.
            std::future::pending::<()>().await;
        };
        assert!(timeout(Duration::from_secs(2), closing).await.is_err());
        let used = (gate.time() - before).as_millis() * 100 / since.elapsed().as_millis();
        figure(
            "100 half-closed connections, of a core",
            format!("{used} %"),
            "5 %",
        );
        assert!(used <= 5, "{used} %");
    });
}

const BEGINNINGS: [&str; 4] = [
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nh",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    "POST / HTTP/1.1\r\nHost: a\r\n",
];

const CLIENTS: usize = 100;
