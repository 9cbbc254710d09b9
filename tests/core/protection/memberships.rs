//! Questions about memberships share limits with checks, and never keep those from being answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::{Membership, MembershipRequest};
use ghes_gatekeeper::protection::{
    BreakerState, Limits, ProtectedCheck, ProtectedMemberships, Protection, ProtectionMonitor,
};
use ghes_gatekeeper::token::AccessToken;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};

use super::support::{Behaviour, Issuer, PROMPT, admit, renew, settle};

type Answer = Result<Membership, CheckError>;

/// The three sides of one protection.
struct World {
    check: ProtectedCheck,
    memberships: ProtectedMemberships,
    monitor: ProtectionMonitor,
    questions: Arc<AtomicUsize>,
}

impl World {
    /// Checks are answered promptly, and memberships as `behaviour` says by the clock.
    fn new(behaviour: impl Fn(Duration) -> Behaviour + Clone + Send + Sync + 'static) -> Self {
        let questions = Arc::new(AtomicUsize::new(0));
        let (counter, began_at) = (Arc::clone(&questions), Instant::now());
        let directory = service_fn(move |_: MembershipRequest| {
            counter.fetch_add(1, Ordering::Relaxed);
            answer(behaviour(began_at.elapsed()))
        });
        let (check, memberships, monitor) = Protection::new()
            .with_limits(Limits::default())
            .protect_with_memberships(Issuer::new(|_| PROMPT), [], directory);
        Self {
            check,
            memberships,
            monitor,
            questions,
        }
    }

    async fn ask(&self) -> Answer {
        ask(self.memberships.clone()).await
    }

    fn crowd(&self, count: usize) -> Vec<JoinHandle<Answer>> {
        (0..count)
            .map(|_| tokio::spawn(ask(self.memberships.clone())))
            .collect()
    }

    fn questions(&self) -> usize {
        self.questions.load(Ordering::Relaxed)
    }
}

async fn answer(behaviour: Behaviour) -> Answer {
    match behaviour {
        Behaviour::Answer(latency) => {
            sleep(latency).await;
            Ok(Membership::Active)
        }
        Behaviour::Fail(kind) => Err(CheckError::new(kind)),
        Behaviour::FailFor(kind, wait) => Err(CheckError::with_retry_after(kind, wait, "as told")),
        Behaviour::Silent => {
            sleep(Duration::from_secs(3)).await;
            Err(CheckError::new(CheckErrorKind::Timeout))
        }
    }
}

/// Asks for another person each time.
async fn ask(memberships: ProtectedMemberships) -> Answer {
    static PEOPLE: AtomicUsize = AtomicUsize::new(1);
    let person = PEOPLE.fetch_add(1, Ordering::Relaxed);
    ask_for(memberships, person as u64).await
}

async fn ask_for(mut memberships: ProtectedMemberships, person: u64) -> Answer {
    let identity = Identity::new(User::new("octocat", person), "app", 1, Default::default());
    let request = MembershipRequest::new(
        AccessToken::new("gho_known"),
        identity.expect("an identity"),
        "octo-org".parse().expect("a group"),
    );
    memberships.ready().await?.call(request).await
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_questions_leaves_places_to_checks() {
    let world = World::new(|_| Behaviour::Silent);
    let crowd = world.crowd(90);
    settle().await;
    assert_eq!(world.questions(), 24, "half of what is not for renewals");
    assert_eq!(world.monitor.in_flight(), 24);
    let began_at = Instant::now();
    for _ in 0..24 {
        assert!(admit(&world.check).await.is_ok());
        assert!(renew(&world.check).await.is_ok());
    }
    assert!(began_at.elapsed() < Duration::from_secs(1));
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_questions_leaves_half_of_the_rate_to_checks() {
    let world = World::new(|_| PROMPT);
    let crowd = world.crowd(1_000);
    sleep(Duration::from_millis(100)).await;
    assert!(world.questions() <= 100 + 8, "{}", world.questions());
    for _ in 0..90 {
        assert!(admit(&world.check).await.is_ok());
    }
    let mut shed = 0;
    for question in crowd {
        match question.await.expect("no panic") {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), CheckErrorKind::Shed);
                assert!(error.retry_after().is_some());
                shed += 1;
            }
        }
    }
    assert!(shed >= 600, "{shed}");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_to_answer_them_may_answer_checks() {
    let back = Duration::from_secs(12);
    let world = World::new(move |now| {
        if now < back {
            Behaviour::Fail(CheckErrorKind::ServerError)
        } else {
            PROMPT
        }
    });
    for _ in 0..5 {
        assert!(world.ask().await.is_err());
    }
    assert_eq!(world.monitor.memberships(), BreakerState::Open);
    assert_eq!(world.monitor.availability(), BreakerState::Closed);
    assert!(admit(&world.check).await.is_ok());
    assert_eq!(
        world.ask().await.expect_err("open").kind(),
        CheckErrorKind::Outage
    );
    assert_eq!(world.questions(), 5, "held back");

    // One trial each time, however often it fails.
    let began_at = Instant::now();
    while world.ask().await.is_err() {
        sleep(Duration::from_millis(100)).await;
        assert!(
            began_at.elapsed() < back + Duration::from_secs(6),
            "not noticed"
        );
    }
    assert!(world.questions() <= 5 + 4, "{}", world.questions());
    assert_eq!(world.monitor.memberships(), BreakerState::Closed);
}

/// It is one person's limit, or one organization's name, that is at fault.
#[tokio::test(start_paused = true)]
async fn what_is_wrong_for_one_person_keeps_nobody_else_from_asking() {
    let wait = Duration::from_secs(600);
    for behaviour in [
        Behaviour::FailFor(CheckErrorKind::RateLimited, wait),
        Behaviour::Fail(CheckErrorKind::Redirect),
        Behaviour::Fail(CheckErrorKind::Forbidden),
        Behaviour::Fail(CheckErrorKind::DoubtfulResponse),
    ] {
        let world = World::new(move |_| behaviour);
        for _ in 0..20 {
            let error = ask_for(world.memberships.clone(), 7).await;
            let error = error.expect_err("no answer");
            assert_ne!(error.kind(), CheckErrorKind::Outage, "{behaviour:?}");
        }
        // Who is limited is left alone by the validator.
        let is_limit = matches!(behaviour, Behaviour::FailFor(..));
        let asked = if is_limit { 20 } else { 1 };
        assert_eq!(world.questions(), asked, "{behaviour:?}");
        assert_eq!(world.monitor.memberships(), BreakerState::Closed);
        assert!(ask_for(world.memberships.clone(), 8).await.is_err());
        assert_eq!(world.questions(), asked + 1, "another person is asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_not_received_is_asked_once_more() {
    let world = World::new(|_| Behaviour::Fail(CheckErrorKind::Closed));
    assert!(world.ask().await.is_err());
    assert_eq!(world.questions(), 2);
}

#[tokio::test(start_paused = true)]
async fn answers_are_counted_by_what_they_say() {
    let world = World::new(|_| PROMPT);
    world.ask().await.expect("an answer");
    let members = world
        .monitor
        .results()
        .find(|(label, _)| *label == "member");
    assert_eq!(members, Some(("member", 1)));
}
