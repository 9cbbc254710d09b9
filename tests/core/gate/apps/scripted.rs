//! An app that is told what the test says, and counts how often it asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ghes_gatekeeper::check::{CheckError, CheckErrorKind, CheckRequest, Verdict};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::{Membership, MembershipRequest};
use ghes_gatekeeper::validator::{Validator, ValidatorBuilder};
use tokio::sync::Semaphore;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

/// What an app is told about every token.
pub(super) type Said = Result<Verdict, CheckErrorKind>;

/// One type for all apps.
pub(super) type Check = BoxCloneSyncService<CheckRequest, Verdict, CheckError>;

#[derive(Clone)]
pub(super) struct App(Arc<Inner>);

struct Inner {
    client_id: String,
    said: Mutex<Said>,
    membership: Mutex<Membership>,
    calls: AtomicU64,
    questions: AtomicU64,
    /// Closed while answers are held back.
    open: Semaphore,
}

impl App {
    /// An app that knows octocat by every token.
    pub(super) fn that_knows(client_id: &str) -> Self {
        Self::that_is_told(client_id, Ok(octocat(client_id)))
    }

    pub(super) fn that_is_told(client_id: &str, said: Said) -> Self {
        Self(Arc::new(Inner {
            client_id: client_id.to_owned(),
            said: Mutex::new(said),
            membership: Mutex::new(Membership::NotMember),
            calls: AtomicU64::new(0),
            questions: AtomicU64::new(0),
            open: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    pub(super) fn said(&self) -> Said {
        self.0.said.lock().expect("no panic").clone()
    }

    pub(super) fn is_told(&self, said: Said) {
        *self.0.said.lock().expect("no panic") = said;
    }

    pub(super) fn knows_octocat(&self) {
        self.is_told(Ok(octocat(&self.0.client_id)));
    }

    pub(super) fn is_told_of_memberships(&self, membership: Membership) {
        *self.0.membership.lock().expect("no panic") = membership;
    }

    /// Lets questions come in and answers not go out.
    pub(super) fn hold_back(&self) {
        self.0.open.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn let_go(&self) {
        self.0.open.add_permits(Semaphore::MAX_PERMITS);
    }

    pub(super) fn client_id(&self) -> &str {
        &self.0.client_id
    }

    pub(super) fn take_calls(&self) -> u64 {
        self.0.calls.swap(0, Ordering::Relaxed)
    }

    /// How often it has been asked about memberships since the last time.
    pub(super) fn take_questions(&self) -> u64 {
        self.0.questions.swap(0, Ordering::Relaxed)
    }

    pub(super) fn validator(&self) -> ValidatorBuilder<Check> {
        let (app, directory) = (self.clone(), self.clone());
        let check = service_fn(move |_: CheckRequest| app.clone().check());
        let memberships =
            service_fn(move |request: MembershipRequest| directory.clone().membership(request));
        Validator::builder(Check::new(check)).with_memberships(memberships)
    }

    async fn check(self) -> Result<Verdict, CheckError> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let _open = self.0.open.acquire().await.expect("never closed");
        self.said().map_err(CheckError::new)
    }

    async fn membership(self, request: MembershipRequest) -> Result<Membership, CheckError> {
        assert_eq!(request.identity().client_id(), self.client_id());
        self.0.questions.fetch_add(1, Ordering::Relaxed);
        Ok(self.0.membership.lock().expect("no panic").clone())
    }
}

fn octocat(client_id: &str) -> Verdict {
    let octocat = Identity::new(User::new("octocat", 1), client_id, 1, Default::default());
    Verdict::Active(octocat.expect("an identity"))
}
