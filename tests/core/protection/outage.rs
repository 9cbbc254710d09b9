use std::time::Duration;

use ghes_gatekeeper::check::{CheckErrorKind, CheckRequest};
use ghes_gatekeeper::protection::{BreakerState, Protection};
use tokio::time::{Instant, advance, sleep};
use tower::ServiceExt;

use super::support::{
    Behaviour, Issuer, Outcome, PROMPT, admission, admit, kind, renew, retry_after, settle,
    steadily,
};

const OUTAGE: u64 = 30;

/// Ten admissions a second through an outage of 30 s that begins after 10 s.
async fn through(behaviour: Behaviour) -> (Issuer, Vec<(Duration, Outcome)>) {
    let issuer = Issuer::failing(10, 10 + OUTAGE, behaviour);
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    let pause = Duration::from_millis(100);
    let outcomes = steadily(&check, admission, pause, Duration::from_secs(60)).await;
    (issuer, outcomes)
}

/// When, in seconds, the last check began that brought no answer.
fn last_failure(outcomes: &[(Duration, Outcome)]) -> f64 {
    let failed = outcomes.iter().rfind(|(_, outcome)| outcome.is_err());
    failed.expect("a failure").0.as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_refuses_connections_is_asked_twice_a_second() {
    let (issuer, outcomes) = through(Behaviour::Fail(CheckErrorKind::Connect)).await;
    // Five failures, the probes, and a few trials after 5, 10 and so on.
    let calls = issuer.calls_within(10, 40);
    assert!((58..=70).contains(&calls), "{calls}");
    assert!(issuer.calls_within(20, 30) <= 22);
    assert!(last_failure(&outcomes) < 41.0, "back within a second");
    assert_eq!(issuer.calls_within(45, 55), 100, "all pass again");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_says_nothing_is_given_half_a_second_for_each_probe() {
    let (issuer, outcomes) = through(Behaviour::Silent).await;
    // Until the first five have timed out, after 3.4 s, nobody knows.
    let calls = issuer.calls_within(10, 40);
    assert!((35 + 50..=35 + 65).contains(&calls), "{calls}");
    assert!(last_failure(&outcomes) < 41.0, "back within a second");
    // While it is known, nobody waits.
    let held_back = |(at, outcome): &&(Duration, Outcome)| {
        (14.0..39.0).contains(&at.as_secs_f64()) && kind(outcome) == Some(CheckErrorKind::Outage)
    };
    assert!(outcomes.iter().filter(held_back).count() > 240);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_flaps_is_asked_less_while_it_fails() {
    let issuer = Issuer::new(|now| match now.as_secs() % 2 {
        0 => PROMPT,
        _ => Behaviour::Fail(CheckErrorKind::ServerError),
    });
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    let pause = Duration::from_millis(10);
    let outcomes = steadily(&check, admission, pause, Duration::from_secs(30)).await;
    for second in (1..30).step_by(2) {
        let calls = issuer.calls_within(second, second + 1);
        assert!(calls <= 5 + 2, "{calls} in second {second}");
    }
    let answered = outcomes.iter().filter(|outcome| outcome.1.is_ok()).count();
    assert!(answered >= 15 * 45, "{answered} answered");
    assert!(issuer.calls_within(29, 30) >= 5, "still tried");
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_and_four_do_not() {
    let issuer = Issuer::new(|now| match now.as_secs() {
        4 => PROMPT,
        _ => Behaviour::Fail(CheckErrorKind::ServerError),
    });
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    for _ in 0..9 {
        admit(&check).await.ok();
        assert_eq!(monitor.availability(), BreakerState::Closed);
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(
        kind(&admit(&check).await),
        Some(CheckErrorKind::ServerError)
    );
    assert_eq!(monitor.availability(), BreakerState::Open);
    assert!(monitor.is_ready(), "an outage takes no gate out of service");
    let refused = admit(&check).await;
    assert_eq!(kind(&refused), Some(CheckErrorKind::Outage));
    assert_eq!(retry_after(&refused), Some(5));
    assert_eq!(issuer.calls(), 10);
}

/// Whoever reads the log or the metrics must not look for too many users.
#[tokio::test(start_paused = true)]
async fn behind_an_open_breaker_it_is_an_outage_and_no_crowd() {
    for failure in [
        CheckErrorKind::Connect,
        CheckErrorKind::ServerError,
        CheckErrorKind::Timeout,
    ] {
        let issuer = Issuer::new(move |_| Behaviour::Fail(failure));
        let (check, monitor) = Protection::new().protect(issuer, []);
        while monitor.availability() == BreakerState::Closed {
            admit(&check).await.unwrap_err();
        }
        let refused = admit(&check).await.unwrap_err();
        assert_eq!(refused.kind().as_str(), "outage");
        assert!(refused.kind().is_outage(), "a grace period bridges it");
        let text = "the issuer fails, and is left alone until it is back";
        assert_eq!(refused.to_string(), text);
        let counted = |label| monitor.results().find(|result| result.0 == label);
        assert_eq!(counted("shed"), Some(("shed", 0)));
        assert!(counted("outage").is_some_and(|(_, count)| count >= 1));
    }
}

/// It may be the token's fault alone, however often it is asked about.
#[tokio::test(start_paused = true)]
async fn failures_of_one_token_open_nothing_and_connections_that_fail_do() {
    for failure in CheckErrorKind::ALL {
        let about_one = || Issuer::new(move |_| Behaviour::Fail(failure));
        let (issuer, request) = (about_one(), admission());
        let (check, monitor) = Protection::new().protect(issuer.clone(), []);
        for _ in 0..200 {
            let outcome = check.clone().oneshot(request.clone()).await;
            assert!(outcome.is_err());
            sleep(Duration::from_millis(50)).await;
        }
        let is_everybodys = matches!(
            failure,
            CheckErrorKind::Connect
                | CheckErrorKind::Dns
                | CheckErrorKind::ProxyRefused
                | CheckErrorKind::RateLimited
                | CheckErrorKind::Tls
        );
        let is_open = monitor.availability() != BreakerState::Closed;
        assert_eq!(is_open, is_everybodys, "{failure:?}");
        // What was not sent says nothing; credentials have a breaker of their own.
        let is_counted = !matches!(failure, CheckErrorKind::Outage | CheckErrorKind::Shed);
        // Each of the calls after 0, 1, 3, 5, 7 and 9 s may be two; or two probes a second.
        assert!(!is_counted || issuer.calls() <= 5 + 20, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn checks_that_were_never_sent_open_nothing() {
    let (check, monitor) =
        Protection::new().protect(Issuer::new(|_| Behaviour::Fail(CheckErrorKind::Shed)), []);
    for _ in 0..100 {
        assert!(admit(&check).await.is_err());
    }
    assert_eq!(monitor.availability(), BreakerState::Closed);
}

/// Requests alone, as where the issuer answers, but too slowly for a probe.
#[tokio::test(start_paused = true)]
async fn trials_are_ever_further_apart() {
    let issuer = Issuer::new(|now| match now.as_secs() {
        0 => Behaviour::Fail(CheckErrorKind::ServerError),
        _ => Behaviour::Silent,
    });
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    for _ in 0..5 {
        admit(&check).await.unwrap_err();
    }
    let began_at = Instant::now();
    let mut trials = Vec::new();
    while began_at.elapsed() < Duration::from_secs(400) {
        let asked_at = began_at.elapsed().as_secs_f64();
        if kind(&admit(&check).await) == Some(CheckErrorKind::Timeout) {
            trials.push(asked_at);
        }
        sleep(Duration::from_millis(100)).await;
    }
    let pauses = trials.windows(2).map(|two| two[1] - two[0] - 3.0);
    for (pause, expected) in pauses.zip([10.0, 20.0, 40.0, 60.0, 60.0]) {
        assert!(
            (expected..expected * 1.1 + 0.2).contains(&pause),
            "{trials:?}"
        );
    }
    assert!(trials.len() >= 6, "{trials:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_kept_to_the_second_and_no_probe_breaks_it() {
    for (told, kept) in [(90, 90), (5, 60)] {
        let limited = Behaviour::FailFor(CheckErrorKind::RateLimited, Duration::from_secs(told));
        let issuer = Issuer::failing(0, 1, limited);
        let (check, monitor) = Protection::new().protect(issuer.clone(), []);
        assert_eq!(
            kind(&admit(&check).await),
            Some(CheckErrorKind::RateLimited)
        );
        assert_eq!(retry_after(&admit(&check).await), Some(kept));
        sleep(Duration::from_millis(kept * 1_000 - 10)).await;
        for outcome in [admit(&check).await, renew(&check).await] {
            assert_eq!(kind(&outcome), Some(CheckErrorKind::Outage));
        }
        assert_eq!(issuer.calls(), 1);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(monitor.availability(), BreakerState::Closed);
        assert!(admit(&check).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_names_a_time_is_left_alone_until_then() {
    let wait = Duration::from_secs(20);
    let failing = Behaviour::FailFor(CheckErrorKind::ServerError, wait);
    let issuer = Issuer::failing(0, 1, failing);
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    for _ in 0..5 {
        admit(&check).await.unwrap_err();
    }
    assert_eq!(retry_after(&admit(&check).await), Some(20));
    sleep(Duration::from_millis(19_900)).await;
    assert_eq!(issuer.calls(), 5);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(monitor.availability(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_given_up_late_counts_and_one_that_leaves_early_does_not() {
    for (patience, state) in [(900, BreakerState::Closed), (1_000, BreakerState::Open)] {
        let issuer = Issuer::new(|_| Behaviour::Silent);
        let (check, monitor) = Protection::new().protect(issuer, []);
        for _ in 0..5 {
            let patience = Duration::from_millis(patience);
            let given_up = tokio::time::timeout(patience, admit(&check)).await;
            assert!(given_up.is_err());
        }
        assert_eq!(monitor.availability(), state);
        let results: Vec<_> = monitor.results().filter(|result| result.1 > 0).collect();
        assert_eq!(results, [("client_gone", 5)]);
        assert_eq!(monitor.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_prober_ends_with_the_service() {
    let issuer = Issuer::new(|_| Behaviour::Silent);
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    let opening = (0..5).map(|_| check.clone());
    let opening = opening.map(|check| tokio::spawn(async move { admit(&check).await }));
    for opening in opening.collect::<Vec<_>>() {
        opening.await.unwrap().unwrap_err();
    }
    sleep(Duration::from_secs(1)).await;
    let probed = issuer.calls();
    assert!(probed > 5);
    drop(check);
    settle().await;
    assert!(!issuer.is_kept(), "nothing holds on to the client");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(issuer.calls(), probed);
    assert_eq!(monitor.in_flight(), 0);
}

#[test]
fn no_runtime_is_needed_to_build_it() {
    let client = tower::service_fn(|_: CheckRequest| std::future::pending());
    let (_, monitor) = Protection::new().protect(client, []);
    assert!(monitor.is_ready());
}
