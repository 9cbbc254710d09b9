//! Where somebody belongs is asked of the app that has confirmed the token.

use ghes_gatekeeper::membership::{Group, Membership};
use ghes_gatekeeper::policy::RequireGroup;

use super::scripted::App;
use super::{NO, Seen, UNKNOWN, World, by, seconds, settle};

const DENIED: Seen = Seen::Out {
    status: 403,
    is_challenged: false,
};

/// Two apps, of which the second knows octocat, before a route for a team.
fn world() -> World {
    let group: Group = "octo-org/platform".parse().expect("a group");
    let apps = vec![App::that_is_told("web", UNKNOWN), App::that_knows("cli")];
    World::with_layer(apps, |layer| layer.with_policy(RequireGroup::new(group)))
}

fn questions(world: &World) -> Vec<u64> {
    world.apps.iter().map(App::take_questions).collect()
}

#[tokio::test(start_paused = true)]
async fn the_app_that_answered_is_asked_where_its_person_belongs() {
    for (of_first, of_second, seen) in [
        (Membership::Active, Membership::NotMember, DENIED),
        (
            Membership::NotMember,
            Membership::Active,
            by(&App::that_knows("cli")),
        ),
    ] {
        let world = world();
        world.apps[0].is_told_of_memberships(of_first);
        world.apps[1].is_told_of_memberships(of_second);
        assert_eq!(world.send("gho_a").await, seen, "a miss");
        assert_eq!(questions(&world), [0, 1]);
        assert_eq!(world.send("gho_a").await, seen, "a hit");
        assert_eq!(questions(&world), [0, 0]);
    }
}

/// The token is remembered, and its memberships have to be asked for: the other way into the same.
#[tokio::test(start_paused = true)]
async fn a_hit_asks_the_same_app() {
    let world = world();
    world.apps[0].is_told_of_memberships(Membership::Active);
    assert_eq!(world.send("gho_a").await, DENIED);
    // Longer than a "no" about a group is remembered.
    tokio::time::advance(seconds(11)).await;
    world.apps[1].is_told_of_memberships(Membership::Active);
    world.calls();
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    assert_eq!(world.calls(), [0, 0]);
    assert_eq!(questions(&world), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_is_due_is_renewed_by_the_same_app() {
    let world = world();
    world.apps[1].is_told_of_memberships(Membership::Active);
    world.send("gho_a").await;
    questions(&world);
    tokio::time::advance(seconds(52)).await;
    assert_eq!(world.send("gho_a").await, by(&world.apps[1]));
    settle().await;
    assert_eq!(questions(&world), [0, 1]);
}

/// What GHES has confirmed to one app and then refuses is for that app to ask about again.
#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_meanwhile_is_checked_again_by_its_app() {
    let world = world();
    world.apps[1].is_told_of_memberships(Membership::TokenRefused);
    let doubtful = Seen::Out {
        status: 503,
        is_challenged: false,
    };
    assert_eq!(world.send("gho_a").await, doubtful);
    assert_eq!(world.calls(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_revoked_meanwhile_is_401() {
    let world = world();
    assert_eq!(world.send("gho_a").await, DENIED);
    tokio::time::advance(seconds(11)).await;
    world.apps[1].is_told_of_memberships(Membership::TokenRefused);
    world.apps[1].is_told(UNKNOWN);
    world.calls();
    assert_eq!(world.send("gho_a").await, NO);
    assert_eq!(world.calls(), [0, 1]);
}
