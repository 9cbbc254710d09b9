use std::time::Duration;

use ghes_gatekeeper::emulator::{Emulator, Operation};
use tokio::time::Instant;

use super::client::Client;
use super::gate::Gate;
use super::servers::{self, runtime};

const APP: &str = "abcde12345fghij67890";
const CONNECTIONS: usize = 32;
const TOKENS: usize = 30_000;
const ONE_BY_ONE: usize = 2_000;

pub(crate) fn measure() {
    let emulator = Emulator::default();
    let ghes = servers::ghes(emulator.clone());
    let upstream = servers::upstream();
    let gate = Gate::start(ghes.address, upstream.address);
    let mint = || {
        emulator
            .mint(APP, "octocat", &["repo"], None)
            .expect("a token")
    };
    let tokens: Vec<String> = (0..TOKENS).map(|_| mint()).collect();
    let few: Vec<String> = (0..ONE_BY_ONE).map(|_| mint()).collect();

    let cold = at_once(&gate, &tokens);
    let calls = emulator.calls(Operation::CheckToken);
    let hot = at_once(&gate, &tokens);
    println!(
        "{TOKENS} tokens over {CONNECTIONS} connections: {} calls to GHES over {} connections",
        calls,
        ghes.connections()
    );
    for (what, spent) in [("an unknown", &cold), ("a known", &hot)] {
        let each = spent.time.as_secs_f64() * 1e6 / TOKENS as f64;
        let rate = TOKENS as f64 / spent.elapsed.as_secs_f64();
        println!(
            "a request with {what} token: {each:.1} us of the proxy's processor time, {:.0} a \
             second of it; {rate:.0} a second beside GHES, upstream and clients",
            1e6 / each
        );
    }
    println!(
        "ratio: {:.2}",
        cold.time.as_secs_f64() / hot.time.as_secs_f64()
    );
    for (what, took) in [
        ("an unknown", one_by_one(&gate, &few)),
        ("a known", one_by_one(&gate, &few)),
    ] {
        println!(
            "one request with {what} token, median: {:.0} us",
            took.as_secs_f64() * 1e6
        );
    }
}

struct Spent {
    elapsed: Duration,
    time: Duration,
}

fn at_once(gate: &Gate, tokens: &[String]) -> Spent {
    let (before, began_at) = (gate.time(), Instant::now());
    runtime().block_on(async {
        let each = tokens.len().div_ceil(CONNECTIONS);
        let clients = tokens.chunks(each).map(|tokens| async move {
            let mut client = Client::connect(gate.address).await;
            for token in tokens {
                assert_eq!(client.ask(token).await, 200);
            }
        });
        futures_util::future::join_all(clients).await;
    });
    Spent {
        elapsed: began_at.elapsed(),
        time: gate.time() - before,
    }
}

fn one_by_one(gate: &Gate, tokens: &[String]) -> Duration {
    let mut took = Vec::with_capacity(tokens.len());
    runtime().block_on(async {
        let mut client = Client::connect(gate.address).await;
        for token in tokens {
            let began_at = Instant::now();
            assert_eq!(client.ask(token).await, 200);
            took.push(began_at.elapsed());
        }
    });
    took.sort();
    took[took.len() / 2]
}
