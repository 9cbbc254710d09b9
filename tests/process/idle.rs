use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::client::{Client, probe, probes};
use super::figure::{alone, figure, may_open};
use super::gate::Gate;
use super::upstream::upstream;

/// hyper-util#3756: sockets that say nothing, or little, were kept for ever.
#[test]
fn e4_silent_and_slow_clients_are_closed_and_others_do_not_wait() {
    if !may_open(6_000) {
        return;
    }
    alone(async {
        let times = "timeouts.head = \"3s\"\ntimeouts.body = \"3s\"";
        let gate = Gate::start(upstream().await, times).await;
        probe(gate.address).await;
        let mut clients = Vec::new();
        for (beginning, count) in ATTACKS {
            for _ in 0..*count {
                clients.push(Client::that_sent(gate.address, beginning.as_bytes()).await);
            }
        }
        let last_at = Instant::now();
        let mut all_closed_after = Duration::ZERO;
        let closing = async {
            for client in &mut clients {
                client.closed().await;
            }
            all_closed_after = last_at.elapsed();
        };
        let took = probes(gate.address, closing).await;
        let (half, most) = (took[took.len() / 2], took[took.len() * 99 / 100]);
        let seconds = format!("{:.1} s", all_closed_after.as_secs_f64());
        figure(
            "4,000 silent and slow clients are closed after",
            seconds,
            "3 s, +1",
        );
        let millis = format!("{} ms", most.as_millis());
        figure("  a request meanwhile, 99 of 100", millis, "50 ms");
        assert!(all_closed_after <= Duration::from_secs(4));
        assert!(half <= Duration::from_millis(50), "{half:?}");
        let gone = async {
            while gate.files() > 1_000 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), gone)
            .await
            .expect("an end");
    });
}

/// What they send, and how many there are.
const ATTACKS: &[(&str, usize)] = &[
    ("", 1_000),
    ("PRI * HTTP/2.0\r\n", 1_000),
    ("GET / HTTP/1.1\r\nHost: a\r\nx-slow", 1_000),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nh",
        1_000,
    ),
];
