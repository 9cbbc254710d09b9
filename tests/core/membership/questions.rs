//! What is asked, how often, and what is not.

use futures_util::future::join_all;
use futures_util::{FutureExt, poll};
use ghes_gatekeeper::membership::Membership;
use ghes_gatekeeper::policy::{Any, Decision, Policy, RequireGroup, RequireUser, from_fn};
use ghes_gatekeeper::scope::Scopes;
use ghes_gatekeeper::validator::Validator;
use tower::{Service, ServiceExt, service_fn};

use super::{TEAM, World, everybody_is_octocat, gate, group, request, send, team};

fn one_of(names: impl IntoIterator<Item = String>) -> Any {
    let policies = names
        .into_iter()
        .map(|name| RequireGroup::new(group(&name)));
    policies.collect()
}

#[tokio::test(start_paused = true)]
async fn members_come_in_and_others_do_not_on_miss_and_hit_alike() {
    for (membership, status) in [
        (Membership::Active, 200),
        (Membership::NotMember, 403),
        (Membership::NotVisible(Scopes::default()), 403),
    ] {
        let world = World::new(team());
        world.directory.says(TEAM, membership);
        for asked in [&[TEAM][..], &[], &[]] {
            assert_eq!(world.status().await, status);
            assert_eq!(world.directory.asked(), asked);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_let_in_without_is_not_asked_about() {
    let world = World::new(RequireUser::by_login(["octocat"]).or(team()));
    assert_eq!(world.status().await, 200);
    let world_of_others = World::new(RequireUser::by_login(["hubot"]).and(team()));
    assert_eq!(world_of_others.status().await, 403);
    for world in [world, world_of_others] {
        assert!(world.directory.asked().is_empty());
        assert_eq!(world.validator.membership_stats().misses, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_route_has_asked_another_knows() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    let other = gate(
        &world.validator,
        team().and(RequireGroup::new(group("octo-org"))),
    );
    world.directory.says("octo-org", Membership::Active);
    assert_eq!(send(&other, "a").await.status(), 200);
    assert_eq!(world.directory.asked(), [TEAM, "octo-org"]);
}

/// What a token may see is no matter of another token of the same person.
#[tokio::test(start_paused = true)]
async fn each_token_is_asked_with() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    for token in ["a", "b", "a", "b"] {
        assert_eq!(send(&world.gate, token).await.status(), 200);
    }
    assert_eq!(world.directory.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_are_one_question() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    world.directory.answers_only(0);
    let mut waiting: Vec<_> = (0..1_000).map(|_| Box::pin(world.status())).collect();
    for request in &mut waiting {
        assert!(poll!(request).is_pending());
    }
    super::settle().await;
    // The first may leave.
    drop(waiting.remove(0));
    world.directory.answers_only(1);
    assert_eq!(join_all(waiting).await, [200; 999]);
    assert_eq!(world.directory.asked(), [TEAM]);
}

#[tokio::test(start_paused = true)]
async fn a_hit_with_known_memberships_waits_for_nothing() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    assert_eq!(world.status().await, 200);
    let mut gate = world.gate.clone();
    let gate = gate.ready().await.expect("ready");
    let response = gate.call(request("a")).now_or_never();
    assert_eq!(
        response.expect("at once").expect("a response").status(),
        200
    );
}

#[tokio::test(start_paused = true)]
async fn of_a_long_list_no_more_is_asked_than_until_one_is_found() {
    let names = || (0..50).map(|number| format!("org-{number}"));
    let world = World::new(one_of(names()));
    world.directory.says("org-9", Membership::Active);
    assert_eq!(world.status().await, 200);
    let asked = world.directory.asked();
    assert_eq!(asked.len(), 16);
    assert!(asked.contains(&"org-9".to_owned()));

    let nobody = World::new(one_of(names()));
    assert_eq!(nobody.status().await, 403);
    assert_eq!(nobody.directory.asked().len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_list_beyond_measure_is_asked_by_and_by() {
    let world = World::new(one_of((0..100).map(|number| format!("org-{number}"))));
    let response = world.send().await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(world.directory.asked().len(), 64);
    assert_eq!(world.status().await, 403);
    assert_eq!(world.directory.asked().len(), 36);
}

/// A policy may name its groups by the request; each is asked about as it comes up.
#[tokio::test(start_paused = true)]
async fn a_group_that_comes_up_only_after_another_is_asked_about_too() {
    let chain = from_fn(|facts| {
        let required = ["one", "two", "three"].map(|name| RequireGroup::new(group(name)));
        let mut decisions = required.iter().map(|group| group.authorize(facts));
        let first = decisions.find(|decision| *decision != Decision::Allowed);
        first.unwrap_or(Decision::Allowed)
    });
    let world = World::new(chain);
    for name in ["one", "two", "three"] {
        world.directory.says(name, Membership::Active);
    }
    assert_eq!(world.status().await, 200);
    assert_eq!(world.directory.asked(), ["one", "two", "three"]);
}

/// A policy that is never content must not ask for ever.
#[tokio::test(start_paused = true)]
async fn a_policy_that_asks_for_what_it_was_told_gets_nothing_more() {
    let stubborn = from_fn(|_| Decision::Undecided(vec![group(TEAM)]));
    let world = World::new(stubborn);
    assert_eq!(world.status().await, 503);
    assert_eq!(world.directory.asked(), [TEAM]);
}

#[tokio::test(start_paused = true)]
async fn the_scope_that_would_show_a_membership_is_told() {
    let world = World::new(team());
    let accepted = Scopes::parse(["admin:org", "read:org"]).expect("scopes");
    world.directory.says(TEAM, Membership::NotVisible(accepted));
    for _ in 0..2 {
        let response = world.send().await;
        assert_eq!(response.status(), 403);
        assert_eq!(
            response.headers()["www-authenticate"],
            "Bearer realm=\"ghes\", error=\"insufficient_scope\", scope=\"read:org\""
        );
    }
}

/// Neither yes nor no, and never yes by the back door.
#[tokio::test(start_paused = true)]
async fn nobody_comes_in_because_their_token_may_not_show_where_they_belong() {
    let world = World::new(RequireGroup::new(group("octo-org/contractors")).not());
    let hidden = Membership::NotVisible(Scopes::default());
    world.directory.says("octo-org/contractors", hidden);
    assert_eq!(world.status().await, 403);
}

#[tokio::test]
#[should_panic(
    expected = "the policy asks for memberships, and a validator has no membership service"
)]
async fn without_anybody_to_ask_no_gate_is_built() {
    let check: super::Check = everybody_is_octocat;
    let validator = Validator::new(service_fn(check));
    gate(&validator, team());
}
