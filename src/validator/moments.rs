//! An answer's age counts from the moment of its origin, also if another cache remembered it since.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use futures_util::poll;
use tokio::sync::Semaphore;
use tokio::time::{Instant, advance};
use tower::service_fn;

use super::*;
use crate::identity::User;
use crate::scope::Scopes;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn octocat() -> Identity {
    Identity::new(User::new("octocat", 1), "app", 1, Scopes::default()).unwrap()
}

fn refused() -> Verdict {
    Verdict::Inactive(InactiveReason::Unknown)
}

fn token() -> AccessToken {
    AccessToken::new("gho_a")
}

/// Gives this answer to every question.
fn says(told: impl Into<Told<Verdict>>) -> impl CheckService {
    let told = told.into();
    service_fn(move |_: CheckRequest| ready(Ok::<_, Infallible>(told.clone())))
}

/// Whether a lookup finds a good token, and how far that may be relied on.
fn known<C: CheckService>(validator: &Validator<C>) -> Option<(bool, Freshness)> {
    let answer = validator.lookup(&token().hash())?;
    Some((answer.is_active(), answer.freshness))
}

/// Asks the issuer at one moment, and at a later one a service that remembers its answer: both
/// must know the same at any time.
async fn assert_same_ages(of_issuer: Verdict, of_memory: Verdict, asked_later: Duration) {
    let asked_at = Instant::now();
    let first = Validator::new(says(of_issuer));
    first.check(token()).await.unwrap();
    advance(asked_later).await;
    let second = Validator::new(says(Told::at(asked_at, of_memory)));
    second.check(token()).await.unwrap();
    for _ in 0..70 {
        let since = asked_at.elapsed();
        assert_eq!(known(&first), known(&second), "{since:?}");
        for max_age in [1, 5, 20, 50] {
            let max_age = seconds(max_age);
            let (first, second) = (first.with_max_age(max_age), second.with_max_age(max_age));
            assert_eq!(known(&first), known(&second), "{since:?}, {max_age:?}");
        }
        advance(seconds(1)).await;
    }
    assert_eq!(known(&first), None);
}

