//! How much memory connections cost that do nothing wrong, or nothing at all.

use super::client::{Client, probe};
use super::figure::{alone, figure, may_open, mib};
use super::frames::{END_HEADERS, END_STREAM, GET, HEADERS, INDEXED, NEWEST, frame, head};
use super::gate::Gate;
use super::multiplexed::Multiplexed;
use super::upstream::upstream;

#[test]
fn e3_an_idle_gate_is_small() {
    alone(async {
        let gate = Gate::start(upstream().await, "").await;
        probe(gate.address).await;
        figure("idle, after one request", mib(gate.memory()), "15 MiB");
        assert!(gate.memory() <= 15 * 1024 * DEBUG, "{} KiB", gate.memory());
    });
}

#[test]
fn e3_ten_thousand_idle_connections_are_small() {
    if !may_open(CONNECTIONS as u64 + 500) {
        return;
    }
    alone(async {
        let gate = Gate::start(upstream().await, "timeouts.keep_alive = \"1h\"").await;
        probe(gate.address).await;
        let before = gate.memory();
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client = Client::to(gate.address).await;
            client.get().await;
            clients.push(client);
        }
        let grown = gate.memory() - before;
        let each = format!(
            "{}.{} KiB",
            grown / CONNECTIONS,
            grown % CONNECTIONS * 10 / CONNECTIONS
        );
        figure("10,000 idle connections", mib(grown), "200 MiB");
        figure("  each", each, "20 KiB");
        // How the heap is cut by requests that came between them is not the same each time.
        assert!(grown <= 25 * CONNECTIONS, "{grown} KiB");
        assert!(gate.files() > CONNECTIONS, "they are there");
        for client in &mut clients[..10] {
            client.get().await;
        }
    });
}

/// CVE-2026-49975 (nginx, Apache, Envoy, Go): a byte on the wire is a field in memory, and a
/// window of zero keeps it there.
#[test]
fn e7_an_hpack_bomb_costs_little_and_is_taken_away() {
    alone(async {
        bomb(440, "refused", 1024).await;
        // What fits the limits of a head costs what so many requests cost: 40 KiB each.
        bomb(90, "answered", 40 * STREAMS as usize).await;
    });
}

async fn bomb(fields: usize, what: &str, target: usize) {
    let gate = Gate::start(upstream().await, "h2c = true\ntimeouts.response = \"2s\"").await;
    probe(gate.address).await;
    let before = gate.memory();
    let mut attackers = Vec::new();
    for _ in 0..ATTACKERS {
        let frames = bombs(fields);
        let mut attacker = Multiplexed::that_sent(gate.address, 0, &frames).await;
        attacker.answered(STREAMS as usize).await;
        attackers.push(attacker);
    }
    let each = (gate.peak() - before) / ATTACKERS;
    let what = format!("HTTP/2 bomb, {fields} fields ({what}), a connection");
    figure(&what, format!("{each} KiB"), format!("{target} KiB"));
    assert!(each <= target, "{each} KiB");
    for attacker in &mut attackers {
        attacker.reset(STREAMS as usize).await;
    }
    probe(gate.address).await;
}

/// As many requests as there may be at once, each with so many fields of one byte.
fn bombs(fields: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    for stream in 0..STREAMS {
        let mut block = head(GET);
        if stream == 0 {
            block.extend(INDEXED);
        }
        block.extend(std::iter::repeat_n(NEWEST, fields));
        let flags = END_STREAM | END_HEADERS;
        frames.extend(frame(HEADERS, flags, 2 * stream + 1, &block));
    }
    frames
}

const CONNECTIONS: usize = 10_000;
const ATTACKERS: usize = 20;
const STREAMS: u32 = 100;

/// Without optimisation, the program itself is several times as large.
const DEBUG: usize = if cfg!(debug_assertions) { 3 } else { 1 };
