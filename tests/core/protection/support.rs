use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use ghes_gatekeeper::check::{
    CheckError, CheckErrorKind, CheckPurpose, CheckRequest, InactiveReason, Verdict,
};
use ghes_gatekeeper::protection::ProtectedCheck;
use ghes_gatekeeper::token::AccessToken;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

pub(crate) type Outcome = Result<Verdict, CheckError>;

/// What an issuer does with one call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Says after this time that it does not know the token.
    Answer(Duration),
    Fail(CheckErrorKind),
    FailFor(CheckErrorKind, Duration),
    /// Says nothing, until the client gives up after 3 s.
    Silent,
}

/// An issuer that behaves by the clock, and remembers when it was called.
#[derive(Clone)]
pub(crate) struct Issuer {
    began_at: Instant,
    behaviour: Arc<dyn Fn(Duration) -> Behaviour + Send + Sync>,
    calls: Arc<Mutex<Vec<(Duration, CheckPurpose)>>>,
}

pub(crate) const PROMPT: Behaviour = Behaviour::Answer(Duration::from_millis(20));

impl Issuer {
    pub(crate) fn new(behaviour: impl Fn(Duration) -> Behaviour + Send + Sync + 'static) -> Self {
        Self {
            began_at: Instant::now(),
            behaviour: Arc::new(behaviour),
            calls: Arc::default(),
        }
    }

    /// Prompt, but for the time from `from` to `to`.
    pub(crate) fn failing(from: u64, to: u64, behaviour: Behaviour) -> Self {
        let outage = Duration::from_secs(from)..Duration::from_secs(to);
        Self::new(move |now| {
            if outage.contains(&now) {
                behaviour
            } else {
                PROMPT
            }
        })
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.lock().expect("no panic").len()
    }

    /// How often it was called from one second to another.
    pub(crate) fn calls_within(&self, from: u64, to: u64) -> usize {
        let within = Duration::from_secs(from)..Duration::from_secs(to);
        let calls = self.calls.lock().expect("no panic");
        calls.iter().filter(|(at, _)| within.contains(at)).count()
    }

    pub(crate) fn calls_for(&self, purpose: CheckPurpose) -> usize {
        let calls = self.calls.lock().expect("no panic");
        calls.iter().filter(|call| call.1 == purpose).count()
    }

    /// Tells whether the service is still kept somewhere.
    pub(crate) fn is_kept(&self) -> bool {
        Arc::strong_count(&self.calls) > 1
    }
}

impl Service<CheckRequest> for Issuer {
    type Response = Verdict;
    type Error = CheckError;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: CheckRequest) -> Self::Future {
        let now = self.began_at.elapsed();
        self.calls
            .lock()
            .expect("no panic")
            .push((now, request.purpose()));
        let behaviour = (self.behaviour)(now);
        Box::pin(async move {
            match behaviour {
                Behaviour::Answer(latency) => {
                    sleep(latency).await;
                    Ok(Verdict::Inactive(InactiveReason::Unknown))
                }
                Behaviour::Fail(kind) => Err(CheckError::new(kind)),
                Behaviour::FailFor(kind, wait) => {
                    Err(CheckError::with_retry_after(kind, wait, "as told"))
                }
                Behaviour::Silent => {
                    sleep(Duration::from_secs(3)).await;
                    Err(CheckError::new(CheckErrorKind::Timeout))
                }
            }
        })
    }
}

pub(crate) async fn admit(check: &ProtectedCheck) -> Outcome {
    check.clone().oneshot(admission()).await
}

pub(crate) async fn renew(check: &ProtectedCheck) -> Outcome {
    let request = CheckRequest::renewal(AccessToken::new("gho_known"));
    check.clone().oneshot(request).await
}

/// Asks about another token each time.
pub(crate) fn admission() -> CheckRequest {
    static TOKENS: AtomicUsize = AtomicUsize::new(0);
    let number = TOKENS.fetch_add(1, Ordering::Relaxed);
    CheckRequest::new(AccessToken::new(format!("gho_unknown{number}")))
}

pub(crate) fn kind(outcome: &Outcome) -> Option<CheckErrorKind> {
    outcome.as_ref().err().map(CheckError::kind)
}

pub(crate) fn retry_after(outcome: &Outcome) -> Option<u64> {
    let error = outcome.as_ref().err()?;
    error.retry_after().map(|wait| wait.as_secs())
}

/// Lets all tasks go as far as they can without the clock.
pub(crate) async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

/// Asks every `pause` until `end` after the start, each check in a task of its own.
pub(crate) async fn steadily(
    check: &ProtectedCheck,
    request: impl Fn() -> CheckRequest,
    pause: Duration,
    end: Duration,
) -> Vec<(Duration, Outcome)> {
    let began_at = Instant::now();
    let mut checks = Vec::new();
    while began_at.elapsed() < end {
        let (asked_at, check) = (began_at.elapsed(), check.clone());
        let call = check.oneshot(request());
        checks.push(tokio::spawn(async move { (asked_at, call.await) }));
        sleep(pause).await;
    }
    let mut outcomes = Vec::with_capacity(checks.len());
    for check in checks {
        outcomes.push(check.await.expect("no panic"));
    }
    outcomes
}
