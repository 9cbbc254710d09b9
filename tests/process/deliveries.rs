//! Deliveries of webhooks that GHES did not send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{Client, PATIENCE, probe, probes_of_nine};
use super::figure::{alone, figure, mib};
use super::gate::Gate;
use super::upstream::upstream;

/// 600 at once, each with a mebibyte that is sent but for the last byte.
#[test]
fn e8_unsigned_deliveries_are_not_kept() {
    let wrong = format!("X-Hub-Signature-256: sha256={}\r\n", "0".repeat(64));
    for (what, event, signature) in [
        ("without a signature", "github_app_authorization", ""),
        ("with a wrong one", "github_app_authorization", &*wrong),
        ("of other events", "push", &*wrong),
    ] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nX-GitHub-Event: {event}\r\nX-GitHub-Delivery: 1\r\n\
             {signature}Transfer-Encoding: chunked\r\n\r\n"
        );
        alone(async move {
            let mut gate = Gate::start(upstream().await, "").await;
            let webhook = gate.listens_as("webhook").await;
            probe(gate.address).await;
            let before = gate.memory();
            let mut deliveries = JoinSet::new();
            for _ in 0..DELIVERIES {
                deliveries.spawn(deliver(webhook, head.clone()));
            }
            let took = probes_of_nine(gate.address, async {
                let delivered = timeout(PATIENCE, deliveries.join_all());
                drop(delivered.await.expect("an end"));
            });
            let took = took.await;
            let grown = gate.peak().saturating_sub(before);
            figure(&format!("600 deliveries {what}"), mib(grown), "24 MiB");
            let after = gate.memory().saturating_sub(before);
            figure("  afterwards", mib(after), "24 MiB");
            let slow = took[took.len() * 99 / 100].as_millis();
            figure(
                "  a request meanwhile, 99 of 100",
                format!("{slow} ms"),
                "100 ms",
            );
            assert!(grown <= 24 * 1024, "{grown} KiB");
            probe(gate.address).await;
        });
    }
}

/// Sends what the server takes, and returns the connection when it has said something or is stuck.
async fn deliver(webhook: SocketAddr, head: String) -> Client {
    let mut client = Client::to(webhook).await;
    let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let sending = async {
        let mut sent = client.0.write_all(head.as_bytes()).await;
        for _ in 0..16 {
            sent = sent.and(client.0.write_all(piece.as_bytes()).await);
        }
        sent
    };
    // A server that has heard enough closes, or leaves the rest to the system.
    let _ = timeout(STUCK, sending).await;
    let mut answer = [0; 1];
    let _ = timeout(STUCK, client.0.read(&mut answer)).await;
    client
}

const DELIVERIES: usize = 600;
const STUCK: std::time::Duration = std::time::Duration::from_secs(2);
