//! A membership has two sides: a person who is odd with every group, and a group that is odd with
//! every person.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::{Membership, MembershipRequest};
use ghes_gatekeeper::protection::{
    BreakerState, ProtectedMemberships, Protection, ProtectionMonitor,
};
use ghes_gatekeeper::token::AccessToken;
use tokio::time::{Instant, sleep};
use tower::{ServiceExt, service_fn};

use super::super::support::{Issuer, PROMPT};

type Answer = Result<Membership, CheckError>;
type IsOdd = fn(u64, &str) -> bool;

/// Who asks about memberships that are odd for some.
struct World {
    memberships: ProtectedMemberships,
    monitor: ProtectionMonitor,
    /// Calls that failed.
    failed: Arc<AtomicUsize>,
    is_odd: Arc<Mutex<IsOdd>>,
}

impl World {
    fn new(kind: CheckErrorKind, is_odd: IsOdd) -> Self {
        let failed = Arc::new(AtomicUsize::new(0));
        let is_odd = Arc::new(Mutex::new(is_odd));
        let (counter, odd) = (Arc::clone(&failed), Arc::clone(&is_odd));
        let directory = service_fn(move |request: MembershipRequest| {
            let is_odd = *odd.lock().expect("no panic");
            let person = request.identity().user().id();
            let fails = is_odd(person, request.group().as_str());
            let counter = Arc::clone(&counter);
            async move {
                sleep(Duration::from_millis(20)).await;
                if !fails {
                    return Ok(Membership::Active);
                }
                counter.fetch_add(1, Ordering::Relaxed);
                Err(CheckError::new(kind))
            }
        });
        let checks = Issuer::new(|_| PROMPT);
        let (_, memberships, monitor) =
            Protection::new().protect_with_memberships(checks, [], directory);
        Self {
            memberships,
            monitor,
            failed,
            is_odd,
        }
    }

    async fn ask(&self, person: u64, group: &str) -> Answer {
        let user = User::new("somebody", person);
        let identity = Identity::new(user, "app", 1, Default::default());
        let token = AccessToken::new(format!("gho_{person}"));
        let group = group.parse().expect("a group");
        let request = MembershipRequest::new(token, identity.expect("an identity"), group);
        self.memberships.clone().oneshot(request).await
    }

    fn failed(&self) -> usize {
        self.failed.load(Ordering::Relaxed)
    }

    fn cure(&self) {
        *self.is_odd.lock().expect("no panic") = |_, _| false;
    }
}

fn is_octo_org(_: u64, group: &str) -> bool {
    group == "octo-org"
}

fn is_seven(person: u64, _: &str) -> bool {
    person == 7
}

/// Kinds that count for the issuer, and one that says nothing of it.
const KINDS: [CheckErrorKind; 4] = [
    CheckErrorKind::ServerError,
    CheckErrorKind::Timeout,
    CheckErrorKind::UnexpectedResponse,
    CheckErrorKind::DoubtfulResponse,
];

#[tokio::test(start_paused = true)]
async fn an_odd_group_is_held_back_for_all_and_no_other_group_is() {
    for kind in KINDS {
        let world = World::new(kind, is_octo_org);
        let (began_at, mut person) = (Instant::now(), 100);
        while began_at.elapsed() < Duration::from_secs(30) {
            person += 1;
            assert!(world.ask(person, "octo-org").await.is_err());
            assert!(world.ask(person, "octo-org/platform").await.is_ok());
            assert!(world.ask(person, "other-org").await.is_ok());
        }
        // Five people, and then one in 5 s.
        assert!((5..=5 + 6).contains(&world.failed()), "{}", world.failed());
        assert_eq!(world.monitor.memberships(), BreakerState::Open);

        world.cure();
        let cured_at = Instant::now();
        while world.ask(person, "octo-org").await.is_err() {
            person += 1;
            sleep(Duration::from_millis(100)).await;
        }
        assert!(cured_at.elapsed() < Duration::from_secs(6), "{kind:?}");
        assert_eq!(world.monitor.memberships(), BreakerState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_person_is_held_back_for_all_groups_and_no_other_person_is() {
    for kind in KINDS {
        let world = World::new(kind, is_seven);
        let began_at = Instant::now();
        while began_at.elapsed() < Duration::from_secs(30) {
            for number in 0..12 {
                let group = format!("org-{number}");
                assert!(world.ask(7, &group).await.is_err());
                assert!(world.ask(100 + number, &group).await.is_ok());
            }
        }
        // Five groups, and then one in 5 s.
        assert!((5..=5 + 6).contains(&world.failed()), "{}", world.failed());
        assert_eq!(world.monitor.memberships(), BreakerState::Closed);
    }
}

/// Two that have nothing to do with one another, at once.
#[tokio::test(start_paused = true)]
async fn an_odd_group_beside_an_odd_person_is_no_outage() {
    let world = World::new(CheckErrorKind::ServerError, |person, group| {
        person == 7 || group == "octo-org"
    });
    let (began_at, mut person) = (Instant::now(), 100);
    while began_at.elapsed() < Duration::from_secs(30) {
        person += 1;
        assert!(world.ask(person, "octo-org").await.is_err());
        assert!(world.ask(7, "other-org").await.is_err());
        assert!(world.ask(7, "third-org").await.is_err());
        assert!(world.ask(person, "other-org").await.is_ok());
        assert!(world.ask(person, "third-org").await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn one_odd_membership_leaves_the_person_and_the_group_alone() {
    let world = World::new(CheckErrorKind::ServerError, |person, group| {
        is_seven(person, group) && is_octo_org(person, group)
    });
    let began_at = Instant::now();
    while began_at.elapsed() < Duration::from_secs(30) {
        assert!(world.ask(7, "octo-org").await.is_err());
        assert!(world.ask(7, "other-org").await.is_ok());
        assert!(world.ask(8, "octo-org").await.is_ok());
    }
    // After 0, 1, 3, 7, 13, 19 and 25 s.
    assert_eq!(world.failed(), 7);
}

/// Those who are held back are told what the last one was told, or that it is an outage.
#[tokio::test(start_paused = true)]
async fn who_is_held_back_is_told_why_and_for_how_long() {
    let world = World::new(CheckErrorKind::ServerError, is_octo_org);
    let told = async |person| {
        let error = world.ask(person, "octo-org").await.expect_err("odd");
        (error.kind(), error.retry_after().map(|wait| wait.as_secs()))
    };
    let asked = (CheckErrorKind::ServerError, None);
    assert_eq!(told(1).await, asked);
    assert_eq!(told(1).await, (CheckErrorKind::ServerError, Some(1)));
    for person in 2..=5 {
        assert_eq!(told(person).await, asked);
    }
    assert_eq!(told(6).await, (CheckErrorKind::Outage, Some(5)));
    let results = world.monitor.results().filter(|result| result.1 > 0);
    // What is told once more is not counted once more.
    assert_eq!(Vec::from_iter(results), [("ghes_5xx", 5), ("outage", 1)]);
}
