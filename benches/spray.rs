//! A flood of made-up tokens beside people at work: what reaches GHES, and what they notice.
//!
//! ```sh
//! cargo bench --bench spray --no-default-features --features client,emulator
//! ```
//!
//! For half a minute, tokens that nobody has seen before come as fast as 20,000 a second, from
//! ever new addresses, and 50 people make four requests a second each. Answers are trusted for
//! 10 s, so that each of these people has to be renewed three times meanwhile. The bench fails if
//! GHES is called more often than the limits allow and 1 %, if any of the people is turned away or
//! forgotten, or if memory grows beyond its formula.
//!
//! Measured on two shared cores of an AMD EPYC under Rust 1.95, with other work beside it:
//!
//! | | from ever new addresses | from one address |
//! |---|---|---|
//! | tokens sprayed | 599,980 (19,999/s) | 600,000 (20,000/s) |
//! | … refused by GHES, 401 | 4,950 | 1,651 |
//! | … beyond the limits, 503 | 595,030 | 48 |
//! | … beyond the client's limit, 429 | 0 | 598,301 |
//! | calls to GHES | 5,121 of 6,250 allowed | 1,822 of 6,250 allowed |
//! | requests of 50 people | 6,050 | 6,050 |
//! | … allowed | 6,050 | 6,050 |
//! | … the slowest | 234 µs | 41 µs |
//! | people remembered | 50 | 50 |
//! | refusals remembered | 1,589 | 497 |
//! | memory grown | 2.5 MiB | 48 KiB |
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::convert::Infallible;
use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::emulator::{Emulator, Operation};
use ghes_gatekeeper::gatekeeper::{ClientAddr, ClientLimit};
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::protection::{Limits, Protection};
use ghes_gatekeeper::validator::{CacheOptions, CacheStats, Validator};
use http::{Request, Response};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt, service_fn};

const CLIENT_ID: &str = "Iv1.8a61f9b3a7aba766";
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

const LASTS: Duration = Duration::from_secs(30);
const SPRAYED_PER_MILLISECOND: u64 = 20;
const PEOPLE: usize = 50;
const PAUSE: Duration = Duration::from_millis(250);

type Gate = BoxCloneSyncService<Request<()>, Response<()>, Infallible>;

/// Requests by how they ended.
#[derive(Default)]
struct Tally {
    allowed: AtomicU64,
    refused: AtomicU64,
    limited: AtomicU64,
    unavailable: AtomicU64,
    other: AtomicU64,
    slowest_us: AtomicU64,
}

