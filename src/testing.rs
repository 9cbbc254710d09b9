//! A gate for the tests of your own app: fixed identities, fixed memberships, no network.
//!
//! The gate is the real one, with your policy, and only who is asked is not GHES. Nothing is
//! remembered, so what a test changes counts from the next request on.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use ghes_gatekeeper::policy::RequireGroup;
//! use ghes_gatekeeper::testing::{TestIssuer, identity};
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ghes = TestIssuer::new()
//!     .with_token("gho_octocat", identity("octocat", 1, ["read:org"]))
//!     .with_token("gho_hubot", identity("hubot", 2, ["read:org"]))
//!     .with_member("octocat", "octo-org/platform");
//! let team = RequireGroup::new("octo-org/platform".parse()?);
//! // Your app goes here.
//! let app = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
//! let app = ghes.layer().with_policy(team).layer(app);
//!
//! let status = async |token: &str| {
//!     let request = Request::get("/").header("authorization", format!("Bearer {token}"));
//!     let Ok(response) = app.clone().oneshot(request.body(()).unwrap()).await;
//!     response.status().as_u16()
//! };
//! assert_eq!(status("gho_octocat").await, 200);
//! assert_eq!(status("gho_hubot").await, 403);
//! assert_eq!(status("gho_nobody").await, 401);
//!
//! ghes.revoke("gho_octocat");
//! assert_eq!(status("gho_octocat").await, 401);
//! ghes.set_reachable(false);
//! assert_eq!(status("gho_hubot").await, 503);
//! # Ok(())
//! # }
//! ```
//!
//! To test what a client of GHES would see, use the [`emulator`](crate#features) instead.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tower::Service;

use crate::GatekeeperLayer;
use crate::check::{CheckError, CheckErrorKind, CheckRequest, InactiveReason, Verdict};
use crate::identity::{Identity, User};
use crate::membership::{Group, Membership, MembershipRequest};
use crate::scope::{Scope, Scopes};
use crate::token::TokenHash;
use crate::validator::{CacheOptions, Validator};

/// Stands in for GHES.
///
/// A handle: clones share what they know, so keep one to change it while the app runs. It is a
/// [`CheckService`](crate::check::CheckService) and a
/// [`MembershipService`](crate::membership::MembershipService).
#[derive(Clone, Default)]
pub struct TestIssuer(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    tokens: HashMap<TokenHash, Identity>,
    /// By login in lower case.
    members: HashSet<(String, Group)>,
    is_unreachable: bool,
}

impl TestIssuer {
    /// Makes an issuer without any token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a token good.
    #[must_use]
    pub fn with_token(self, token: &str, identity: Identity) -> Self {
        self.known().tokens.insert(TokenHash::of(token), identity);
        self
    }

    /// Makes a user a member of a group, such as `octo-org` or `octo-org/platform`.
    ///
    /// # Panics
    ///
    /// Panics if there can be no such group.
    #[must_use]
    pub fn with_member(self, login: &str, group: &str) -> Self {
        self.add_member(login, group);
        self
    }

    /// Makes a user a member of a group from now on.
    ///
    /// # Panics
    ///
    /// Panics if there can be no such group.
    pub fn add_member(&self, login: &str, group: &str) {
        self.known().members.insert(member(login, group));
    }

    /// Ends a membership.
    ///
    /// # Panics
    ///
    /// Panics if there can be no such group.
    pub fn remove_member(&self, login: &str, group: &str) {
        self.known().members.remove(&member(login, group));
    }

    /// Makes a token bad.
    pub fn revoke(&self, token: &str) {
        self.known().tokens.remove(&TokenHash::of(token));
    }

    /// Decides whether there are answers at all; without, it is as if GHES were out of reach.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.known().is_unreachable = !is_reachable;
    }

    /// Returns a gate that asks this, to which your policy and the rest can be added.
    pub fn layer(&self) -> GatekeeperLayer<Self> {
        let forgetful = CacheOptions::default()
            .with_active_max_age(Duration::ZERO)
            .with_inactive_max_age(Duration::ZERO)
            .with_membership_max_age(Duration::ZERO);
        let validator = Validator::builder(self.clone())
            .with_memberships(self.clone())
            .with_cache(forgetful)
            .build();
        GatekeeperLayer::new(validator)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }

    fn answer<A>(&self, answer: impl FnOnce(&Known) -> A) -> Result<A, CheckError> {
        let known = self.known();
        if known.is_unreachable {
            return Err(CheckError::new(CheckErrorKind::Connect));
        }
        Ok(answer(&known))
    }
}

impl Service<CheckRequest> for TestIssuer {
    type Response = Verdict;
    type Error = CheckError;
    type Future = Ready<Result<Verdict, CheckError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: CheckRequest) -> Self::Future {
        ready(self.answer(|known| {
            let identity = known.tokens.get(&request.token().hash());
            identity
                .cloned()
                .map_or(Verdict::Inactive(InactiveReason::Unknown), Verdict::Active)
        }))
    }
}

impl Service<MembershipRequest> for TestIssuer {
    type Response = Membership;
    type Error = CheckError;
    type Future = Ready<Result<Membership, CheckError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CheckError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: MembershipRequest) -> Self::Future {
        ready(self.answer(|known| {
            let login = request.identity().user().login().to_ascii_lowercase();
            let member = (login, request.group().clone());
            if !known.tokens.contains_key(&request.token().hash()) {
                Membership::TokenRefused
            } else if known.members.contains(&member) {
                Membership::Active
            } else {
                Membership::NotMember
            }
        }))
    }
}

impl fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIssuer").finish_non_exhaustive()
    }
}

/// Makes the identity of a user with some scopes, of an app with the client id `testing`.
///
/// # Panics
///
/// Panics if there can be no such login or scope.
#[must_use]
pub fn identity<'s>(login: &str, id: u64, scopes: impl IntoIterator<Item = &'s str>) -> Identity {
    let scopes = scopes.into_iter().map(|scope| {
        let scope: Scope = scope.parse().expect("a scope such as read:org");
        scope
    });
    let scopes: Scopes = scopes.collect();
    Identity::new(User::new(login, id), "testing", id, scopes).expect("a login such as octocat")
}

fn member(login: &str, group: &str) -> (String, Group) {
    let group = group.parse();
    let group = group.expect("a group such as octo-org or octo-org/platform");
    (login.to_ascii_lowercase(), group)
}
