//! The decision by itself: no request, no body, no service behind it.

mod rounds;

use std::convert::Infallible;
use std::future::ready;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use tower::service_fn;

use super::*;
use crate::check::{CheckError, CheckErrorKind, CheckRequest, InactiveReason};
use crate::identity::{Identity, User};
use crate::membership::{Group, Membership, MembershipRequest};
use crate::policy::{Denial, RequireGroup, RequireScopes};
use crate::rejection::{RejectionDetail, RejectionKind};
use crate::scope::Scopes;
use crate::token::AccessToken;
use crate::validator::{CacheOptions, Validator};

type Said = Result<Verdict, CheckErrorKind>;

fn octocat() -> Identity {
    Identity::new(User::new("octocat", 1), "app", 1, Scopes::default()).unwrap()
}

fn active() -> Said {
    Ok(Verdict::Active(octocat()))
}

fn refused() -> Said {
    Ok(Verdict::Inactive(InactiveReason::Unknown))
}

/// An issuer that says this of every token.
fn says(said: Said) -> impl CheckService {
    service_fn(move |_: CheckRequest| ready(said.clone().map_err(CheckError::new)))
}

/// An issuer that says one thing after the other, and the last for ever.
fn says_in_turn(said: &[Said]) -> impl CheckService + use<> {
    let (said, calls) = (said.to_vec(), Arc::<AtomicUsize>::default());
    service_fn(move |_: CheckRequest| {
        let call = calls.fetch_add(1, Ordering::Relaxed).min(said.len() - 1);
        ready(said[call].clone().map_err(CheckError::new))
    })
}

fn admission<C: CheckService>(check: C) -> Admission<C> {
    Admission::new(Validator::new(check).into())
}

/// An admission by `policy`, of an issuer that says this of every group.
fn of_members(
    policy: impl Policy,
    said: impl Fn(&Group) -> Result<Membership, CheckErrorKind> + Clone + Send + Sync + 'static,
) -> Admission<impl CheckService> {
    let directory = service_fn(move |request: MembershipRequest| {
        ready(said(request.group()).map_err(CheckError::new))
    });
    let validator = Validator::builder(says(active()))
        .with_memberships(directory)
        .build();
    Admission::new(validator.into())
        .with_policy(policy)
        .with_groups(true)
}

fn team() -> RequireGroup {
    RequireGroup::new("octo-org/web".parse().unwrap())
}

struct Somewhere;

#[cfg(feature = "client")]
impl Client for Somewhere {
    fn count_as(&self) -> Option<CountAs<'_>> {
        None
    }
}

fn asked<'a>(method: &'a Method, path: &'a str) -> Asked<'a> {
    Asked {
        method,
        path,
        #[cfg(feature = "client")]
        client: &Somewhere,
    }
}

fn decide<C: CheckService>(admission: &Admission<C>, token: &str) -> Decided {
    let token = AccessToken::new(token);
    admission.decide(Ok(BearerToken::lent(&token)), &asked(&Method::GET, "/"))
}

/// The outcome, and whether the request had to wait for it.
async fn outcome(decided: Decided) -> (Result<Admitted, Rejection>, bool) {
    match decided {
        Decided::Admitted(admitted) => (Ok(admitted), false),
        Decided::Rejected(rejection) => (Err(rejection), false),
        Decided::Waiting(deciding) => (deciding.await, true),
    }
}

async fn after_waiting<C: CheckService>(
    admission: &Admission<C>,
    token: &str,
) -> Result<Admitted, Rejection> {
    let (outcome, waited) = outcome(decide(admission, token)).await;
    assert!(waited);
    outcome
}

async fn at_once<C: CheckService>(
    admission: &Admission<C>,
    token: &str,
) -> Result<Admitted, Rejection> {
    let (outcome, waited) = outcome(decide(admission, token)).await;
    assert!(!waited);
    outcome
}

fn kind(outcome: Result<Admitted, Rejection>) -> Option<RejectionKind> {
    outcome.err().map(|rejection| rejection.kind())
}

