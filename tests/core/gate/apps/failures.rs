//! One app that cannot ask, and a server that cannot be asked.

use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::validator::CacheOptions;

use super::scripted::App;
use super::{NO, NO_ANSWER, OUTAGE, Seen, UNKNOWN, WRONG_SECRET, World, by, seconds};

/// What says nothing about another app.
const OF_ONE_APP: [CheckErrorKind; 3] = [
    CheckErrorKind::AppMismatch,
    CheckErrorKind::CredentialsRefused,
    CheckErrorKind::Forbidden,
];

fn grace() -> CacheOptions {
    CacheOptions::default().with_stale_if_error(seconds(300))
}

#[tokio::test(start_paused = true)]
async fn an_app_that_cannot_ask_keeps_nobody_of_another_app_out() {
    for kind in OF_ONE_APP {
        let broken = App::that_is_told("web", Err(kind));
        let world = World::new(vec![broken, App::that_knows("cli")]);
        assert_eq!(world.send("gho_a").await, by(&world.apps[1]), "{kind:?}");
        assert_eq!(world.send("gho_a").await, by(&world.apps[1]), "{kind:?}");
        assert_eq!(world.calls(), [1, 1], "{kind:?}");
    }
}

/// It might be the token's, and GHES has not said that it is not.
#[tokio::test(start_paused = true)]
async fn a_token_that_no_other_app_knows_is_never_refused() {
    for kind in OF_ONE_APP {
        for broken in 0..3 {
            let told = |number| if number == broken { Err(kind) } else { UNKNOWN };
            let app = |number| App::that_is_told("app", told(number));
            let world = World::new((0..3).map(app).collect());
            for _ in 0..3 {
                assert_eq!(world.send("gho_a").await, NO_ANSWER, "{kind:?} {broken}");
            }
            world.apps[broken].is_told(UNKNOWN);
            assert_eq!(world.send("gho_a").await, NO, "{kind:?} {broken}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_apps_that_cannot_ask_the_first_is_named() {
    let world = World::new(vec![
        App::that_is_told("web", UNKNOWN),
        App::that_is_told("cli", Err(CheckErrorKind::Forbidden)),
        App::that_is_told("bot", WRONG_SECRET),
    ]);
    let error = world.validators.check(super::token()).await;
    let error = error.expect_err("nobody has confirmed it");
    assert_eq!(error.kind(), CheckErrorKind::Forbidden);
}

/// The server is the same for all, and each of them would wait for it as long as the first.
#[tokio::test(start_paused = true)]
async fn an_outage_ends_it_at_once() {
    for kind in CheckErrorKind::ALL {
        if OF_ONE_APP.contains(&kind) {
            continue;
        }
        let failing = App::that_is_told("web", Err(kind));
        let world = World::new(vec![failing, App::that_knows("cli")]);
        assert_eq!(world.send("gho_a").await, NO_ANSWER, "{kind:?}");
        assert_eq!(world.calls(), [1, 0], "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_after_a_refusal_is_no_refusal() {
    let world = World::new(vec![
        App::that_is_told("web", UNKNOWN),
        App::that_is_told("cli", WRONG_SECRET),
        App::that_is_told("bot", OUTAGE),
    ]);
    let error = world.validators.check(super::token()).await;
    let error = error.expect_err("nobody has confirmed it");
    assert_eq!(error.kind(), CheckErrorKind::Connect);
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_of_the_app_that_knew_the_token_bridges_an_outage() {
    let stale = Seen::In {
        app: "cli".into(),
        is_stale: true,
    };
    for (options, seen) in [(CacheOptions::default(), NO_ANSWER), (grace(), stale)] {
        let apps = vec![App::that_is_told("web", UNKNOWN), App::that_knows("cli")];
        let world = World::with_cache(options, apps);
        assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
        world.calls();
        world.apps.iter().for_each(|app| app.is_told(OUTAGE));
        tokio::time::advance(seconds(100)).await;
        assert_eq!(world.send("gho_a").await, seen);
        assert_eq!(world.calls(), [0, 1]);
        tokio::time::advance(seconds(300)).await;
        assert_eq!(world.send("gho_a").await, NO_ANSWER);
    }
}

/// As with one app: what the app said last is no substitute for what it may not ask.
#[tokio::test(start_paused = true)]
async fn an_app_that_may_not_ask_any_more_is_no_outage() {
    for kind in OF_ONE_APP {
        let apps = vec![App::that_is_told("web", UNKNOWN), App::that_knows("cli")];
        let world = World::with_cache(grace(), apps);
        world.send("gho_a").await;
        world.apps[1].is_told(Err(kind));
        tokio::time::advance(seconds(100)).await;
        assert_eq!(world.send("gho_a").await, NO_ANSWER, "{kind:?}");
    }
}

/// Each app has as much time as a single one.
#[tokio::test(start_paused = true)]
async fn an_app_that_gives_no_answer_is_not_waited_for_by_turns() {
    let world = World::new(vec![App::that_knows("web"), App::that_knows("cli")]);
    world.apps[0].hold_back();
    let began_at = tokio::time::Instant::now();
    assert_eq!(world.send("gho_a").await, NO_ANSWER);
    assert_eq!(began_at.elapsed(), seconds(3));
    assert_eq!(world.calls(), [1, 0]);
}
