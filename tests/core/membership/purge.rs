//! A purge forgets memberships as well, and no answer under way brings them back.

use futures_util::poll;
use ghes_gatekeeper::membership::Membership;
use ghes_gatekeeper::token::TokenHash;
use ghes_gatekeeper::validator::Purge;

use super::{TEAM, World, send, settle, team};

fn purges() -> [Purge; 5] {
    [
        Purge::All,
        Purge::Token(TokenHash::of("a")),
        Purge::User(1),
        Purge::Authorization(7),
        Purge::ClientId("app".into()),
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_is_purged_memberships_go_with_it() {
    for membership in [Membership::Active, Membership::NotMember] {
        for purge in purges() {
            let world = World::new(team());
            world.directory.says(TEAM, membership.clone());
            world.status().await;
            assert_eq!(world.validator.purge(&purge), 2, "{purge:?}");
            assert_eq!(world.validator.purge(&purge), 0, "{purge:?}");
            world.status().await;
            assert_eq!(world.directory.asked(), [TEAM, TEAM], "{purge:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn others_are_left_alone() {
    let world = World::new(team());
    world.directory.says(TEAM, Membership::Active);
    for token in ["a", "b"] {
        assert_eq!(send(&world.gate, token).await.status(), 200);
    }
    assert_eq!(world.validator.purge(&Purge::Token(TokenHash::of("a"))), 2);
    assert_eq!(world.validator.purge(&Purge::User(2)), 0);
    world.directory.asked();
    assert_eq!(send(&world.gate, "b").await.status(), 200);
    assert!(world.directory.asked().is_empty());
}

/// The answer was given before the removal that the purge is about, and comes in after it.
#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_purge_lets_nobody_in() {
    for purge in purges() {
        let world = World::new(team());
        world.directory.says(TEAM, Membership::Active);
        world.directory.answers_only(0);
        let mut waiting = Box::pin(world.status());
        assert!(poll!(&mut waiting).is_pending());
        settle().await;
        assert!(poll!(&mut waiting).is_pending());
        settle().await;
        assert_eq!(world.directory.asked(), [TEAM]);

        world.directory.says(TEAM, Membership::NotMember);
        world.validator.purge(&purge);
        world.directory.answers_only(2);
        assert_eq!(waiting.await, 403, "{purge:?}");
        assert_eq!(world.directory.asked(), [TEAM]);
        assert_eq!(world.status().await, 403, "{purge:?}");
    }
}