#[test]
fn who_brings_no_token_is_rejected_without_a_runtime() {
    let admission = admission(says(active()));
    for (error, expected) in [
        (BearerError::Missing, RejectionKind::MissingToken),
        (BearerError::Basic, RejectionKind::MissingToken),
        (BearerError::OtherScheme, RejectionKind::MissingToken),
        (BearerError::Malformed, RejectionKind::InvalidRequest),
        (BearerError::Quoted, RejectionKind::InvalidRequest),
        (BearerError::Multiple, RejectionKind::InvalidRequest),
        (BearerError::TooLong, RejectionKind::InvalidToken),
    ] {
        let decided = admission.decide(Err(error), &asked(&Method::GET, "/"));
        let Decided::Rejected(rejection) = decided else {
            panic!("{error}");
        };
        assert_eq!(rejection.kind(), expected, "{error}");
    }
}

#[tokio::test]
async fn a_good_token_is_admitted_after_a_wait_and_then_at_once() {
    let admission = admission(says(active()));
    let waited = after_waiting(&admission, "gho_a").await.unwrap();
    assert_eq!(waited.identity.user().login(), "octocat");
    let known = at_once(&admission, "gho_a").await.unwrap();
    assert_eq!(known.identity.user().login(), "octocat");
    assert_eq!(
        (waited.freshness, known.freshness),
        (Freshness::Fresh, Freshness::Fresh)
    );
    assert!(waited.groups.is_none() && known.groups.is_none());
}

#[tokio::test]
async fn a_refused_token_is_rejected_after_a_wait_and_then_at_once() {
    let admission = admission(says(refused()));
    let expected = Some(RejectionKind::InvalidToken);
    assert_eq!(kind(after_waiting(&admission, "gho_a").await), expected);
    assert_eq!(kind(at_once(&admission, "gho_a").await), expected);
}

#[tokio::test]
async fn no_answer_is_no_refusal_and_is_not_remembered() {
    for error in CheckErrorKind::ALL {
        let admission = admission(says(Err(error)));
        for _ in 0..2 {
            let expected = Some(RejectionKind::Unavailable);
            assert_eq!(kind(after_waiting(&admission, "gho_a").await), expected);
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_token_of_another_kind() {
    let admission = admission(service_fn(
        |_: CheckRequest| -> std::future::Ready<Result<Verdict, Infallible>> { panic!("asked") },
    ));
    for (token, detail) in [
        ("ghp_a", RejectionDetail::PersonalAccessToken),
        ("ghr_a", RejectionDetail::RefreshToken),
        ("ghs_a", RejectionDetail::InstallationToken),
    ] {
        let (outcome, _) = outcome(decide(&admission, token)).await;
        let rejection = outcome.err().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::InvalidToken);
        assert_eq!(rejection.detail(), Some(detail));
    }
}

#[tokio::test]
async fn an_expired_token_is_rejected_whoever_says_that_it_is_good() {
    for ago in [1, 1_000, 86_400_000].map(Duration::from_millis) {
        let past = SystemTime::now() - ago;
        let admission = admission(says(Ok(Verdict::Active(octocat().with_expires_at(past)))));
        let expected = Some(RejectionKind::InvalidToken);
        assert_eq!(
            kind(after_waiting(&admission, "gho_a").await),
            expected,
            "{ago:?}"
        );
        let (outcome, _) = outcome(decide(&admission, "gho_a")).await;
        assert_eq!(kind(outcome), expected, "{ago:?}");
    }
}

/// What a policy says, it says of remembered answers and of fresh ones.
#[tokio::test]
async fn the_policy_decides_about_hit_and_miss() {
    let read_only = |_: &Identity, method: &Method, path: &str| match (method.is_safe(), path) {
        (true, "/notes") => Ok(()),
        (true, _) => Err(Denial::Forbidden),
        (false, _) => Err(Denial::InsufficientScope(Scopes::parse(["repo"]).unwrap())),
    };
    for (method, path, expected) in [
        (Method::GET, "/notes", None),
        (Method::HEAD, "/notes", None),
        (Method::GET, "/", Some(RejectionKind::Forbidden)),
        (Method::GET, "/notes/", Some(RejectionKind::Forbidden)),
        (
            Method::POST,
            "/notes",
            Some(RejectionKind::InsufficientScope),
        ),
    ] {
        let admission = admission(says(active())).with_policy(read_only);
        for is_known in [false, true] {
            let token = AccessToken::new("gho_a");
            let asked = asked(&method, path);
            let decided = admission.decide(Ok(BearerToken::lent(&token)), &asked);
            let (outcome, waited) = outcome(decided).await;
            assert_eq!(waited, !is_known);
            assert_eq!(kind(outcome), expected, "{method} {path}, {is_known}");
        }
    }
    let scopes = RequireScopes::new(Scopes::parse(["repo"]).unwrap());
    let admission = admission(says(active())).with_policy(scopes);
    let expected = Some(RejectionKind::InsufficientScope);
    assert_eq!(kind(after_waiting(&admission, "gho_a").await), expected);
    assert_eq!(kind(at_once(&admission, "gho_a").await), expected);
}

#[tokio::test]
async fn a_membership_is_asked_for_and_then_remembered() {
    let admission = of_members(team(), |_| Ok(Membership::Active));
    let waited = after_waiting(&admission, "gho_a").await.unwrap();
    let known = at_once(&admission, "gho_a").await.unwrap();
    let web: Group = "octo-org/web".parse().unwrap();
    let found = waited.groups.as_deref().unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), [&web]);
    assert_eq!(known.groups, waited.groups);
}

