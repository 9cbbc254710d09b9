//! C7: how long a refusal takes tells nothing about the token that is refused.
#![expect(clippy::disallowed_types, reason = "what is measured is real time")]

use std::time::{Duration, Instant};

use ghes_gatekeeper::emulator::Emulator;

use super::{CLIENT_ID, World, bearer};

const OTHER_APP: &str = "abcde12345fghij67890";

const TOKENS: usize = 100;
const ROUNDS: usize = 50;

/// The chance that a time out of one sample is longer than one out of the other, where equal times
/// count half: what the Mann-Whitney test is about. For samples of one distribution it is 0.5.
fn superiority(one: &[Duration], other: &[Duration]) -> f64 {
    let mut other = other.to_vec();
    other.sort_unstable();
    let beaten = one.iter().map(|time| {
        let shorter = other.partition_point(|than| than < time);
        let not_longer = other.partition_point(|than| than <= time);
        (shorter + not_longer) as f64 / 2.0
    });
    beaten.sum::<f64>() / (one.len() * other.len()) as f64
}

#[test]
fn samples_that_differ_by_a_tenth_are_told_apart() {
    let spread = |from: u64| -> Vec<_> { (from..from + 1000).map(Duration::from_nanos).collect() };
    assert!((superiority(&spread(0), &spread(0)) - 0.5).abs() < 1e-9);
    assert!(superiority(&spread(200), &spread(0)) > 0.65);
}

/// The tokens of one kind, and what each refusal of them took.
struct Sample {
    tokens: Vec<String>,
    times: Vec<Duration>,
}

impl Sample {
    fn new(token: impl FnMut(usize) -> String) -> Self {
        let tokens = (0..TOKENS).map(token).collect();
        let times = Vec::with_capacity(TOKENS * ROUNDS);
        Self { tokens, times }
    }

    async fn refuse(&mut self, world: &World, at: usize) {
        let request = bearer(&self.tokens[at]);
        let began_at = Instant::now();
        let response = world.send(request).await;
        self.times.push(began_at.elapsed());
        assert_eq!(response.status(), 401);
    }
}

async fn assert_alike(world: &World, mut one: Sample, mut other: Sample) {
    for at in 0..TOKENS {
        one.refuse(world, at).await;
        other.refuse(world, at).await;
    }
    one.times.clear();
    other.times.clear();
    let calls = world.calls();
    for round in 0..ROUNDS {
        for at in 0..TOKENS {
            // Whoever comes second finds a warmer cache.
            let (first, second) = match (round + at) % 2 {
                0 => (&mut one, &mut other),
                _ => (&mut other, &mut one),
            };
            first.refuse(world, at).await;
            second.refuse(world, at).await;
        }
    }
    assert_eq!(world.calls(), calls);
    let superiority = superiority(&one.times, &other.times);
    assert!((superiority - 0.5).abs() < 0.1, "{superiority}");
}

#[tokio::test(start_paused = true)]
async fn c7_refusals_of_tokens_that_were_and_never_were_take_equally_long() {
    let world = World::new();
    let elsewhere = Emulator::default().with_seed(2);
    let never =
        |app: &str| Sample::new(|_| elsewhere.mint(app, "octocat", &[], None).expect("a token"));
    let revoked = Sample::new(|_| {
        let token = world.mint();
        assert!(world.ghes.revoke(&token));
        token
    });
    assert_alike(&world, revoked, never(CLIENT_ID)).await;
    let of_another_app = Sample::new(|_| {
        let token = world
            .ghes
            .mint("abcde12345fghij67890", "octocat", &[], None);
        token.expect("a token")
    });
    assert_alike(&world, of_another_app, never(OTHER_APP)).await;
}
