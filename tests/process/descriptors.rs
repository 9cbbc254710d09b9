use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use super::client::{Client, GET, PATIENCE, probe, probe_by};
use super::figure::{alone, figure, may_open};
use super::gate::Gate;
use super::upstream::upstream;

/// Out of file descriptors (EMFILE), the gate waits for some, does not spin and loses nobody.
#[test]
fn e3_without_descriptors_new_clients_wait() {
    alone(async {
        let limit = format!("-n {FILES}");
        let gate =
            Gate::start_under(upstream().await, "timeouts.keep_alive = \"1h\"", &limit).await;
        // This one has a connection to the upstream, which others can use after it.
        let mut first = Client::to(gate.address).await;
        first.get().await;
        let mut clients = Vec::new();
        for _ in 0..2 * FILES {
            // The system takes them whether or not they are accepted.
            clients.push(Client::to(gate.address).await);
        }
        let full = async {
            while gate.files() < FILES / 2 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, full)
            .await
            .expect("a limit that is reached");

        assert!(gate.files() < FILES - 8, "some are kept");
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

/// With 1,024 descriptors, a client that was let have 1,000 connections shut everybody out. Those
/// that it may begin with are a limit that the process can raise; the other one is the system's.
#[test]
fn e3_probes_and_others_are_answered_whatever_one_client_holds() {
    for (limit, is_raised) in [("-Sn 1024", may_open(5_000)), ("-n 1024", false)] {
        for (what, bytes) in HELD {
            alone(async move {
                let mut gate = Gate::start_under(upstream().await, DEFAULTS, limit).await;
                let admin = gate.listens_as("admin").await;
                probe(gate.address).await;
                let mut held = Vec::new();
                for _ in 0..1_000 {
                    let mut client = Client::to(gate.address).await;
                    // One that has too many is closed.
                    let _ = client.0.write_all(bytes.as_bytes()).await;
                    held.push(client);
                }
                if is_raised {
                    let all = async {
                        while gate.files() < 1_000 {
                            tokio::task::yield_now().await;
                        }
                    };
                    timeout(PATIENCE, all)
                        .await
                        .expect("a limit that is raised");
                }
                let began_at = Instant::now();
                for path in ["/healthz", "/readyz", "/metrics"] {
                    let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                    let probe = Client::that_sent(admin, get.as_bytes()).await;
                    let answered = timeout(SOON, probe.0.readable()).await;
                    answered.expect("an answer").expect("a connection");
                }
                let probes = began_at.elapsed().as_millis();
                let other = timeout(SOON, probe_by(2, gate.address)).await;
                let other = other.expect("an answer").as_millis();
                let what = format!("1,000 {what}, ulimit {limit}");
                figure(&what, format!("{} files", gate.files()), "");
                figure("  three probes", format!("{probes} ms"), "1 s");
                figure(
                    "  a request of another client",
                    format!("{other} ms"),
                    "1 s",
                );
                drop(held);
            });
        }
    }
}

const HELD: [(&str, &str); 4] = [
    ("silent", ""),
    ("half heads", "GET / HTTP/1.1\r\nHost: a\r\nx-slow"),
    (
        "half bodies",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nh",
    ),
    (
        "of HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ),
];

const DEFAULTS: &str = "h2c = true\nadmin_listen = \"127.0.0.1:0\"\n\
    limits.connections = 10000\nlimits.connections_per_client = 1000";

const SOON: Duration = Duration::from_secs(1);

const FILES: usize = 64;
