//! Who belongs where, as a test has it; keeps what it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::membership::{Group, Membership, MembershipRequest, MembershipService};
use tokio::sync::Semaphore;
use tower::service_fn;

use super::group;

#[derive(Clone)]
pub(crate) struct Directory(Arc<Inner>);

struct Inner {
    says: Mutex<HashMap<Group, Result<Membership, CheckError>>>,
    asked: Mutex<Vec<Group>>,
    open: Semaphore,
}

impl Default for Directory {
    /// One where nobody belongs anywhere.
    fn default() -> Self {
        Self(Arc::new(Inner {
            says: Mutex::default(),
            asked: Mutex::default(),
            open: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }
}

impl Directory {
    pub(crate) fn says(&self, name: &str, membership: Membership) {
        self.says_at_all(name, Ok(membership));
    }

    pub(crate) fn fails(&self, name: &str, kind: CheckErrorKind) {
        self.says_at_all(name, Err(CheckError::new(kind)));
    }

    /// Wants to be left alone by the person who asks.
    pub(crate) fn limits(&self, name: &str, wait: Duration) {
        let kind = CheckErrorKind::RateLimited;
        self.says_at_all(name, Err(CheckError::with_retry_after(kind, wait, "limit")));
    }

    /// Lets questions come in and answers not go out, but for so many.
    pub(crate) fn answers_only(&self, answers: usize) {
        self.0.open.forget_permits(Semaphore::MAX_PERMITS);
        self.0.open.add_permits(answers);
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *lock(&self.0.asked));
        asked.iter().map(Group::to_string).collect()
    }

    pub(crate) fn service(&self) -> impl MembershipService + use<> {
        let directory = self.clone();
        service_fn(move |request: MembershipRequest| {
            let directory = directory.clone();
            async move { directory.answer(&request).await }
        })
    }

    /// What is said is what is true when the question comes in.
    async fn answer(&self, request: &MembershipRequest) -> Result<Membership, CheckError> {
        assert_eq!(request.identity().user().login(), "octocat");
        lock(&self.0.asked).push(request.group().clone());
        let said = lock(&self.0.says).get(request.group()).cloned();
        let permit = self.0.open.acquire().await.expect("open");
        if self.0.open.available_permits() < 1_000 {
            permit.forget();
        }
        said.unwrap_or(Ok(Membership::NotMember))
    }

    fn says_at_all(&self, name: &str, said: Result<Membership, CheckError>) {
        lock(&self.0.says).insert(group(name), said);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic")
}
