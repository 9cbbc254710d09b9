use std::sync::{Arc, Mutex};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckErrorKind, CheckPurpose, CheckRequest};
use ghes_gatekeeper::protection::{BreakerState, CheckObserver, CheckOutcome, Protection};
use ghes_gatekeeper::token::AccessToken;
use tokio::time::sleep;

use super::support::{Behaviour, Issuer, PROMPT, admission, admit, kind, retry_after, steadily};

const SECONDS: u64 = 30;

/// 20,000 admissions a second beside ten renewals a second.
#[tokio::test(start_paused = true)]
async fn a_spray_reaches_the_issuer_within_the_limit_and_takes_nothing_from_renewals() {
    let issuer = Issuer::new(|_| PROMPT);
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    let spray = tokio::spawn({
        let check = check.clone();
        async move {
            for _ in 0..SECONDS * 1_000 {
                for _ in 0..20 {
                    let check = check.clone();
                    tokio::spawn(async move { admit(&check).await });
                }
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
    let renewal = || CheckRequest::renewal(AccessToken::new("gho_known"));
    // No multiple of the 5 ms after which the rate allows one more call, so that some come at each
    // moment between two of them.
    let (pause, end) = (Duration::from_millis(97), Duration::from_secs(SECONDS));
    let renewed = steadily(&check, renewal, pause, end).await;
    spray.await.unwrap();

    let renewals = renewed.len();
    assert_eq!(renewals, 310);
    assert!(renewed.iter().all(|renewed| renewed.1.is_ok()));
    assert_eq!(issuer.calls_for(CheckPurpose::Renewal), renewals);
    // Burst and rate, of which admissions have four fifths.
    let (calls, limit) = (issuer.calls() as f64, 250.0 + 200.0 * SECONDS as f64);
    assert!(calls <= limit * 1.01, "{calls}");
    let admissions = issuer.calls_for(CheckPurpose::Admission) as f64;
    assert!(admissions >= limit * 0.8 * 0.99, "{admissions}");
    for second in 1..SECONDS {
        assert!(issuer.calls_within(second, second + 1) <= 202);
    }
    assert_eq!(monitor.availability(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn renewals_alone_may_use_all_of_the_rate() {
    let issuer = Issuer::new(|_| Behaviour::Answer(Duration::ZERO));
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    let renewal = || CheckRequest::renewal(AccessToken::new("gho_known"));
    let (pause, end) = (Duration::from_millis(1), Duration::from_secs(10));
    steadily(&check, renewal, pause, end).await;
    let calls = issuer.calls();
    assert!((2_240..=2_260).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn who_is_beyond_the_rate_is_told_when_to_come_back() {
    let issuer = Issuer::new(|_| Behaviour::Answer(Duration::ZERO));
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    for _ in 0..200 {
        assert!(admit(&check).await.is_ok());
    }
    let refused = admit(&check).await;
    assert_eq!(kind(&refused), Some(CheckErrorKind::Shed));
    assert_eq!(retry_after(&refused), Some(1));
    sleep(Duration::from_secs(1)).await;
    assert!(admit(&check).await.is_ok());
    let results: Vec<_> = monitor.results().filter(|result| result.1 > 0).collect();
    assert_eq!(results, [("invalid", 201), ("shed", 1)]);
}

#[derive(Clone, Default)]
struct Completed(Arc<Mutex<Vec<(CheckPurpose, &'static str, Duration)>>>);

impl CheckObserver for Completed {
    fn completed(&self, purpose: CheckPurpose, outcome: CheckOutcome, elapsed: Duration) {
        let completed = (purpose, outcome.as_str(), elapsed);
        self.0.lock().expect("no panic").push(completed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_each_call_and_each_refusal() {
    let issuer = Issuer::failing(0, 1, Behaviour::Fail(CheckErrorKind::Closed));
    let completed = Completed::default();
    let protection = Protection::new().with_observer(completed.clone());
    let (check, _) = protection.protect(issuer, []);
    for _ in 0..5 {
        admit(&check).await.unwrap_err();
    }
    sleep(Duration::from_secs(2)).await;
    let pause = Duration::from_secs(1);
    steadily(&check, admission, pause, Duration::from_millis(1)).await;

    let told = completed.0.lock().unwrap().clone();
    let (admission, renewal) = (CheckPurpose::Admission, CheckPurpose::Renewal);
    // Two attempts of each check, until the fifth failure of another one has opened the breaker.
    let failed = (admission, "truncated", Duration::ZERO);
    assert_eq!(told[..9], [failed; 9]);
    assert_eq!(told[9], (admission, "outage", Duration::ZERO));
    let answer = Duration::from_millis(20);
    assert_eq!(told[told.len() - 2], (renewal, "invalid", answer));
    assert_eq!(told[told.len() - 1], (admission, "invalid", answer));
}