impl Tally {
    async fn send(&self, gate: Gate, token: &str, client: Option<ClientAddr>) {
        let request = Request::get("/").header("authorization", format!("Bearer {token}"));
        let mut request = request.body(()).expect("a request");
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        let began_at = Instant::now();
        let Ok(response) = gate.oneshot(request).await;
        let took = u64::try_from(began_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.slowest_us.fetch_max(took, Ordering::Relaxed);
        match response.status().as_u16() {
            200 => &self.allowed,
            401 => &self.refused,
            429 => &self.limited,
            503 => &self.unavailable,
            _ => &self.other,
        }
        .fetch_add(1, Ordering::Relaxed);
    }

    fn all(&self) -> u64 {
        let counts = [
            &self.allowed,
            &self.refused,
            &self.limited,
            &self.unavailable,
            &self.other,
        ];
        counts.iter().map(|count| get(count)).sum()
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

struct World {
    ghes: Emulator,
    gate: Gate,
    stats: Box<dyn Fn() -> CacheStats>,
    known: Vec<String>,
}

impl World {
    fn new() -> Self {
        let ghes = Emulator::default();
        let url = "http://localhost".parse().expect("a URL");
        let app = App::new(CLIENT_ID, SECRET);
        let client = GhesClient::new(&url, &app, ghes.clone()).expect("an app");
        let (check, _) = Protection::new().protect(client, []);
        let cache = CacheOptions::default().with_active_max_age(Duration::from_secs(10));
        let validator = Validator::builder(check).with_cache(cache).build();
        let layer =
            GatekeeperLayer::new(validator.clone()).with_client_limit(ClientLimit::default());
        let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
        let mint = |_| ghes.mint(CLIENT_ID, "octocat", &[], None).expect("a token");
        let known = (0..PEOPLE).map(mint).collect();
        Self {
            gate: BoxCloneSyncService::new(layer.layer(inner)),
            stats: Box::new(move || validator.stats()),
            known,
            ghes,
        }
    }

    /// Everybody at work is known before the flood begins.
    async fn warm(&self) {
        let tally = Tally::default();
        for token in &self.known {
            tally.send(self.gate.clone(), token, None).await;
        }
        assert_eq!(get(&tally.allowed), PEOPLE as u64);
    }
}

/// Sends each token once; `client` says where the nth comes from.
async fn spray(gate: Gate, tally: Arc<Tally>, until: Instant, client: fn(u64) -> ClientAddr) {
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sprayed = 0_u64;
    while tick.tick().await < until && Instant::now() < until {
        for _ in 0..SPRAYED_PER_MILLISECOND {
            sprayed += 1;
            let (gate, tally) = (gate.clone(), Arc::clone(&tally));
            tokio::spawn(async move {
                let token = format!("gho_{sprayed:036}");
                tally.send(gate, &token, Some(client(sprayed))).await;
            });
        }
    }
}

async fn work(gate: Gate, tally: Arc<Tally>, token: String, until: Instant) {
    let mut tick = interval(PAUSE);
    while Instant::now() < until {
        tick.tick().await;
        tally.send(gate.clone(), &token, None).await;
    }
}

fn everywhere(nth: u64) -> ClientAddr {
    ClientAddr(IpAddr::V6(Ipv6Addr::from_bits(u128::from(nth) << 64)))
}

fn one_place(_: u64) -> ClientAddr {
    ClientAddr(IpAddr::from([192, 0, 2, 1]))
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// What the limits allow in `LASTS`, on top of what is at hand at the start.
fn allowed_calls() -> u64 {
    let limits = Limits::default();
    u64::from(limits.burst.get()) + u64::from(limits.rate.get()) * LASTS.as_secs()
}

/// What half a minute came to.
struct Outcome {
    sprayed: Arc<Tally>,
    people: Arc<Tally>,
    calls: u64,
    grown: u64,
    stats: CacheStats,
}

async fn flood(client: fn(u64) -> ClientAddr) -> Outcome {
    let world = World::new();
    world.warm().await;
    let calls_before = world.ghes.calls(Operation::CheckToken);
    let memory_before = resident_bytes();
    let (sprayed, people) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
    let until = Instant::now() + LASTS;
    let mut tasks = JoinSet::new();
    let flood = spray(world.gate.clone(), Arc::clone(&sprayed), until, client);
    tasks.spawn(flood);
    for token in &world.known {
        let people = Arc::clone(&people);
        tasks.spawn(work(world.gate.clone(), people, token.clone(), until));
    }
    let mut peak = memory_before;
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
        peak = peak.max(resident_bytes());
    }
    tasks.join_all().await;
    Outcome {
        sprayed,
        people,
        calls: world.ghes.calls(Operation::CheckToken) - calls_before,
        grown: peak - memory_before,
        stats: (world.stats)(),
    }
}

impl Outcome {
    fn print(&self) {
        let (sprayed, people, stats) = (&self.sprayed, &self.people, &self.stats);
        let per_second = sprayed.all() / LASTS.as_secs();
        let (calls, grown) = (self.calls, self.grown / 1024);
        println!("| tokens sprayed | {} ({per_second}/s) |", sprayed.all());
        println!("| … refused by GHES, 401 | {} |", get(&sprayed.refused));
        println!(
            "| … beyond the limits, 503 | {} |",
            get(&sprayed.unavailable)
        );
        println!(
            "| … beyond the client's limit, 429 | {} |",
            get(&sprayed.limited)
        );
        println!("| calls to GHES | {calls} of {} allowed |", allowed_calls());
        println!("| requests of {PEOPLE} people | {} |", people.all());
        println!("| … allowed | {} |", get(&people.allowed));
        println!("| … the slowest | {} µs |", get(&people.slowest_us));
        println!("| people remembered | {} |", stats.active_entries);
        println!("| refusals remembered | {} |", stats.inactive_entries);
        println!(
            "| memory grown | {grown} of {} KiB |",
            memory_formula(stats) / 1024
        );
    }

    fn hold(&self) {
        let (calls, grown) = (self.calls, self.grown);
        let nobody = get(&self.sprayed.allowed) + get(&self.sprayed.other);
        assert_eq!(nobody, 0, "somebody got in by guessing");
        assert!(calls <= allowed_calls() * 101 / 100, "{calls} calls");
        let people = &self.people;
        assert_eq!(
            get(&people.allowed),
            people.all(),
            "somebody was turned away"
        );
        let remembered = self.stats.active_entries;
        assert_eq!(remembered, PEOPLE as u64, "somebody was forgotten");
        let formula = memory_formula(&self.stats);
        assert!(grown <= formula, "{grown} bytes of {formula}");
    }
}

/// 600 bytes an entry, what may wait for GHES at a time, and what the allocator does not give back.
fn memory_formula(stats: &CacheStats) -> u64 {
    let entries = stats.active_entries + stats.inactive_entries;
    let limits = Limits::default();
    let waiting = u64::from(limits.concurrency.get()) + 2 * u64::from(limits.queue);
    entries * 600 + waiting * 8 * 1024 + 4 * 1024 * 1024
}

fn main() {
    let runtime = Builder::new_multi_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    for (from, client) in [
        ("ever new addresses", everywhere as fn(u64) -> ClientAddr),
        ("one address", one_place),
    ] {
        println!("\n| {} s from {from} | |\n|---|---|", LASTS.as_secs());
        let outcome = runtime.block_on(flood(client));
        outcome.print();
        outcome.hold();
    }
}
