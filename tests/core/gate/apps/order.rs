//! Who is asked, who is not, and who is asked first.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use futures_util::poll;
use ghes_gatekeeper::check::{InactiveReason, Verdict};
use ghes_gatekeeper::gatekeeper::{ClientAddr, ClientLimit};
use ghes_gatekeeper::validator::{Purge, Validators};
use tower::ServiceExt;

use super::scripted::App;
use super::{NO, NO_ANSWER, Seen, UNKNOWN, WRONG_SECRET, World, by, no, seconds, settle, token};
use crate::gate::bearer;

/// Three apps, of which only the one at `place` knows tokens.
fn only(place: usize) -> World {
    let app = |(number, client_id)| match number == place {
        true => App::that_knows(client_id),
        false => App::that_is_told(client_id, UNKNOWN),
    };
    let names = ["web", "cli", "bot"];
    World::new(names.into_iter().enumerate().map(app).collect())
}

#[tokio::test(start_paused = true)]
async fn apps_are_asked_in_order_until_one_knows_the_token() {
    for (place, calls) in [[1, 0, 0], [1, 1, 0], [1, 1, 1]].into_iter().enumerate() {
        let world = only(place);
        assert_eq!(world.send("gho_a").await, by(&world.apps[place]));
        assert_eq!(world.calls(), calls);
        assert_eq!(world.send("gho_a").await, by(&world.apps[place]));
        assert_eq!(world.calls(), [0, 0, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_app_knows_is_refused_and_each_has_been_asked_once() {
    let world = only(3);
    for _ in 0..3 {
        assert_eq!(world.send("gho_a").await, NO);
    }
    assert_eq!(world.calls(), [1, 1, 1]);
    tokio::time::advance(seconds(10)).await;
    assert_eq!(world.send("gho_a").await, NO);
    assert_eq!(world.calls(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn the_app_that_knew_a_token_is_asked_first_when_its_age_is_over() {
    let world = only(2);
    assert_eq!(world.send("gho_a").await, by(&world.apps[2]));
    world.calls();
    tokio::time::advance(seconds(600)).await;
    assert_eq!(world.send("gho_a").await, by(&world.apps[2]));
    assert_eq!(world.calls(), [0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_its_app_knows_no_more_is_asked_about_everywhere() {
    let world = only(2);
    world.send("gho_a").await;
    world.calls();
    world.apps[2].is_told(UNKNOWN);
    tokio::time::advance(seconds(600)).await;
    assert_eq!(world.send("gho_a").await, NO);
    assert_eq!(world.calls(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_app_that_has_just_refused_a_token_is_not_asked_again() {
    let world = only(3);
    world.apps[1].is_told(WRONG_SECRET);
    assert_eq!(world.send("gho_a").await, NO_ANSWER);
    assert_eq!(world.calls(), [1, 1, 1]);
    assert_eq!(world.send("gho_a").await, NO_ANSWER);
    assert_eq!(world.calls(), [0, 1, 0]);
    world.apps[1].knows_octocat();
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_herd_with_one_unknown_token_costs_one_call_for_each_app() {
    let world = only(1);
    let herd = join_all((0..1_000).map(|_| world.send("gho_a"))).await;
    assert!(herd.iter().all(|seen| *seen == by(&world.apps[1])));
    assert_eq!(world.calls(), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_a_request_that_leaves_is_not_asked_again() {
    let world = only(1);
    world.apps[0].hold_back();
    let mut leaves = Box::pin(world.send("gho_a"));
    assert!(poll!(&mut leaves).is_pending());
    settle().await;
    drop(leaves);
    world.apps[0].let_go();
    settle().await;
    assert_eq!(world.calls(), [1, 0, 0]);
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_due_is_renewed_by_the_app_that_gave_it() {
    let world = only(1);
    world.send("gho_a").await;
    world.calls();
    tokio::time::advance(seconds(52)).await;
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    settle().await;
    assert_eq!(world.calls(), [0, 1, 0]);
    tokio::time::advance(seconds(40)).await;
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_every_app() {
    let world = only(1);
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    world.apps[1].is_told(UNKNOWN);
    // One app has refused it, one has confirmed it.
    assert_eq!(world.validators.purge(&Purge::Token(token().hash())), 2);
    assert_eq!(world.send("gho_a").await, NO);
    assert_eq!(world.calls(), [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn younger_answers_are_wanted_of_every_app() {
    let world = World::with_layer(
        vec![App::that_is_told("web", UNKNOWN), App::that_knows("cli")],
        |layer| layer.with_max_age(seconds(5)),
    );
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [1, 1]);
    tokio::time::advance(seconds(5)).await;
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn kinds_that_no_app_has_are_asked_about_nowhere() {
    let world = only(0);
    assert_eq!(world.send("ghp_a").await, NO);
    assert_eq!(world.calls(), [0, 0, 0]);
}

/// What one app knows is no guess, however many others have never heard of it.
#[tokio::test(start_paused = true)]
async fn a_token_that_one_app_knows_takes_no_turn_of_its_client() {
    let one = NonZeroU32::MIN;
    let world = World::with_layer(
        vec![App::that_is_told("web", UNKNOWN), App::that_knows("cli")],
        |layer| layer.with_client_limit(ClientLimit::per_second(one).with_burst(one)),
    );
    let send = async |token: &str| {
        let mut request = bearer(token);
        let client = ClientAddr("192.0.2.1".parse().expect("an address"));
        request.extensions_mut().insert(client);
        let Ok(response) = world.gate.clone().oneshot(request).await;
        Seen::of(&response)
    };
    assert_eq!(send("gho_a").await, by(&world.apps[1]));
    tokio::time::advance(seconds(600)).await;
    assert_eq!(send("gho_b").await, by(&world.apps[1]));
    let limited = Seen::Out {
        status: 429,
        is_challenged: false,
    };
    assert_eq!(send("gho_c").await, limited);
    assert_eq!(send("gho_a").await, by(&world.apps[1]));
}

/// Remembered or not, the reason is that of the app that says more than that it is not its token.
#[tokio::test(start_paused = true)]
async fn the_reason_of_a_refusal_is_the_first_that_tells_more() {
    let world = only(3);
    world.apps[1].is_told(no(InactiveReason::Expired));
    world.apps[2].is_told(no(InactiveReason::NoUser));
    let (_, asked) = world.validators.check(token()).await.expect("an answer");
    let found = world.validators.lookup(&token().hash());
    let (_, found) = found.expect("all remember it");
    for answer in [asked, found] {
        let is_first = matches!(answer.verdict, Verdict::Inactive(InactiveReason::Expired));
        assert!(is_first, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lookup_counts_once_however_many_were_looked_at() {
    let world = only(2);
    for _ in 0..3 {
        world.send("gho_a").await;
    }
    let stats = world.validators.stats();
    assert_eq!((stats.active_hits, stats.misses), (2, 1));
    assert_eq!((stats.active_entries, stats.inactive_entries), (1, 2));
    world.apps[2].is_told(UNKNOWN);
    for _ in 0..3 {
        world.send("gho_b").await;
    }
    let stats = world.validators.stats();
    assert_eq!((stats.inactive_hits, stats.misses), (2, 2));
}

/// The handle that is given out is the one that was put in.
#[tokio::test(start_paused = true)]
async fn the_validator_that_answered_comes_with_the_answer() {
    let world = only(1);
    let (asked, _) = world.validators.check(token()).await.expect("an answer");
    assert!(asked.lookup(&token().hash()).is_some());
    let (found, answer) = world.validators.lookup(&token().hash()).expect("a hit");
    assert!(matches!(answer.verdict, Verdict::Active(_)));
    assert_eq!(found.purge(&Purge::Token(token().hash())), 1);
    // The other one's refusal is still there.
    let first = world.validators.iter().next().expect("an app");
    assert!(first.lookup(&token().hash()).is_some());
    assert!(Validators::from(asked).lookup(&token().hash()).is_none());
}

/// It needs no place among those who wait.
#[tokio::test(start_paused = true)]
async fn an_app_that_has_just_refused_a_token_may_be_as_busy_as_it_is() {
    let world = World::with_max_waiting(
        1,
        vec![
            App::that_is_told("web", UNKNOWN),
            App::that_is_told("cli", WRONG_SECRET),
        ],
    );
    assert_eq!(world.send("gho_a").await, NO_ANSWER);
    world.apps[1].knows_octocat();
    world.apps[0].hold_back();
    let mut waits = Box::pin(world.send("gho_b"));
    assert!(poll!(&mut waits).is_pending());
    assert_eq!(world.send("gho_c").await, NO_ANSWER);
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    world.apps[0].let_go();
    assert_eq!(waits.await, by(&world.apps[1]));
}
