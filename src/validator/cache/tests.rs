use std::time::SystemTime;

use super::*;
use crate::check::{InactiveReason, Verdict};
use crate::identity::User;
use crate::membership::Membership;
use crate::scope::Scopes;
use crate::token::TokenHash;

type VerdictCache = AnswerCache<Tokens>;

fn hash(token: &str) -> TokenHash {
    TokenHash::of(token)
}

fn identity() -> Identity {
    Identity::new(User::new("octocat", 1), "app", 1, Scopes::default()).unwrap()
}

fn cache() -> VerdictCache {
    VerdictCache::new(CacheOptions::default())
}

/// Stores the answer to a question that is sent now.
fn store(cache: &VerdictCache, token: &str, verdict: &Verdict) {
    let question = cache.question();
    let told = Told::now(verdict.clone());
    cache.store(&hash(token), &told, question, || ()).unwrap();
}

fn is_active(cache: &VerdictCache, token: &str) -> Option<bool> {
    let found = cache.get(&hash(token), None)?;
    Some(matches!(found.answer, Verdict::Active(_)))
}

#[tokio::test(start_paused = true)]
async fn an_active_verdict_ends_with_its_age_at_the_latest() {
    let cache = cache();
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(53)).await;
    assert_eq!(is_active(&cache, "a"), Some(true));
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(is_active(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_the_question() {
    let cache = cache();
    let question = cache.question();
    tokio::time::advance(Duration::from_secs(3)).await;
    let inactive = Verdict::Inactive(InactiveReason::Unknown);
    cache
        .store(&hash("a"), &inactive.into(), question, || ())
        .unwrap();
    tokio::time::advance(Duration::from_millis(6_999)).await;
    assert_eq!(is_active(&cache, "a"), Some(false));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(is_active(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn an_active_verdict_does_not_outlive_the_token() {
    let cache = cache();
    let soon = SystemTime::now() + Duration::from_secs(20);
    let identity = identity().with_expires_at(soon);
    store(&cache, "a", &Verdict::Active(identity));
    tokio::time::advance(Duration::from_secs(19)).await;
    assert_eq!(is_active(&cache, "a"), Some(true));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(is_active(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn the_newer_verdict_replaces_the_older() {
    let cache = cache();
    let active = Verdict::Active(identity());
    let inactive = Verdict::Inactive(InactiveReason::Unknown);
    for (verdict, expected) in [(&active, true), (&inactive, false), (&active, true)] {
        store(&cache, "a", verdict);
        assert_eq!(is_active(&cache, "a"), Some(expected));
    }
}

/// An active verdict may be evicted; the refusal that it replaced must not come back.
#[tokio::test(start_paused = true)]
async fn a_replaced_refusal_is_gone() {
    let cache = cache();
    let inactive = Verdict::Inactive(InactiveReason::Unknown);
    store(&cache, "a", &inactive);
    store(&cache, "a", &Verdict::Active(identity()));
    cache.active.invalidate(&hash("a"));
    assert_eq!(is_active(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn unknown_tokens_never_push_out_known_ones() {
    let cache = VerdictCache::new(CacheOptions {
        active_capacity: 10,
        inactive_capacity: 10,
        ..CacheOptions::default()
    });
    for token in 0..10 {
        store(
            &cache,
            &format!("known{token}"),
            &Verdict::Active(identity()),
        );
    }
    let inactive = Verdict::Inactive(InactiveReason::Unknown);
    for token in 0..1_000 {
        store(&cache, &format!("unknown{token}"), &inactive);
    }
    let stats = cache.stats();
    assert_eq!(stats.active_entries, 10);
    assert!(stats.inactive_entries <= 10);
}

fn freshness(cache: &VerdictCache, max_age: Option<Duration>) -> Option<Freshness> {
    cache
        .get(&hash("a"), max_age)
        .map(|answer| answer.freshness)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_due_from_four_fifths_of_its_age_on() {
    let cache = cache();
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(43)).await;
    assert_eq!(freshness(&cache, None), Some(Freshness::Fresh));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(freshness(&cache, None), Some(Freshness::Due));
}

#[tokio::test(start_paused = true)]
async fn who_wants_a_younger_answer_gets_none_that_is_older() {
    let cache = cache();
    store(&cache, "a", &Verdict::Active(identity()));
    let ten = Some(Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(freshness(&cache, ten), Some(Freshness::Fresh));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(freshness(&cache, ten), Some(Freshness::Due));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(freshness(&cache, ten), None);
    assert_eq!(freshness(&cache, None), Some(Freshness::Fresh));
}

#[tokio::test(start_paused = true)]
async fn one_of_many_renews_and_a_failure_is_tried_again_later() {
    let cache = cache();
    assert!(!cache.claim_renewal(&hash("a")));
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(48)).await;
    assert!(cache.claim_renewal(&hash("a")));
    assert!(!cache.claim_renewal(&hash("a")));
    assert_eq!(freshness(&cache, None), Some(Freshness::Fresh));
    tokio::time::advance(RENEWAL_PAUSE).await;
    assert_eq!(freshness(&cache, None), Some(Freshness::Due));
    assert!(cache.claim_renewal(&hash("a")));
}

#[tokio::test(start_paused = true)]
async fn a_claim_makes_no_answer_younger() {
    let cache = cache();
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(48)).await;
    assert!(cache.claim_renewal(&hash("a")));
    tokio::time::advance(Duration::from_secs(12)).await;
    assert_eq!(is_active(&cache, "a"), None);
}

#[tokio::test(start_paused = true)]
async fn an_older_answer_never_replaces_a_younger_one() {
    let active = Verdict::Active(identity());
    let inactive = Verdict::Inactive(InactiveReason::Unknown);
    for (older, younger, expected) in [(&active, &inactive, false), (&inactive, &active, true)] {
        let cache = cache();
        let question = cache.question();
        tokio::time::advance(Duration::from_secs(1)).await;
        store(&cache, "a", younger);
        let older = Told::now(older.clone());
        cache.store(&hash("a"), &older, question, || ()).unwrap();
        assert_eq!(is_active(&cache, "a"), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn grace_is_off_unless_it_was_asked_for() {
    let cache = cache();
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(58)).await;
    assert!(cache.get_stale(&hash("a"), None).is_none());
}

#[tokio::test(start_paused = true)]
async fn grace_ends_counts_from_the_answer_and_dies_with_a_refusal() {
    let grace = Duration::from_secs(300);
    let cache = VerdictCache::new(CacheOptions::default().with_stale_if_error(grace));
    store(&cache, "a", &Verdict::Active(identity()));
    store(&cache, "b", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(359)).await;
    let stale = cache.get_stale(&hash("a"), None).unwrap();
    assert_eq!(stale.freshness, Freshness::Stale);
    assert!(
        cache
            .get_stale(&hash("a"), Some(Duration::from_secs(59)))
            .is_none()
    );

    store(&cache, "b", &Verdict::Inactive(InactiveReason::Unknown));
    assert!(cache.get_stale(&hash("b"), None).is_none());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(cache.get_stale(&hash("a"), None).is_none());
}

#[tokio::test(start_paused = true)]
async fn no_grace_is_longer_than_a_quarter_of_an_hour() {
    let cache = VerdictCache::new(CacheOptions::default().with_stale_if_error(Duration::MAX));
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(60 + 15 * 60)).await;
    assert!(cache.get_stale(&hash("a"), None).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_purge_forgets_what_it_names_and_counts_it() {
    let cache = cache();
    for token in ["a", "b"] {
        store(&cache, token, &Verdict::Active(identity()));
    }
    store(&cache, "c", &Verdict::Inactive(InactiveReason::Unknown));
    assert_eq!(cache.purge(&Purge::Token(hash("a"))), 1);
    assert_eq!(is_active(&cache, "a"), None);
    assert_eq!(is_active(&cache, "b"), Some(true));
    assert_eq!(cache.purge(&Purge::User(2)), 0);
    assert_eq!(cache.purge(&Purge::User(1)), 1);
    assert_eq!(is_active(&cache, "b"), None);
    assert_eq!(is_active(&cache, "c"), Some(false));
    assert_eq!(cache.purge(&Purge::All), 1);
    assert_eq!(is_active(&cache, "c"), None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_purge_is_not_stored_after_it() {
    let cache = cache();
    let question = cache.question();
    cache.purge(&Purge::User(1));
    let active = Told::now(Verdict::Active(identity()));
    assert!(cache.store(&hash("a"), &active, question, || ()).is_err());
    assert_eq!(is_active(&cache, "a"), None);

    let refusal = Told::now(Verdict::Inactive(InactiveReason::Unknown));
    cache.store(&hash("a"), &refusal, question, || ()).unwrap();
    assert_eq!(is_active(&cache, "a"), Some(false), "not about refusals");
    let question = cache.question();
    cache.purge(&Purge::All);
    assert!(cache.store(&hash("a"), &refusal, question, || ()).is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_a_token_was_forgotten_is_not_stored_after_it() {
    let cache = cache();
    let active = Verdict::Active(identity());
    for others in [0, 1, 300] {
        store(&cache, "a", &active);
        let before = cache.question();
        cache.forget(&hash("a"));
        for other in 0..others {
            cache.forget(&hash(&format!("b{other}")));
        }
        let late = cache.store(&hash("a"), &Told::now(active.clone()), before, || ());
        assert!(late.is_err(), "{others}");
        assert_eq!(is_active(&cache, "a"), None, "{others}");
    }
    store(&cache, "a", &active);
    assert_eq!(is_active(&cache, "a"), Some(true), "asked since");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_known_after_its_age_but_not_after_a_refusal() {
    let cache = cache();
    assert!(!cache.is_known(&hash("a")));
    store(&cache, "a", &Verdict::Active(identity()));
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(is_active(&cache, "a"), None);
    assert!(cache.is_known(&hash("a")));
    store(&cache, "a", &Verdict::Inactive(InactiveReason::Unknown));
    assert!(!cache.is_known(&hash("a")));
}

#[tokio::test(start_paused = true)]
async fn each_lookup_is_counted_by_how_it_ended() {
    let cache = VerdictCache::new(CacheOptions::default().with_stale_if_error(RENEWAL_PAUSE));
    store(&cache, "a", &Verdict::Active(identity()));
    store(&cache, "b", &Verdict::Inactive(InactiveReason::Unknown));
    for (token, lookups) in [("a", 1), ("b", 2), ("c", 3)] {
        for _ in 0..lookups {
            let _ = cache.get(&hash(token), None);
        }
    }
    assert!(cache.get_stale(&hash("a"), None).is_some());
    assert!(cache.get_stale(&hash("c"), None).is_none());
    let counted = CacheStats {
        active_hits: 1,
        inactive_hits: 2,
        misses: 3,
        stale_served: 1,
        active_entries: 1,
        inactive_entries: 1,
    };
    assert_eq!(cache.stats(), counted);
}

#[tokio::test(start_paused = true)]
async fn an_age_without_an_end_is_taken_for_a_day() {
    let options = CacheOptions::default()
        .with_active_max_age(Duration::MAX)
        .with_inactive_max_age(Duration::MAX);
    let cache = VerdictCache::new(options);
    store(&cache, "a", &Verdict::Active(identity()));
    store(&cache, "b", &Verdict::Inactive(InactiveReason::Unknown));
    tokio::time::advance(Duration::from_secs(24 * 60 * 60)).await;
    assert_eq!(is_active(&cache, "a"), None);
    assert_eq!(is_active(&cache, "b"), None);
}

fn standing(membership: Membership) -> Standing {
    let soon = SystemTime::now() + Duration::from_secs(20);
    Standing {
        identity: identity().with_expires_at(soon),
        membership,
    }
}

fn member_of(token: &str, name: &str) -> MembershipKey {
    MembershipKey {
        token: hash(token),
        group: name.parse().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_membership_does_not_outlive_the_token_it_was_asked_with() {
    let cache = AnswerCache::<Memberships>::new(CacheOptions::default().of_memberships());
    let key = member_of("a", "octo-org");
    let question = cache.question();
    let active = Told::now(standing(Membership::Active));
    cache.store(&key, &active, question, || ()).unwrap();
    assert!(cache.get(&key, None).is_some());
    assert!(cache.get(&member_of("b", "octo-org"), None).is_none());
    assert!(cache.get(&member_of("a", "octo-org/web"), None).is_none());
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(cache.get(&key, None).is_none());
}

#[tokio::test(start_paused = true)]
async fn that_a_token_was_refused_ends_a_membership_and_is_not_remembered_as_one() {
    let cache = AnswerCache::<Memberships>::new(CacheOptions::default().of_memberships());
    let key = member_of("a", "octo-org");
    for said in [Membership::Active, Membership::TokenRefused] {
        let question = cache.question();
        let said = Told::now(standing(said));
        cache.store(&key, &said, question, || ()).unwrap();
    }
    assert!(cache.get(&key, None).is_none());
    assert!(!cache.is_known(&key));
}
