use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use tokio::time::Instant;

use super::client::Client;
use super::gate::Gate;
use super::servers::{self, runtime};

const CONNECTIONS: usize = 32;
const PEOPLE: usize = 1_000;
const SAMPLES: u32 = 20;

/// How much more memory the second half may end with than it began with, in per cent.
const TOLERANCE: f64 = 5.0;

/// Lets clients come and go for so long: most with tokens that are known or were once, some with
/// tokens that nobody has. Tells whether the memory of the proxy has stopped growing.
pub(crate) fn measure(time: Duration) -> bool {
    let emulator = Emulator::default();
    let ghes = servers::ghes(emulator.clone());
    let upstream = servers::upstream();
    let gate = Gate::start(ghes.address, upstream.address);
    let mint = |_| emulator.mint("abcde12345fghij67890", "octocat", &["repo"], None);
    let tokens: Vec<String> = (0..PEOPLE).map(|at| mint(at).expect("a token")).collect();

    let began_at = Instant::now();
    let mut memory = Vec::new();
    let mut requests = 0;
    for sample in 1..=SAMPLES {
        let until = began_at + time * sample / SAMPLES;
        let clients = (0..CONNECTIONS).map(|client| visit(&gate, &tokens, client, until));
        let visits = runtime().block_on(futures_util::future::join_all(clients));
        requests += visits.into_iter().sum::<usize>();
        memory.push(gate.memory());
        println!(
            "{:>5.0?}: {requests} requests, {} KiB",
            began_at.elapsed(),
            gate.memory()
        );
    }
    let half = memory.len() / 2;
    let (then, now) = (memory[half] as f64, memory[memory.len() - 1] as f64);
    let grown = (now / then - 1.0) * 100.0;
    println!("memory since half of the time: {grown:+.1} % (at most {TOLERANCE:+})");
    grown <= TOLERANCE
}

/// One client: a new connection every hundred requests, every tenth with a token of its own.
async fn visit(gate: &Gate, tokens: &[String], client: usize, until: Instant) -> usize {
    let mut connection = Client::connect(gate.address).await;
    let mut made = 0;
    while Instant::now() < until {
        made += 1;
        if made % 100 == 0 {
            connection = Client::connect(gate.address).await;
        }
        let (token, status) = match made % 10 {
            0 => (nobodys(), 401),
            _ => (tokens[(made * 7 + client * 31) % tokens.len()].clone(), 200),
        };
        assert_eq!(connection.ask(&token).await, status);
    }
    made
}

/// A token that there never was.
fn nobodys() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("gho_{:036}", COUNT.fetch_add(1, Ordering::Relaxed))
}
