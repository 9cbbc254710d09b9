//! Several apps of one issuer: what they share, and what is each one's own.

use std::num::NonZeroU32;
use std::time::Duration;

use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::protection::{
    BreakerState, Limits, ProtectedCheck, Protection, ProtectionMonitor,
};
use tokio::time::sleep;

use super::support::{
    Behaviour, Issuer, PROMPT, admission, admit, kind, retry_after, settle, steadily,
};

const REFUSED: Behaviour = Behaviour::Fail(CheckErrorKind::CredentialsRefused);
const SUSPENDED: Behaviour = Behaviour::Fail(CheckErrorKind::Forbidden);

/// An app as its issuer behaves to it.
struct App {
    calls: Issuer,
    check: ProtectedCheck,
    monitor: ProtectionMonitor,
}

fn two(a: Issuer, b: Issuer, limits: Limits) -> (App, App) {
    let issuer = Protection::new().with_limits(limits).of_issuer();
    let app = |id, calls: Issuer| {
        let (check, monitor) = issuer.protect(id, calls.clone(), []);
        App {
            calls,
            check,
            monitor,
        }
    };
    (app("a", a), app("b", b))
}

fn prompt() -> Issuer {
    Issuer::new(|_| PROMPT)
}

async fn knock(app: &App, times: usize) {
    for _ in 0..times {
        admit(&app.check).await.ok();
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_shared() {
    let mut limits = Limits::default();
    limits.rate = NonZeroU32::new(10).expect("a rate");
    limits.burst = limits.rate;
    let (a, b) = two(prompt(), prompt(), limits);
    let (pause, end) = (Duration::from_millis(20), Duration::from_secs(20));
    tokio::join!(
        steadily(&a.check, admission, pause, end),
        steadily(&b.check, admission, pause, end),
    );
    let calls = a.calls.calls() + b.calls.calls();
    // Four fifths of ten a second, and of ten at once, are for admissions.
    assert!((8 * 19..=8 * 20 + 8).contains(&calls), "{calls}");
    assert_eq!(a.monitor.results().count(), b.monitor.results().count());
    assert!(a.monitor.results().eq(b.monitor.results()));
}

#[tokio::test(start_paused = true)]
async fn places_are_shared() {
    let mut limits = Limits::default();
    limits.concurrency = NonZeroU32::MIN;
    let slow = || Issuer::new(|_| Behaviour::Answer(Duration::from_secs(1)));
    let (a, b) = two(slow(), slow(), limits);
    let of = |app: &App| {
        let check = app.check.clone();
        tokio::spawn(async move { admit(&check).await.is_ok() })
    };
    let checks = [of(&a), of(&b)];
    settle().await;
    assert_eq!(a.calls.calls() + b.calls.calls(), 1, "one after the other");
    assert_eq!((a.monitor.in_flight(), b.monitor.in_flight()), (1, 1));
    for check in checks {
        assert!(check.await.expect("no panic"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_one_app_is_spared_by_all_and_found_again_for_all() {
    let down = Issuer::failing(0, 10, Behaviour::Fail(CheckErrorKind::Connect));
    let (a, b) = two(down, prompt(), Limits::default());
    knock(&a, 5).await;
    assert_eq!(b.monitor.availability(), BreakerState::Open);
    assert_eq!(kind(&admit(&b.check).await), Some(CheckErrorKind::Outage));
    assert_eq!(b.calls.calls(), 0);
    sleep(Duration::from_secs(11)).await;
    assert_eq!(b.monitor.availability(), BreakerState::Closed);
    assert!(admit(&b.check).await.is_ok() && admit(&a.check).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_of_one_app_keep_nobody_of_another_out() {
    let (a, b) = two(Issuer::new(|_| REFUSED), prompt(), Limits::default());
    knock(&a, 20).await;
    assert_eq!(a.calls.calls(), 1);
    assert!(!a.monitor.is_ready() && b.monitor.is_ready());
    assert!(admit(&b.check).await.is_ok());
    assert_eq!(b.monitor.availability(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_suspended_app_is_left_alone_and_keeps_nobody_of_another_out() {
    for refusal in [SUSPENDED, Behaviour::Fail(CheckErrorKind::AppMismatch)] {
        let suspended = Issuer::failing(0, 20, refusal);
        let (a, b) = two(suspended, prompt(), Limits::default());
        knock(&a, 40).await;
        assert_eq!(a.calls.calls(), 5);
        assert_eq!(a.monitor.availability(), BreakerState::Open);
        let held_back = admit(&a.check).await;
        assert_eq!(kind(&held_back), Some(CheckErrorKind::Forbidden));
        assert_eq!(retry_after(&held_back), Some(5));
        assert_eq!(b.monitor.availability(), BreakerState::Closed);
        assert!(admit(&b.check).await.is_ok());
        sleep(Duration::from_secs(21)).await;
        assert!(admit(&a.check).await.is_ok(), "found again");
    }
}

/// A probe that asked as a refused app would lock it out, and one that asked as a suspended app
/// must not take that for an outage.
#[tokio::test(start_paused = true)]
async fn probes_find_an_issuer_that_is_back_whatever_it_has_against_the_app() {
    for refusal in [REFUSED, SUSPENDED] {
        let down = Behaviour::Fail(CheckErrorKind::Connect);
        let a = Issuer::new(move |now| if now.as_secs() < 5 { down } else { refusal });
        let (a, b) = two(a, prompt(), Limits::default());
        knock(&a, 5).await;
        assert_eq!(b.monitor.availability(), BreakerState::Open);
        sleep(Duration::from_secs(6)).await;
        assert_eq!(b.monitor.availability(), BreakerState::Closed);
        assert!(admit(&b.check).await.is_ok());
        assert_eq!(a.calls.calls_within(5, 6), 1, "one probe, and no more");
    }
}

#[tokio::test(start_paused = true)]
async fn probers_end_with_the_services() {
    let down = || Issuer::new(|_| Behaviour::Fail(CheckErrorKind::Connect));
    let (a, b) = two(down(), down(), Limits::default());
    knock(&a, 5).await;
    let (calls, others) = (a.calls.clone(), b.calls.clone());
    drop((a, b));
    settle().await;
    assert!(!calls.is_kept() && !others.is_kept());
    sleep(Duration::from_secs(10)).await;
    assert_eq!((calls.calls(), others.calls()), (5, 0));
}
