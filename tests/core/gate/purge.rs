//! A purge takes effect at once, also on checks that are under way.

use futures_util::poll;
use ghes_gatekeeper::GatekeeperLayer;
use ghes_gatekeeper::check::{CheckPurpose, CheckRequest, InactiveReason, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::token::{AccessToken, TokenHash};
use ghes_gatekeeper::validator::{Purge, Validator};
use tower_test::mock;

use super::{CLIENT_ID, TOKEN, World, seconds, settle};

#[tokio::test(start_paused = true)]
async fn a_purged_token_is_asked_for_again() {
    let hash = TokenHash::of(TOKEN);
    for purge in [
        Purge::Token(hash),
        Purge::User(1),
        Purge::Authorization(1),
        Purge::ClientId(CLIENT_ID.into()),
        Purge::All,
    ] {
        let world = World::new();
        assert_eq!(world.status(TOKEN).await, 200);
        world.ghes.revoke(TOKEN);
        assert_eq!(world.status(TOKEN).await, 200);
        assert_eq!(world.validator.purge(&purge), 1, "{purge:?}");
        assert_eq!(world.status(TOKEN).await, 401, "{purge:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_can_be_purged_by_its_hash() {
    let world = World::new();
    assert_eq!(world.status("gho_nobody").await, 401);
    let purge = Purge::Token(TokenHash::of("gho_nobody"));
    assert_eq!(world.validator.purge(&purge), 1);
    assert_eq!(world.status("gho_nobody").await, 401);
    assert_eq!(world.calls(), 2);
}

/// The answer was given before the revocation that the purge is about, and comes in after it.
#[tokio::test(start_paused = true)]
async fn an_answer_from_before_the_purge_lets_nobody_in() {
    let octocat = Identity::new(User::new("octocat", 1), CLIENT_ID, 1, Default::default());
    let octocat = octocat.expect("an identity");
    let (check, mut handle) = mock::pair::<CheckRequest, Verdict>();
    let validator = Validator::new(check);
    let mut waiting = Box::pin(validator.check(AccessToken::new("a")));
    assert!(poll!(&mut waiting).is_pending());
    let (_, early) = handle.next_request().await.expect("a call");
    assert_eq!(validator.purge(&Purge::User(1)), 0);
    early.send_response(Verdict::Active(octocat));
    settle().await;
    assert!(poll!(&mut waiting).is_pending());

    let (_, late) = handle.next_request().await.expect("another call");
    late.send_response(Verdict::Inactive(InactiveReason::Unknown));
    let answer = waiting.await.expect("an answer");
    assert!(matches!(answer.verdict, Verdict::Inactive(_)));
}

/// Who was good within the hour goes before the crowd, until GHES or a purge says otherwise.
#[tokio::test(start_paused = true)]
async fn what_a_check_is_for_follows_from_what_is_known() {
    let octocat = Identity::new(User::new("octocat", 1), CLIENT_ID, 1, Default::default());
    let active = Verdict::Active(octocat.expect("an identity"));
    let (check, mut handle) = mock::pair::<CheckRequest, Verdict>();
    let validator = Validator::new(check);
    for purpose in [CheckPurpose::Admission, CheckPurpose::Renewal] {
        let waiting = validator.check(AccessToken::new("a"));
        let (request, reply) = handle.next_request().await.expect("a call");
        assert_eq!(request.purpose(), purpose);
        reply.send_response(active.clone());
        waiting.await.expect("an answer");
        tokio::time::advance(seconds(600)).await;
    }
    validator.purge(&Purge::All);
    let _waiting = validator.check(AccessToken::new("a"));
    let (request, _) = handle.next_request().await.expect("a call");
    assert_eq!(request.purpose(), CheckPurpose::Admission);
    // The layer takes the same validator, so a purge reaches every route.
    let _layer = GatekeeperLayer::new(validator);
}
