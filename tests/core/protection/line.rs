use std::num::NonZeroU32;
use std::time::Duration;

use ghes_gatekeeper::check::{CheckErrorKind, CheckPurpose};
use ghes_gatekeeper::protection::{Limits, ProtectedCheck, Protection, ProtectionMonitor};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::support::{Behaviour, Issuer, Outcome, admit, kind, renew, retry_after, settle};

fn slow(latency: Duration) -> Issuer {
    Issuer::new(move |_| Behaviour::Answer(latency))
}

/// Nothing but concurrency limits.
fn unhurried() -> Limits {
    let mut limits = Limits::default();
    limits.rate = NonZeroU32::new(100_000).expect("not 0");
    limits.burst = limits.rate;
    limits
}

fn protect(issuer: &Issuer, limits: Limits) -> (ProtectedCheck, ProtectionMonitor) {
    Protection::new()
        .with_limits(limits)
        .protect(issuer.clone(), [])
}

fn admissions(check: &ProtectedCheck, count: usize) -> Vec<JoinHandle<Outcome>> {
    let spawn = |check: ProtectedCheck| tokio::spawn(async move { admit(&check).await });
    (0..count).map(|_| spawn(check.clone())).collect()
}

fn renewals(check: &ProtectedCheck, count: usize) -> Vec<JoinHandle<Outcome>> {
    let spawn = |check: ProtectedCheck| tokio::spawn(async move { renew(&check).await });
    (0..count).map(|_| spawn(check.clone())).collect()
}

async fn outcomes(checks: Vec<JoinHandle<Outcome>>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for check in checks {
        outcomes.push(check.await.expect("no panic"));
    }
    outcomes
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_of_two_hundred_people_lets_all_of_them_in() {
    let issuer = slow(Duration::from_millis(400));
    let (check, _) = protect(&issuer, Limits::default());
    let outcomes = outcomes(admissions(&check, 200)).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(issuer.calls(), 200);
}

#[tokio::test(start_paused = true)]
async fn renewals_never_wait_behind_admissions() {
    let latency = Duration::from_secs(1);
    let issuer = slow(latency);
    let (check, monitor) = protect(&issuer, unhurried());
    let flood = admissions(&check, 5_000);
    settle().await;
    assert_eq!(monitor.in_flight(), 48);
    let began_at = Instant::now();
    let renewed = outcomes(renewals(&check, 16)).await;
    assert!(renewed.iter().all(Result::is_ok));
    assert_eq!(began_at.elapsed(), latency);
    drop(flood);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_than_the_limit_are_under_way() {
    let issuer = slow(Duration::from_millis(100));
    let (check, monitor) = protect(&issuer, unhurried());
    let mut checks = renewals(&check, 500);
    checks.extend(admissions(&check, 500));
    for _ in 0..20 {
        settle().await;
        assert!(monitor.in_flight() <= 64);
        sleep(Duration::from_millis(10)).await;
    }
    // Where nobody else is there, renewals have all places.
    assert_eq!(monitor.in_flight(), 64);
    let outcomes = outcomes(checks).await;
    assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() > 900);
    assert_eq!(monitor.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_line_turns_away_at_once_and_a_wait_is_bounded() {
    let issuer = Issuer::new(|_| Behaviour::Silent);
    let (check, _) = protect(&issuer, unhurried());
    let waiting = admissions(&check, 48 + 1_024);
    settle().await;
    let began_at = Instant::now();
    let refused = admit(&check).await;
    assert_eq!(began_at.elapsed(), Duration::ZERO);
    assert_eq!(kind(&refused), Some(CheckErrorKind::Shed));
    assert_eq!(retry_after(&refused), Some(2));
    sleep(Duration::from_millis(2_010)).await;
    let waited = waiting.iter().filter(|check| check.is_finished()).count();
    assert_eq!(waited, 1_024);
    assert_eq!(issuer.calls(), 48);
}

#[tokio::test(start_paused = true)]
async fn the_line_of_admissions_takes_no_place_of_renewals() {
    let issuer = Issuer::new(|_| Behaviour::Silent);
    let (check, _) = protect(&issuer, unhurried());
    let _flood = admissions(&check, 5_000);
    let renewed = renewals(&check, 16 + 1_024);
    settle().await;
    assert!(renewed.iter().all(|check| !check.is_finished()));
    assert_eq!(issuer.calls_for(CheckPurpose::Renewal), 16);
}

#[tokio::test(start_paused = true)]
async fn without_a_line_all_places_can_be_taken_nevertheless() {
    let issuer = Issuer::new(|_| Behaviour::Silent);
    let mut limits = unhurried();
    limits.queue = 0;
    let (check, monitor) = protect(&issuer, limits);
    let _renewals = renewals(&check, 64);
    settle().await;
    assert_eq!(monitor.in_flight(), 64);
    assert_eq!(kind(&renew(&check).await), Some(CheckErrorKind::Shed));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_or_a_call_makes_room() {
    let issuer = Issuer::new(|_| Behaviour::Silent);
    let (check, monitor) = protect(&issuer, unhurried());
    let checks = admissions(&check, 48 + 1_024);
    settle().await;
    for check in &checks {
        check.abort();
    }
    settle().await;
    assert_eq!(monitor.in_flight(), 0);
    let _others = admissions(&check, 48);
    settle().await;
    assert_eq!(monitor.in_flight(), 48);
}
