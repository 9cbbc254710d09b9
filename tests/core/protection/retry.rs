use std::time::Duration;

use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::protection::Protection;
use tokio::time::sleep;

use super::support::{Behaviour, Issuer, PROMPT, admit, kind};

#[tokio::test(start_paused = true)]
async fn only_what_cannot_have_been_processed_is_sent_again_and_once() {
    for failure in CheckErrorKind::ALL {
        let issuer = Issuer::new(move |_| Behaviour::Fail(failure));
        let (check, _) = Protection::new().protect(issuer.clone(), []);
        assert_eq!(kind(&admit(&check).await), Some(failure));
        let is_retried = matches!(
            failure,
            CheckErrorKind::Closed | CheckErrorKind::Connect | CheckErrorKind::Dns
        );
        assert_eq!(
            issuer.calls(),
            if is_retried { 2 } else { 1 },
            "{failure:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_meanwhile_costs_nobody_an_answer() {
    let issuer = Issuer::new(|now| match now.subsec_millis() {
        0 => Behaviour::Fail(CheckErrorKind::Closed),
        _ => PROMPT,
    });
    // The second attempt comes in the same instant, so the clock is moved by the first.
    let slow_to_close = tower::service_fn(move |request| {
        let mut issuer = issuer.clone();
        async move {
            let outcome = tower::Service::call(&mut issuer, request).await;
            sleep(Duration::from_millis(1)).await;
            outcome
        }
    });
    let (check, _) = Protection::new().protect(slow_to_close, []);
    assert!(admit(&check).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_all_calls_is_retried_and_one_a_second() {
    // Every other call fails, so that the breaker stays closed and every check wants a retry.
    let count = std::sync::atomic::AtomicUsize::new(0);
    let issuer =
        Issuer::new(
            move |_| match count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 3 {
                0 => Behaviour::Fail(CheckErrorKind::Closed),
                _ => PROMPT,
            },
        );
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    let checks = 1_000;
    for _ in 0..checks {
        admit(&check).await.ok();
        sleep(Duration::from_millis(20)).await;
    }
    let retries = issuer.calls() - checks;
    // In 40 s or less, a tenth of a thousand and one a second; the budget looks back 10 s.
    assert!((100..=150).contains(&retries), "{retries}");
}