#[tokio::test]
async fn who_does_not_belong_or_may_not_show_it_is_rejected() {
    let scopes = || Scopes::parse(["read:org"]).unwrap();
    for (said, expected) in [
        (Ok(Membership::NotMember), RejectionKind::Forbidden),
        (
            Ok(Membership::NotVisible(scopes())),
            RejectionKind::InsufficientScope,
        ),
        (
            Ok(Membership::NotVisible(Scopes::default())),
            RejectionKind::Forbidden,
        ),
        // Confirmed and refused twice: one of the two is not true.
        (Ok(Membership::TokenRefused), RejectionKind::Unavailable),
        (Err(CheckErrorKind::Timeout), RejectionKind::Unavailable),
        (Err(CheckErrorKind::Forbidden), RejectionKind::Unavailable),
    ] {
        let admission = of_members(team(), move |_| said.clone());
        assert_eq!(
            kind(after_waiting(&admission, "gho_a").await),
            Some(expected)
        );
    }
}

#[tokio::test]
async fn groups_are_asked_about_until_the_policy_knows() {
    // The last of twenty lets in: they are asked about in three rounds.
    let policy = (0..20)
        .map(|at| RequireGroup::new(format!("org{at}").parse().unwrap()))
        .collect::<crate::policy::Any>();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let admission = of_members(policy, move |group| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(match group.as_str() {
            "org19" => Membership::Active,
            _ => Membership::NotMember,
        })
    });
    let admitted = after_waiting(&admission, "gho_a").await.unwrap();
    assert_eq!(admitted.groups.unwrap().iter().count(), 1);
    assert_eq!(asked.load(Ordering::Relaxed), 20);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_bridged_as_stale_and_a_refusal_never() {
    for (later, expected) in [
        (Err(CheckErrorKind::Timeout), None),
        (
            Err(CheckErrorKind::Forbidden),
            Some(RejectionKind::Unavailable),
        ),
        (refused(), Some(RejectionKind::InvalidToken)),
    ] {
        let grace = CacheOptions::default().with_stale_if_error(Duration::from_secs(60));
        let validator = Validator::builder(says_in_turn(&[active(), later]))
            .with_cache(grace)
            .build();
        let admission = Admission::new(validator.into());
        after_waiting(&admission, "gho_a").await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        let outcome = after_waiting(&admission, "gho_a").await;
        if let Ok(admitted) = &outcome {
            assert_eq!(admitted.freshness, Freshness::Stale);
        }
        assert_eq!(kind(outcome), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_due_answer_admits_and_is_renewed_meanwhile() {
    let admission = admission(says_in_turn(&[active(), refused()]));
    after_waiting(&admission, "gho_a").await.unwrap();
    tokio::time::advance(Duration::from_secs(50)).await;
    let admitted = at_once(&admission, "gho_a").await.unwrap();
    assert_eq!(admitted.freshness, Freshness::Due);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let expected = Some(RejectionKind::InvalidToken);
    assert_eq!(kind(at_once(&admission, "gho_a").await), expected);
}

#[tokio::test(start_paused = true)]
async fn a_younger_answer_is_asked_for_where_one_is_wanted() {
    let admission = admission(says_in_turn(&[active(), refused()]));
    let strict = admission.clone().with_max_age(Duration::from_secs(10));
    after_waiting(&admission, "gho_a").await.unwrap();
    at_once(&strict, "gho_a").await.unwrap();
    tokio::time::advance(Duration::from_secs(10)).await;
    at_once(&admission, "gho_a").await.unwrap();
    let expected = Some(RejectionKind::InvalidToken);
    assert_eq!(kind(after_waiting(&strict, "gho_a").await), expected);
}

#[cfg(feature = "client")]
#[tokio::test(start_paused = true)]
async fn a_client_may_bring_so_many_unknown_tokens_and_known_ones_always() {
    let one = std::num::NonZeroU32::MIN;
    let turns = ClientTurns::new(ClientLimit::per_second(one).with_burst(one));
    let admission = admission(says(active())).with_client_turns(Arc::new(turns));
    let from = |token: &str, client: &dyn Client| {
        let token = AccessToken::new(token);
        let asked = Asked {
            method: &Method::GET,
            path: "/",
            client,
        };
        outcome(admission.decide(Ok(BearerToken::lent(&token)), &asked))
    };
    let client = |address: &str| ClientAddr(address.parse().unwrap());
    let (one, other) = (client("192.0.2.1"), client("192.0.2.2"));
    assert!(from("gho_a", &one).await.0.is_ok());
    let expected = Some(RejectionKind::TooManyRequests);
    assert_eq!(kind(from("gho_b", &one).await.0), expected);
    assert!(from("gho_a", &one).await.0.is_ok(), "known");
    assert!(from("gho_b", &other).await.0.is_ok(), "another client");
    assert!(
        from("gho_c", &Somewhere).await.0.is_ok(),
        "nobody knows who"
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(from("gho_d", &one).await.0.is_ok());
    assert!(from("gho_b", &one).await.0.is_ok(), "good within the hour");
}

/// Every question about a token without a remembered answer carries the same copy of the secret.
#[tokio::test]
async fn a_miss_makes_one_copy_of_the_secret() {
    let seen = Arc::new(Mutex::new(Vec::<AccessToken>::new()));
    let app = |said: Said| {
        let (checks, groups) = (Arc::clone(&seen), Arc::clone(&seen));
        let check = service_fn(move |request: CheckRequest| {
            checks.lock().unwrap().push(request.token().clone());
            ready(said.clone().map_err(CheckError::new))
        });
        let directory = service_fn(move |request: MembershipRequest| {
            groups.lock().unwrap().push(request.token().clone());
            ready(Ok::<_, Infallible>(Membership::Active))
        });
        Validator::builder(check)
            .with_memberships(directory)
            .build()
    };
    let validators = Validators::from(app(refused()))
        .or(app(refused()))
        .or(app(active()));
    let admission = Admission::new(validators).with_policy(team());
    after_waiting(&admission, "gho_secret").await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    let copies: std::collections::HashSet<_> =
        seen.iter().map(|token| token.expose().as_ptr()).collect();
    assert_eq!(copies.len(), 1);
}

/// Neither the token nor its hash is taken anew from what a caller holds.
#[tokio::test]
async fn a_decision_that_waits_owns_what_it_needs() {
    let admission = admission(says(active()));
    let deciding = {
        let (token, path) = (AccessToken::new("gho_a"), "/notes".to_owned());
        let decided = admission.decide(Ok(BearerToken::lent(&token)), &asked(&Method::GET, &path));
        let Decided::Waiting(deciding) = decided else {
            panic!("known");
        };
        deciding
    };
    drop(admission);
    let admitted = tokio::spawn(deciding).await.unwrap();
    assert!(admitted.is_ok());
    assert_eq!(size_of::<Deciding>(), 2 * size_of::<usize>());
}

#[cfg(feature = "proxy")]
#[tokio::test]
async fn what_is_asked_is_recorded_if_somebody_wants_it() {
    let admission = of_members(team(), |_| Err(CheckErrorKind::Timeout));
    let recorder = Recorder::new();
    let token = AccessToken::new("gho_a");
    let decided = admission.decide_recording(
        Ok(BearerToken::lent(&token)),
        &asked(&Method::GET, "/"),
        &recorder,
    );
    assert!(outcome(decided).await.0.is_err());
    let entries = recorder.take();
    assert_eq!(entries.len(), 2);
    assert!(matches!(
        entries[0].said,
        crate::validator::Said::OfToken(Ok(_))
    ));
    assert!(matches!(
        entries[1].said,
        crate::validator::Said::OfMembership(_, Err(_))
    ));
    assert!(recorder.take().is_empty());
}
