//! The credential breaker: an app with rejected credentials does not ask on and on.
//!
//! GHES counts failed logins and locks the app out after some, so every refusal brings the next
//! nearer. There may be several credentials, each with a client of its own, so that a secret can
//! be replaced without a gap: where one is refused, the next is asked within the same check.
//! While that is being found out, other checks wait for the result rather than be refused too.
//!
//! If all are rejected, the gate is not ready and gets no requests that could be tried. So a task
//! of the breaker's own asks about a made-up token when the open time is over.

mod rotation;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::{Mutex as BlockingMutex, MutexGuard};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Service, ServiceExt};

use self::rotation::{Next, Rotation, Ticket};
use super::background::{Background, jitter, probe};
use super::refusal::Refusal;
use super::{BreakerState, Stack, StackFuture};
use crate::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};

/// The state that all who use the credentials share.
pub(super) struct SharedRotation {
    rotation: BlockingMutex<Rotation>,
    /// Held while other credentials are tried.
    trying: Mutex<()>,
    client_id: Option<Arc<str>>,
}

impl SharedRotation {
    /// Begins with the first of `count` credentials of an app; the client id is for logs.
    pub(super) fn new(count: usize, client_id: Option<Arc<str>>) -> Self {
        Self {
            rotation: BlockingMutex::new(Rotation::new(count)),
            trying: Mutex::default(),
            client_id,
        }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        self.lock().state(now)
    }

    /// Takes note that credentials were replaced.
    pub(super) fn replaced(&self) {
        self.lock().replaced();
    }

    fn lock(&self) -> MutexGuard<'_, Rotation> {
        // Every section leaves the state whole, so a panic elsewhere does not spoil it.
        self.rotation.lock()
    }
}

/// Asks with the credentials that are accepted, one client for each.
#[derive(Clone)]
pub(super) struct Credentials<S> {
    clients: Clients<S>,
    prober: Arc<Background>,
}

#[derive(Clone)]
struct Clients<S> {
    each: Arc<[S]>,
    shared: Arc<SharedRotation>,
}

impl<S: Stack<CheckRequest>> Credentials<S> {
    /// Wraps a client for each of the credentials that `shared` was made for.
    pub(super) fn new(clients: Vec<S>, shared: &Arc<SharedRotation>) -> Self {
        Self {
            clients: Clients {
                each: clients.into(),
                shared: Arc::clone(shared),
            },
            prober: Arc::default(),
        }
    }
}

impl<S: Stack<CheckRequest>> Service<CheckRequest> for Credentials<S> {
    type Response = Verdict;
    type Error = CheckError;
    type Future = StackFuture<Verdict>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: CheckRequest) -> StackFuture<Verdict> {
        let Self { clients, prober } = self.clone();
        Box::pin(async move {
            let (outcome, has_opened) = clients.check(&request).await;
            if has_opened {
                prober.replace(keep_probing(clients));
            }
            outcome
        })
    }
}

impl<S: Stack<CheckRequest>> Clients<S> {
    /// Asks with the current credentials, and with the others if these are refused; also returns
    /// whether the breaker has opened by it.
    async fn check(&self, request: &CheckRequest) -> (Result<Verdict, CheckError>, bool) {
        drop(self.shared.trying.lock().await);
        let admitted = self.shared.lock().admit(Instant::now());
        let ticket = match admitted {
            Ok(ticket) => ticket,
            Err(wait) => return (Err(Refusal::Credentials.error(wait)), false),
        };
        let outcome = self.ask(ticket, request).await;
        if is_refusal(&outcome) {
            self.ask_others(ticket, request, outcome).await
        } else {
            (outcome, false)
        }
    }

    async fn ask_others(
        &self,
        mut ticket: Ticket,
        request: &CheckRequest,
        mut outcome: Result<Verdict, CheckError>,
    ) -> (Result<Verdict, CheckError>, bool) {
        let trying = self.shared.trying.lock().await;
        while is_refusal(&outcome) {
            let next = self.shared.lock().refused(ticket, Instant::now(), jitter());
            match next {
                Next::Try(other) => ticket = other,
                Next::GiveUp => return (outcome, false),
                Next::Opened => {
                    tracing::error!(
                        app.client_id = self.shared.client_id.as_deref(),
                        "the app's credentials were refused; \
                         put its present client secret into the configuration"
                    );
                    return (outcome, true);
                }
            }
            outcome = self.ask(ticket, request).await;
        }
        drop(trying);
        (outcome, false)
    }

    async fn ask(&self, ticket: Ticket, request: &CheckRequest) -> Result<Verdict, CheckError> {
        let call = Undecided(&self.shared, Some(ticket));
        let outcome = self.each[ticket.index]
            .clone()
            .oneshot(request.clone())
            .await;
        call.decide(&outcome);
        outcome
    }
}

/// A call that has not yet said anything about its credentials.
struct Undecided<'s>(&'s SharedRotation, Option<Ticket>);

impl Undecided<'_> {
    fn decide(mut self, outcome: &Result<Verdict, CheckError>) {
        match outcome {
            Ok(_) => {
                if let Some(ticket) = self.1.take()
                    && self.0.lock().accepted(ticket)
                {
                    let number = ticket.index + 1;
                    tracing::info!(
                        app.client_id = self.0.client_id.as_deref(),
                        "the app's credentials number {number} are accepted"
                    );
                }
            }
            // A call with the other credentials notes it.
            Err(error) if error.kind() == CheckErrorKind::CredentialsRefused => self.1 = None,
            Err(_) => {}
        }
    }
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.1.take() {
            self.0.lock().undecided(ticket);
        }
    }
}

fn is_refusal(outcome: &Result<Verdict, CheckError>) -> bool {
    matches!(outcome, Err(error) if error.kind() == CheckErrorKind::CredentialsRefused)
}

/// Asks whenever the breaker allows it, until it is closed.
async fn keep_probing<S: Stack<CheckRequest>>(clients: Clients<S>) {
    loop {
        let Some(until) = clients.shared.lock().open_until() else {
            return;
        };
        sleep_until(until).await;
        // Its result is what it changes. Where it changed nothing, the issuer was not asked.
        let _ = clients.check(&probe()).await;
        sleep(PAUSE).await;
    }
}

/// What a prober waits at least, when the issuer cannot be asked for other reasons.
const PAUSE: Duration = Duration::from_secs(5);
