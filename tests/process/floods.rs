//! Clients of HTTP/2 that send what costs them nothing, as fast as they can.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{probe, probes};
use super::figure::{alone, figure, mib, setting};
use super::frames::{
    CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, HEADERS, PING, POST, RST_STREAM,
    SETTINGS, frame, head, preface,
};
use super::gate::Gate;
use super::upstream::upstream;

struct Flood {
    name: &'static str,
    beginning: Vec<u8>,
    /// What comes again and again, given the stream.
    piece: fn(u32) -> Vec<u8>,
    /// Whether the client reads what the server has to say.
    reads: bool,
    /// Whether the server has to end it.
    is_ended: bool,
}

/// CVE-2023-44487, CVE-2025-8671.
#[test]
fn e5_rapid_reset_is_ended_in_constant_memory() {
    assert_harmless(&Flood {
        name: "rapid reset",
        beginning: Vec::new(),
        piece: |stream| {
            let mut piece = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(GET));
            piece.extend(frame(RST_STREAM, 0, stream, &CANCEL));
            piece
        },
        reads: true,
        is_ended: true,
    });
}

/// RUSTSEC-2024-0332: a head that never ends.
#[test]
fn e6_a_head_without_end_is_ended_in_constant_memory() {
    assert_harmless(&Flood {
        name: "CONTINUATION",
        beginning: frame(HEADERS, END_STREAM, 1, &head(GET)),
        piece: |_| frame(CONTINUATION, 0, 1, b"\0\x01b\0"),
        reads: true,
        is_ended: true,
    });
}

/// The same with nothing in it.
#[test]
fn e6_empty_continuations_are_ended_in_constant_memory() {
    assert_harmless(&Flood {
        name: "CONTINUATION, empty",
        beginning: frame(HEADERS, END_STREAM, 1, &head(GET)),
        piece: |_| frame(CONTINUATION, 0, 1, b""),
        reads: true,
        is_ended: true,
    });
}

/// RUSTSEC-2026-0258: a body of nothing that never ends.
#[test]
fn e6_empty_data_is_ended_in_constant_memory() {
    assert_harmless(&Flood {
        name: "empty DATA",
        beginning: frame(HEADERS, END_HEADERS, 1, &head(POST)),
        piece: |_| frame(DATA, 0, 1, b""),
        reads: true,
        is_ended: true,
    });
}

/// CVE-2019-9512, CVE-2019-9515: what has to be acknowledged, to a client that does not read.
#[test]
fn e6_pings_and_settings_of_who_does_not_read_take_constant_memory() {
    for (name, piece) in [
        (
            "PING, unread",
            (|_| frame(PING, 0, 0, &[0; 8])) as fn(u32) -> Vec<u8>,
        ),
        ("SETTINGS, unread", |_| frame(SETTINGS, 0, 0, &[])),
    ] {
        assert_harmless(&Flood {
            name,
            beginning: Vec::new(),
            piece,
            reads: false,
            is_ended: false,
        });
    }
}

/// Fifty attackers take little memory and let others through.
fn assert_harmless(flood: &Flood) {
    alone(async {
        let gate = Gate::start(upstream().await, "h2c = true").await;
        probe(gate.address).await;
        let before = gate.memory();
        let mut attacks = JoinSet::new();
        for _ in 0..ATTACKERS {
            attacks.spawn(attack(
                gate.address,
                flood.beginning.clone(),
                flood.piece,
                flood.reads,
            ));
        }
        let (mut ended, mut frames) = (0, 0);
        let attacked = async {
            while let Some(attack) = attacks.join_next().await {
                let (is_ended, sent) = attack.expect("no panic");
                ended += usize::from(is_ended);
                frames += sent;
            }
        };
        let took = probes(gate.address, attacked).await;
        let grown = gate.peak().saturating_sub(before);
        let slow = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
        let what = format!("{}, {frames} frames", flood.name);
        figure(&what, mib(grown), "64 MiB");
        figure(
            "  a request meanwhile, 99 of 100",
            format!("{} ms", slow.as_millis()),
            "100 ms",
        );
        assert!(grown <= 64 * 1024, "{grown} KiB");
        assert!(slow <= Duration::from_secs(10), "{slow:?}");
        probe(gate.address).await;
        if flood.is_ended {
            assert_eq!(ended, ATTACKERS);
        }
    });
}

/// Floods a connection, and returns whether the server ended it and how much was sent.
async fn attack(
    address: SocketAddr,
    beginning: Vec<u8>,
    piece: fn(u32) -> Vec<u8>,
    reads: bool,
) -> (bool, usize) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut reader, mut writer) = stream.into_split();
    let begun = [preface(65_535), beginning].concat();
    writer.write_all(&begun).await.expect("a server");
    let reading = tokio::spawn(async move {
        let mut answers = vec![0; 16 * 1024];
        while reads && reader.read(&mut answers).await.is_ok_and(|read| read > 0) {}
        // Not dropped before the flood is over, because that would end it.
        reader
    });
    let (mut is_ended, mut sent) = (false, 0);
    // More answers than the system holds for who does not read.
    let least = if reads { 10_000 } else { 50_000 };
    let frames = setting("GATEKEEPER_FLOOD_FRAMES", least);
    while !is_ended && sent < frames {
        let first = u32::try_from(sent).expect("a few");
        let pieces = (first..).take(BATCH).flat_map(|n| piece(2 * n + 1));
        let pieces: Vec<u8> = pieces.collect();
        // A server that does not read any more is not waited for.
        match timeout(STUCK, writer.write_all(&pieces)).await {
            Ok(written) => is_ended = written.is_err(),
            Err(_) => break,
        }
        sent += BATCH;
    }
    // What was sent before the end may have been taken by the system.
    if reads && !is_ended {
        is_ended = timeout(STUCK, reading).await.is_ok();
    }
    (is_ended, sent)
}

const ATTACKERS: usize = 50;
const BATCH: usize = 100;
const STUCK: Duration = Duration::from_secs(2);
