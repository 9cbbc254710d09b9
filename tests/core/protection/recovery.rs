use std::time::Duration;

use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::protection::{BreakerState, Protection};
use tokio::time::{Instant, sleep};

use super::support::{Behaviour, Issuer, PROMPT, admit};

/// However the end of an outage falls between the probes, and with nobody asking.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_back_is_found_within_a_second() {
    let failures = [Behaviour::Silent, Behaviour::Fail(CheckErrorKind::Connect)];
    for (behaviour, offset) in failures.into_iter().flat_map(|behaviour| {
        (0..1_000)
            .step_by(37)
            .map(move |offset| (behaviour, offset))
    }) {
        let end = Duration::from_millis(100_000 + offset);
        let issuer = Issuer::new(move |now| if now < end { behaviour } else { PROMPT });
        let (check, monitor) = Protection::new().protect(issuer, []);
        let began_at = Instant::now();
        for _ in 0..5 {
            admit(&check).await.unwrap_err();
        }
        sleep(end - began_at.elapsed()).await;
        assert_ne!(monitor.availability(), BreakerState::Closed);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(monitor.availability(), BreakerState::Closed, "{offset}");
        assert!(admit(&check).await.is_ok());
    }
}

/// Too slow for a probe, so that a request has to find out.
#[tokio::test(start_paused = true)]
async fn a_slow_issuer_is_found_by_a_request() {
    let slow = Behaviour::Answer(Duration::from_millis(800));
    let issuer = Issuer::new(move |now| match now.as_secs() {
        0 => Behaviour::Fail(CheckErrorKind::ServerError),
        _ => slow,
    });
    let (check, monitor) = Protection::new().protect(issuer, []);
    for _ in 0..5 {
        admit(&check).await.unwrap_err();
    }
    sleep(Duration::from_millis(5_600)).await;
    assert_eq!(monitor.availability(), BreakerState::HalfOpen);
    assert!(admit(&check).await.is_ok());
    assert_eq!(monitor.availability(), BreakerState::Closed);
}
