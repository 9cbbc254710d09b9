//! For any apps, whatever they remember and are told, misses and hits end as the reference does.

use ghes_gatekeeper::check::{CheckErrorKind, InactiveReason, Verdict};
use ghes_gatekeeper::validator::CacheOptions;
use proptest::prelude::*;
use tokio::runtime::Builder;

use super::reference::{Outcome, Place, Remembered, decide};
use super::scripted::App;
use super::{NO, NO_ANSWER, Seen, World, no, seconds, token};

const NAMES: [&str; 4] = ["web", "cli", "bot", "ide"];

const REASONS: [InactiveReason; 4] = [
    InactiveReason::Expired,
    InactiveReason::NoUser,
    InactiveReason::Unknown,
    InactiveReason::Unprocessable,
];

fn reasons() -> impl Strategy<Value = InactiveReason> {
    // As often as GHES says so of another app's token.
    prop_oneof![
        2 => Just(InactiveReason::Unknown),
        1 => prop::sample::select(&REASONS[..]),
    ]
}

fn memories() -> impl Strategy<Value = Remembered> {
    prop_oneof![
        4 => Just(Remembered::Nothing),
        1 => Just(Remembered::Good),
        2 => Just(Remembered::GoodPastAge),
        2 => reasons().prop_map(Remembered::Refused),
        1 => Just(Remembered::RefusedPastAge),
    ]
}

/// What each app is told, named here so that the app can be as well.
#[derive(Clone, Debug)]
enum Telling {
    Good,
    Refused(InactiveReason),
    Fails(CheckErrorKind),
}

fn tellings() -> impl Strategy<Value = Telling> {
    use CheckErrorKind::{AppMismatch, CredentialsRefused, Forbidden};
    let of_one_app = [AppMismatch, CredentialsRefused, Forbidden];
    prop_oneof![
        2 => Just(Telling::Good),
        4 => reasons().prop_map(Telling::Refused),
        2 => prop::sample::select(of_one_app.to_vec()).prop_map(Telling::Fails),
        1 => prop::sample::select(CheckErrorKind::ALL.to_vec()).prop_map(Telling::Fails),
    ]
}

fn places() -> impl Strategy<Value = Vec<Place>> {
    let places = prop::collection::vec((memories(), tellings()), 1..=NAMES.len());
    places.prop_map(|places| {
        let named = NAMES.into_iter().zip(places);
        let place = |(name, (remembered, telling))| Place {
            remembered,
            said: match telling {
                Telling::Good => App::that_knows(name).said(),
                Telling::Refused(reason) => no(reason),
                Telling::Fails(kind) => Err(kind),
            },
        };
        named.map(place).collect()
    })
}

/// A world whose apps remember what they should, and are told what they should be from now on.
async fn world(places: &[Place], has_grace: bool) -> World {
    let grace = seconds(if has_grace { 300 } else { 0 });
    let options = CacheOptions::default().with_stale_if_error(grace);
    let apps = NAMES[..places.len()]
        .iter()
        .map(|name| App::that_knows(name));
    let world = World::with_cache(options, apps.collect());
    remember(&world, places, |remembered| match remembered {
        Remembered::GoodPastAge => Some(None),
        Remembered::RefusedPastAge => Some(Some(InactiveReason::Expired)),
        _ => None,
    })
    .await;
    tokio::time::advance(seconds(100)).await;
    remember(&world, places, |remembered| match remembered {
        Remembered::Good => Some(None),
        Remembered::Refused(reason) => Some(Some(reason)),
        _ => None,
    })
    .await;
    for (app, place) in world.apps.iter().zip(places) {
        app.is_told(place.said.clone());
    }
    world.calls();
    world
}

/// Makes those apps ask that `select` names, each of which is told the token is good, or why not.
async fn remember(
    world: &World,
    places: &[Place],
    select: impl Fn(Remembered) -> Option<Option<InactiveReason>>,
) {
    let validators = world.validators.iter().zip(&world.apps);
    for ((validator, app), place) in validators.zip(places) {
        if let Some(refused) = select(place.remembered) {
            match refused {
                Some(reason) => app.is_told(no(reason)),
                None => app.knows_octocat(),
            }
            validator.check(token()).await.expect("an answer");
        }
    }
}

fn seen(outcome: &Outcome) -> Seen {
    match outcome {
        Outcome::Good { place, is_stale } => Seen::In {
            app: NAMES[*place].into(),
            is_stale: *is_stale,
        },
        Outcome::Refused(_) => NO,
        Outcome::Failed(_) => NO_ANSWER,
    }
}

/// What the validators say themselves: the one that answered, the reason, the kind of failure.
async fn told(world: &World) -> Outcome {
    let found = world.validators.lookup(&token().hash());
    let answer = match found {
        Some((_, answer)) => Ok(answer),
        None => world
            .validators
            .check(token())
            .await
            .map(|(_, answer)| answer),
    };
    match answer {
        Err(error) => Outcome::Failed(error.kind()),
        Ok(answer) => match answer.verdict {
            Verdict::Inactive(reason) => Outcome::Refused(reason),
            Verdict::Active(identity) => Outcome::Good {
                place: NAMES
                    .iter()
                    .position(|name| *name == identity.client_id())
                    .expect("one of the apps"),
                is_stale: answer.freshness == ghes_gatekeeper::validator::Freshness::Stale,
            },
        },
    }
}

fn in_a_world<T>(places: &[Place], has_grace: bool, run: impl AsyncFnOnce(World) -> T) -> T {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let run = async { run(world(places, has_grace).await).await };
    runtime.expect("a runtime").block_on(run)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Twice each: what the first request leaves behind decides about the second.
    #[test]
    fn every_request_ends_as_the_reference_does(places in places(), has_grace: bool) {
        let mut left = places.clone();
        let expected = [0; 2].map(|_| decide(&mut left, has_grace));
        let of_gate = in_a_world(&places, has_grace, async |world| {
            let first = (world.send("gho_a").await, world.calls());
            [first, (world.send("gho_a").await, world.calls())]
        });
        let of_validators = in_a_world(&places, has_grace, async |world| {
            let first = (told(&world).await, world.calls());
            [first, (told(&world).await, world.calls())]
        });
        prop_assert_eq!(of_gate, expected.clone().map(|(outcome, calls)| (seen(&outcome), calls)));
        prop_assert_eq!(of_validators, expected);
    }
}
