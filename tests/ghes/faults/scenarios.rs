//! Half a minute of trouble, under paused time.

use std::collections::BTreeMap;
use std::time::Duration;

use ghes_gatekeeper::emulator::Emulator;
use ghes_gatekeeper::ghes::{App, GhesClient};
use ghes_gatekeeper::protection::Protection;
use ghes_gatekeeper::validator::{CacheOptions, Validator};
use tokio::sync::watch;
use tokio::time::Instant;

use super::memory::transport;
use super::pipe::{OUTAGES, Trouble};
use super::{CLIENT_ID, Gate, SECRET, gate, mint, status};

const USERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(250);

struct World {
    ghes: Emulator,
    gate: Gate,
    trouble: watch::Sender<Trouble>,
    began_at: Instant,
}

/// What users got, by status.
type Statuses = BTreeMap<u16, u64>;

impl World {
    fn new(grace: Duration) -> Self {
        let (trouble, receiver) = watch::channel(Trouble::None);
        let ghes = Emulator::default();
        let url = "http://ghes.test".parse().expect("a URL");
        let app = App::new(CLIENT_ID, SECRET);
        let client = GhesClient::new(&url, &app, transport(&ghes, receiver)).expect("an app");
        let (check, _) = Protection::new().protect(client, []);
        let options = CacheOptions::default().with_stale_if_error(grace);
        let validator = Validator::builder(check).with_cache(options).build();
        Self {
            ghes,
            gate: gate(validator),
            trouble,
            began_at: Instant::now(),
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.began_at + Duration::from_secs(seconds)
    }

    /// Somebody who works with one token until `end`.
    fn user(&self, token: String, end: Instant) -> tokio::task::JoinHandle<Statuses> {
        let gate = self.gate.clone();
        tokio::spawn(async move {
            let mut statuses = Statuses::new();
            while Instant::now() < end {
                *statuses.entry(status(&gate, &token).await).or_default() += 1;
                tokio::time::sleep(PAUSE).await;
            }
            statuses
        })
    }

    /// Somebody whose token nobody has seen before, one after another, until `end`.
    fn strangers(&self, end: Instant) -> tokio::task::JoinHandle<Statuses> {
        let (gate, ghes) = (self.gate.clone(), self.ghes.clone());
        tokio::spawn(async move {
            let mut statuses = Statuses::new();
            while Instant::now() < end {
                let token = mint(&ghes);
                *statuses.entry(status(&gate, &token).await).or_default() += 1;
                tokio::time::sleep(PAUSE).await;
            }
            statuses
        })
    }
}

async fn all(users: Vec<tokio::task::JoinHandle<Statuses>>) -> Statuses {
    let mut all = Statuses::new();
    for user in users {
        for (status, count) in user.await.expect("no panic") {
            *all.entry(status).or_default() += count;
        }
    }
    all
}

/// Runs trouble from second `from` to second `to`; returns what users and strangers got.
async fn live_through(world: &World, trouble: Trouble, from: u64, to: u64) -> (Statuses, Statuses) {
    let end = world.at(to + 30);
    let users = (0..USERS)
        .map(|_| world.user(mint(&world.ghes), end))
        .collect();
    tokio::time::sleep_until(world.at(from)).await;
    world.trouble.send_replace(trouble);
    let strangers = world.strangers(world.at(to));
    tokio::time::sleep_until(world.at(to)).await;
    world.trouble.send_replace(Trouble::None);
    // Strangers are the last to feel that it is over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        status(&world.gate, &mint(&world.ghes)).await,
        200,
        "{trouble:?}: no recovery"
    );
    (all(users).await, strangers.await.expect("no panic"))
}

/// Answers are a minute old at most when the trouble begins, and half of that when it ends.
#[tokio::test(start_paused = true)]
async fn users_work_through_half_a_minute_of_trouble_within_the_age() {
    for trouble in OUTAGES {
        let world = World::new(Duration::ZERO);
        let (users, strangers) = live_through(&world, trouble, 10, 40).await;
        assert_eq!(
            users.keys().collect::<Vec<_>>(),
            [&200],
            "{trouble:?}: {users:?}"
        );
        assert!(users[&200] > 1_000, "{users:?}");
        assert_eq!(
            strangers.keys().collect::<Vec<_>>(),
            [&503],
            "{trouble:?}: {strangers:?}"
        );
    }
}

/// The trouble begins before any answer is renewed, and outlasts all of them.
#[tokio::test(start_paused = true)]
async fn users_work_through_a_longer_trouble_within_the_grace() {
    for trouble in OUTAGES {
        let world = World::new(Duration::from_secs(120));
        let (users, strangers) = live_through(&world, trouble, 30, 150).await;
        assert_eq!(
            users.keys().collect::<Vec<_>>(),
            [&200],
            "{trouble:?}: {users:?}"
        );
        assert_eq!(
            strangers.keys().collect::<Vec<_>>(),
            [&503],
            "{trouble:?}: {strangers:?}"
        );
    }
}

/// Beyond age and grace nobody gets in, and nobody is told that their token is bad.
#[tokio::test(start_paused = true)]
async fn beyond_the_grace_users_wait_and_are_not_logged_out() {
    for trouble in OUTAGES {
        let world = World::new(Duration::ZERO);
        let (users, _) = live_through(&world, trouble, 30, 150).await;
        assert_eq!(
            users.keys().collect::<Vec<_>>(),
            [&200, &503],
            "{trouble:?}: {users:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_little_latency_is_no_trouble() {
    let world = World::new(Duration::ZERO);
    let late = Trouble::Latency(Duration::from_millis(500));
    world.trouble.send_replace(late);
    for _ in 0..10 {
        assert_eq!(status(&world.gate, &mint(&world.ghes)).await, 200);
    }
}