#[tokio::test(start_paused = true)]
async fn a_good_token_lives_on_from_when_the_issuer_was_asked() {
    for asked_later in [1, 10, 47, 53] {
        let active = Verdict::Active(octocat());
        assert_same_ages(active.clone(), active, seconds(asked_later)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_lives_on_from_when_the_issuer_was_asked() {
    for asked_later in [1, 5, 9] {
        assert_same_ages(refused(), refused(), seconds(asked_later)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_expiry_stays_where_it_is() {
    for asked_later in [1, 10, 19] {
        // The wall clock goes on while tests move the other one.
        let now = SystemTime::now();
        let expires_in = |left| Verdict::Active(octocat().with_expires_at(now + seconds(left)));
        let (of_issuer, of_memory) = (expires_in(20), expires_in(20 - asked_later));
        assert_same_ages(of_issuer, of_memory, seconds(asked_later)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_future_lives_no_longer_than_one_of_now() {
    for ahead in [Duration::from_nanos(1), seconds(1), seconds(86_400)] {
        let active = Verdict::Active(octocat());
        let now = Validator::new(says(active.clone()));
        let ahead = Validator::new(says(Told::at(Instant::now() + ahead, active)));
        now.check(token()).await.unwrap();
        ahead.check(token()).await.unwrap();
        for _ in 0..61 {
            assert_eq!(known(&now), known(&ahead));
            advance(seconds(1)).await;
        }
        assert_eq!(known(&ahead), None);
    }
}

/// A service that remembers an answer, and asks the issuer, who refuses, only where it has to.
fn memory(told: Told<Verdict>) -> (impl CheckService, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&asked);
    let service = service_fn(move |request: CheckRequest| {
        let told = match request.needs_new() {
            true => {
                counter.fetch_add(1, Ordering::Relaxed);
                Told::now(refused())
            }
            false => told.clone(),
        };
        ready(Ok::<_, Infallible>(told))
    });
    (service, asked)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_old_is_asked_for_anew() {
    for (age, max_age, is_good) in [
        (53, None, true),
        (60, None, false),
        (3_600, None, false),
        (19, Some(20), true),
        (20, Some(20), false),
        (1, Some(0), false),
    ] {
        let told = Told::at(Instant::now() - seconds(age), Verdict::Active(octocat()));
        let (service, asked) = memory(told);
        let validator = Validator::new(service);
        let validator = match max_age {
            Some(max_age) => validator.with_max_age(seconds(max_age)),
            None => validator,
        };
        let answer = validator.check(token()).await.unwrap();
        assert_eq!(answer.is_active(), is_good, "{age}, {max_age:?}");
        assert_eq!(asked.load(Ordering::Relaxed), usize::from(!is_good));
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_insists_lets_nobody_in() {
    let old = Instant::now() - seconds(60);
    for verdict in [Verdict::Active(octocat()), refused()] {
        let validator = Validator::new(says(Told::at(old, verdict)));
        let error = validator.check(token()).await.unwrap_err();
        assert_eq!(error.kind(), CheckErrorKind::Unavailable);
        assert_eq!(known(&validator), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_true_before_a_purge_is_not_believed_after_it() {
    for purge in [
        Purge::All,
        Purge::User(1),
        Purge::Token(token().hash()),
        Purge::ClientId("app".into()),
    ] {
        let told = Told::at(Instant::now(), Verdict::Active(octocat()));
        advance(seconds(1)).await;
        let (service, asked) = memory(told);
        let validator = Validator::new(service);
        validator.check(token()).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        validator.purge(&purge);
        advance(seconds(1)).await;
        let answer = validator.check(token()).await.unwrap();
        assert!(!answer.is_active(), "{purge:?}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_answer_does_not_replace_a_younger_one() {
    let old = Told::at(Instant::now(), Verdict::Active(octocat()));
    advance(seconds(1)).await;
    let is_renewal = service_fn(move |request: CheckRequest| {
        let renewal = request.purpose() == crate::check::CheckPurpose::Renewal;
        let told = match (renewal, request.needs_new()) {
            (false, _) => Told::now(Verdict::Active(octocat())),
            (true, false) => old.clone(),
            (true, true) => Told::now(refused()),
        };
        ready(Ok::<_, Infallible>(told))
    });
    let validator = Validator::new(is_renewal);
    validator.check(token()).await.unwrap();
    advance(seconds(50)).await;
    validator.renew(token());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let answer = validator.lookup(&token().hash()).unwrap();
    assert!(!answer.is_active(), "asked anew");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_one_flight_may_want_different_ages() {
    let told = Told::at(Instant::now(), Verdict::Active(octocat()));
    advance(seconds(10)).await;
    let open = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&open);
    let slow = service_fn(move |_: CheckRequest| {
        let (told, open) = (told.clone(), Arc::clone(&opens));
        async move {
            let _open = open.acquire().await;
            Ok::<_, Infallible>(told)
        }
    });
    let validator = Validator::new(slow);
    let strict = validator.with_max_age(seconds(10));
    let mut patient = validator.check(token());
    assert!(poll!(&mut patient).is_pending());
    let joined = strict.check(token());
    let lenient = validator.with_max_age(seconds(11)).check(token());
    open.add_permits(10);
    assert!(patient.await.unwrap().is_active());
    assert!(lenient.await.unwrap().is_active());
    let error = joined.await.unwrap_err();
    assert_eq!(error.kind(), CheckErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn memberships_live_on_from_when_the_issuer_was_asked() {
    for (age, asks_anew) in [(0, false), (30, false), (53, false), (60, true)] {
        let as_of = Instant::now() - seconds(age);
        let directory = service_fn(move |request: MembershipRequest| {
            let told = match request.needs_new() {
                true => Told::now(Membership::NotMember),
                false => Told::at(as_of, Membership::Active),
            };
            ready(Ok::<_, Infallible>(told))
        });
        let validator = Validator::builder(says(Verdict::Active(octocat())))
            .with_memberships(directory)
            .build();
        let group: Group = "octo-org".parse().unwrap();
        let ask = || validator.ask_memberships(&token(), &octocat(), [group.clone()]);
        let asked = ask().await;
        let expected = match asks_anew {
            true => Membership::NotMember,
            false => Membership::Active,
        };
        assert_eq!(asked.memberships, [(group.clone(), expected)], "{age}");
        let hash = token().hash();
        let is_known = || {
            let known = validator.known_memberships(&hash, &[]);
            crate::policy::Memberships::membership(&known, &group).is_some()
        };
        assert!(is_known());
        if !asks_anew {
            advance(seconds(60 - age)).await;
            assert!(!is_known(), "{age}");
        }
    }
}
