use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::client::{Client, GET, PATIENCE, probe};
use super::figure::{alone, figure};
use super::gate::Gate;
use super::upstream::upstream;

/// Out of file descriptors (EMFILE), the gate waits for some, does not spin and loses nobody.
#[test]
fn e3_without_descriptors_new_clients_wait() {
    alone(async {
        let gate = Gate::start_with(upstream().await, "timeouts.keep_alive = \"1h\"", FILES).await;
        // This one has a connection to the upstream, which others can use after it.
        let mut first = Client::to(gate.address).await;
        first.get().await;
        let mut clients = Vec::new();
        for _ in 0..2 * FILES {
            // The system takes them whether or not they are accepted.
            clients.push(Client::to(gate.address).await);
        }
        let full = async {
            while gate.files() < FILES as usize {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, full)
            .await
            .expect("a limit that is reached");

        let (before, since) = (gate.time(), Instant::now());
        let late = Client::that_sent(gate.address, GET).await;
        let waiting = timeout(Duration::from_secs(1), late.0.readable()).await;
        assert!(waiting.is_err(), "there was a descriptor left");
        let used = (gate.time() - before).as_millis() * 100 / since.elapsed().as_millis();
        figure("out of descriptors, of a core", format!("{used} %"), "5 %");
        assert!(used <= 5, "{used} %");

        for _ in 0..10 {
            first.get().await;
        }
        drop(clients);
        let answered = timeout(PATIENCE, late.0.readable()).await;
        answered.expect("a descriptor").expect("a connection");
        probe(gate.address).await;
        first.get().await;
    });
}

const FILES: u32 = 64;
