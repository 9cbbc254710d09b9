//! What one client can take with requests that nobody answers, over as many connections as it likes.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::client::{Client, PATIENCE, probe, probe_by, probes_of_nine};
use super::figure::{alone, figure, may_open, mib, setting};
use super::frames::{END_HEADERS, END_STREAM, HEADERS, POST, frame, head};
use super::gate::Gate;
use super::multiplexed::Multiplexed;
use super::upstream::upstream;

/// 40 connections of 100 streams each, of which each held a connection to the upstream.
#[test]
fn e3_requests_of_one_client_are_bounded_over_http2() {
    alone(async {
        let gate = Gate::start(upstream().await, "h2c = true").await;
        // 2,000 to the upstream, and the connections of clients.
        assert_bounded("40 × 100 streams", 2_300, &gate, async || {
            let mut attackers = Vec::new();
            for _ in 0..CONNECTIONS {
                let streams = (0..STREAMS).flat_map(|stream| {
                    let flags = END_STREAM | END_HEADERS;
                    frame(HEADERS, flags, 2 * stream + 1, &head(POST))
                });
                let frames: Vec<u8> = streams.collect();
                attackers.push(Multiplexed::that_sent(gate.address, 65_535, &frames).await);
            }
            attackers
        })
        .await;
    });
}

#[test]
fn e3_requests_of_one_client_are_bounded_over_http1() {
    if !may_open(4_000) {
        return;
    }
    alone(async {
        let limit = "limits.requests_per_client = 200";
        let gate = Gate::start(upstream().await, limit).await;
        assert_bounded("1,000 connections", 1_400, &gate, async || {
            let mut attackers = Vec::new();
            for _ in 0..1_000 {
                let mut attacker = Client::to(gate.address).await;
                let sent = attacker.0.write_all(UNANSWERED).await;
                sent.expect("a server");
                attackers.push(attacker);
            }
            attackers
        })
        .await;
    });
}

/// A flood takes no more than it may, nine others do not notice, and all of it is given back.
async fn assert_bounded<A>(what: &str, most: usize, gate: &Gate, flood: impl AsyncFn() -> Vec<A>) {
    probe(gate.address).await;
    let (files, memory) = (gate.files(), gate.memory());
    let mut peaks = Vec::new();
    for round in 1..=setting("GATEKEEPER_FLOOD_ROUNDS", ROUNDS) {
        let (mut held, mut grown) = (0, 0);
        let attacked = async {
            let attackers = flood().await;
            for _ in 0..SAMPLES {
                probe_by(2, gate.address).await;
                held = held.max(gate.files().saturating_sub(files));
            }
            grown = gate.memory().saturating_sub(memory);
            drop(attackers);
        };
        let took = probes_of_nine(gate.address, attacked).await;
        let slow = took[took.len() * 99 / 100];
        let descriptors = format!("{what}, {round}: descriptors");
        figure(&descriptors, held, most);
        figure("  memory", mib(grown), "100 MiB");
        let millis = format!("{} ms", slow.as_millis());
        figure("  a request of nine others, 99 of 100", millis, "100 ms");
        let half = took[took.len() / 2];
        assert!(half <= Duration::from_millis(100), "{half:?}");
        assert!(slow <= Duration::from_secs(10), "{slow:?}");
        let gone = async {
            while gate.files() > files + LEFT {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("an end");
        figure(
            "  memory afterwards",
            mib(gate.memory().saturating_sub(memory)),
            "",
        );
        peaks.push((held, grown));
    }
    for (held, grown) in &peaks {
        assert!(*held <= most, "{held} descriptors");
        assert!(*grown <= 160 * 1024, "{grown} KiB");
    }
    let (first, last) = (peaks[0].1, peaks[peaks.len() - 1].1);
    assert!(last <= 2 * first, "{first} KiB, {last} KiB after it");
}

const UNANSWERED: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
const CONNECTIONS: u32 = 40;
const STREAMS: u32 = 100;
/// Enough to tell what is taken again from what is taken anew.
const ROUNDS: usize = 3;
const SAMPLES: usize = 50;
const LEFT: usize = 50;
