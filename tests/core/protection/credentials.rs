use std::time::Duration;

use ghes_gatekeeper::check::CheckErrorKind;
use ghes_gatekeeper::protection::{BreakerState, Protection};
use tokio::time::{Instant, sleep};

use super::support::{
    Behaviour, Issuer, PROMPT, admission, admit, kind, retry_after, settle, steadily,
};

const REFUSED: Behaviour = Behaviour::Fail(CheckErrorKind::CredentialsRefused);

#[tokio::test(start_paused = true)]
async fn an_app_that_is_refused_asks_once_in_thirty_seconds_and_then_less_often() {
    let issuer = Issuer::new(|_| REFUSED);
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    let pause = Duration::from_millis(50);
    let end = Duration::from_secs(1_500);
    let outcomes = steadily(&check, admission, pause, end).await;
    let refused = |outcome| kind(outcome) == Some(CheckErrorKind::CredentialsRefused);
    assert!(outcomes.iter().all(|(_, outcome)| refused(outcome)));
    // After 0, 30, 90, 210, 450, 750, 1050 and 1350 s, and up to a tenth more for each.
    assert!((7..=8).contains(&issuer.calls()), "{}", issuer.calls());
    assert_eq!(issuer.calls_within(1, 30), 0);
    assert_eq!(issuer.calls_within(0, 90), 2);
    assert!(!monitor.is_ready());
    assert_eq!(monitor.availability(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_refusal_is_no_outage_and_says_when_to_come_back() {
    let (check, monitor) = Protection::new().protect(Issuer::new(|_| REFUSED), []);
    assert!(monitor.is_ready());
    admit(&check).await.unwrap_err();
    let refused = admit(&check).await;
    assert!(!kind(&refused).unwrap().is_outage());
    assert!((30..=33).contains(&retry_after(&refused).unwrap()));
    assert_eq!(monitor.credentials(), BreakerState::Open);
}

/// A gate that is not ready gets no requests, so it must find out by itself.
#[tokio::test(start_paused = true)]
async fn a_repaired_app_is_found_without_requests() {
    let issuer = Issuer::failing(0, 60, REFUSED);
    let (check, monitor) = Protection::new().protect(issuer.clone(), []);
    admit(&check).await.unwrap_err();
    sleep(Duration::from_secs(59)).await;
    assert!(!monitor.is_ready());
    sleep(Duration::from_secs(50)).await;
    assert!(monitor.is_ready());
    assert_eq!(issuer.calls(), 3);
    assert!(admit(&check).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_replaced_without_a_gap() {
    let old = Issuer::failing(10, u64::MAX, REFUSED);
    let new = Issuer::new(|_| PROMPT);
    let (check, monitor) = Protection::new().protect(old.clone(), [new.clone()]);
    let pause = Duration::from_millis(10);
    let outcomes = steadily(&check, admission, pause, Duration::from_secs(20)).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome.is_ok()));
    assert!(monitor.is_ready());
    assert_eq!(old.calls_within(10, 20), 1, "the new one is remembered");
    assert_eq!(new.calls_within(0, 10), 0);
}

#[tokio::test(start_paused = true)]
async fn of_many_checks_at_once_one_tries_the_next_secret() {
    let refuse_slowly = || {
        let refused = Issuer::new(|_| REFUSED);
        let slow = tower::util::MapFuture::new(refused.clone(), |call| async {
            sleep(Duration::from_millis(20)).await;
            call.await
        });
        (refused, slow)
    };
    let ((old, old_client), (new, new_client)) = (refuse_slowly(), refuse_slowly());
    let boxed = |client| tower::util::BoxCloneSyncService::new(client);
    let (check, _) = Protection::new().protect(boxed(old_client), [boxed(new_client)]);
    let checks: Vec<_> = (0..40)
        .map(|_| check.clone())
        .map(|check| tokio::spawn(async move { admit(&check).await }))
        .collect();
    for check in checks {
        let outcome = check.await.unwrap();
        assert_eq!(kind(&outcome), Some(CheckErrorKind::CredentialsRefused));
    }
    // What was under way with the old secret cannot be called back.
    assert_eq!((old.calls(), new.calls()), (40, 1));
}

#[tokio::test(start_paused = true)]
async fn secrets_take_turns_while_all_are_refused() {
    let (old, new) = (Issuer::new(|_| REFUSED), Issuer::failing(0, 80, REFUSED));
    let (check, monitor) = Protection::new().protect(old.clone(), [new.clone()]);
    admit(&check).await.unwrap_err();
    assert_eq!((old.calls(), new.calls()), (1, 1));
    sleep(Duration::from_secs(40)).await;
    assert_eq!((old.calls(), new.calls()), (2, 1));
    sleep(Duration::from_secs(70)).await;
    assert_eq!((old.calls(), new.calls()), (2, 2));
    assert!(monitor.is_ready());
    assert!(admit(&check).await.is_ok());
    assert_eq!((old.calls(), new.calls()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_could_not_be_tried_is_tried_by_the_next_check() {
    let old = Issuer::new(|_| REFUSED);
    let new = Issuer::failing(0, 1, Behaviour::Fail(CheckErrorKind::ServerError));
    let (check, monitor) = Protection::new().protect(old.clone(), [new]);
    assert_eq!(
        kind(&admit(&check).await),
        Some(CheckErrorKind::ServerError)
    );
    assert!(monitor.is_ready());
    sleep(Duration::from_secs(1)).await;
    assert!(admit(&check).await.is_ok());
    assert_eq!(old.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_prober_of_credentials_ends_with_the_service() {
    let issuer = Issuer::new(|_| REFUSED);
    let (check, _) = Protection::new().protect(issuer.clone(), []);
    admit(&check).await.unwrap_err();
    drop(check);
    settle().await;
    assert!(!issuer.is_kept());
    let began_at = Instant::now();
    sleep(Duration::from_secs(100)).await;
    assert_eq!((issuer.calls(), began_at.elapsed().as_secs()), (1, 100));
}
