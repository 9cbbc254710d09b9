use std::fmt;
#[cfg(feature = "client")]
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tower::Layer;

use super::guard::{Door, Guard};
use super::service::Gatekeeper;
use crate::admission::Admission;
#[cfg(feature = "client")]
use crate::admission::{ClientLimit, ClientTurns};
use crate::bearer::BearerOptions;
use crate::policy::Policy;
use crate::rejection::{Bodies, Realm};
use crate::validator::Validators;

/// Layer that lets in only requests with a good token.
///
/// See the [module docs](crate::gatekeeper) for an example.
#[must_use]
pub struct GatekeeperLayer<C>(Guard<C>);

impl<C> GatekeeperLayer<C> {
    /// Lets in everybody whose token `validators` find good: one
    /// [`Validator`](crate::validator::Validator) for each app.
    pub fn new(validators: impl Into<Validators<C>>) -> Self {
        Self(Guard::new(Admission::new(validators.into())))
    }

    /// Lets in the requests that `admission` admits.
    #[cfg(feature = "proxy")]
    pub(crate) fn deciding_by(admission: Admission<C>) -> Self {
        Self(Guard::new(admission))
    }

    /// Sets who may do what; by default everybody with a good token may do everything.
    ///
    /// # Panics
    ///
    /// Panics if the policy depends on memberships and a validator has no membership service: each
    /// request would get 503. Give it
    /// [`with_memberships`](crate::validator::ValidatorBuilder::with_memberships).
    #[track_caller]
    pub fn with_policy(self, policy: impl Policy) -> Self {
        Self(self.0.with_policy(policy))
    }

    /// Wants answers no older than `max_age`, where those who are revoked must be out sooner.
    ///
    /// See [`Validators::with_max_age`].
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self(
            self.0
                .with_admission(|admission| admission.with_max_age(max_age)),
        )
    }

    /// Sets what is accepted as a bearer token.
    pub fn with_bearer(self, bearer: BearerOptions) -> Self {
        Self(self.0.with_bearer(bearer))
    }

    /// Sets the name of the protected space in challenges; `ghes` by default.
    pub fn with_realm(self, realm: Realm) -> Self {
        self.with(|door| door.realm = realm)
    }

    /// Decides whether the inner service finds the [`Identity`](crate::identity::Identity) in
    /// the request's extensions; on by default.
    pub fn with_identity_extension(self, set: bool) -> Self {
        self.with(|door| door.identity_extension = set)
    }

    /// Decides whether the inner service finds in the request's extensions to which
    /// [`Groups`](crate::membership::Groups) its person was found to belong; off by default.
    pub fn with_groups_extension(self, set: bool) -> Self {
        let guard = self
            .0
            .with_admission(|admission| admission.with_groups(set));
        Self(guard).with(|door| door.groups_extension = set)
    }

    /// Decides whether the request carries the identity in headers; off by default.
    ///
    /// They are `X-Forwarded-User`, `X-GitHub-User-Id`, `X-OAuth-Scopes` and
    /// `X-OAuth-Client-Id`, for services that stand behind another connection. What a client
    /// sent under these names, or under names that an upstream could take for them, is removed
    /// either way.
    pub fn with_identity_headers(self, set: bool) -> Self {
        self.with(|door| door.identity_headers = set)
    }

    /// Decides whether the inner service sees the `Authorization` header; off by default.
    ///
    /// An inner service that sees the token can act as its user towards GHES.
    pub fn with_forward_token(self, forward: bool) -> Self {
        self.with(|door| door.forward_token = forward)
    }

    /// Decides whether rejections say in a body what is wrong; on by default.
    ///
    /// Without, the body stays empty, for services that render the
    /// [`Rejection`](crate::Rejection) in the response's extensions themselves.
    pub fn with_problem_json(self, set: bool) -> Self {
        let bodies = match set {
            true => Bodies::Known,
            false => Bodies::None,
        };
        self.with(|door| door.bodies = bodies)
    }

    /// Sets how the body of a rejection is made of bytes, for a service whose bodies are `B`.
    ///
    /// Needed only for bodies of your own: those of axum, `Full<Bytes>`, `Bytes`, `Vec<u8>`,
    /// `String`, and `BoxBody` and `UnsyncBoxBody` with the error `Infallible`, `BoxError` or
    /// `std::io::Error` are made without. Any other body stays empty, at its default.
    pub fn with_body<B: 'static>(self, make: fn(Bytes) -> B) -> Self {
        self.with(|door| door.bodies = Bodies::by(make))
    }

    /// Limits how many unknown tokens one client may bring; by default there is no limit.
    ///
    /// Clients are told apart by the [`ClientAddr`](super::ClientAddr) in the request's
    /// extensions, or else, with the feature `axum`, by axum's `ConnectInfo<SocketAddr>`; a request
    /// without either is not limited. Beyond the limit it gets 429 with
    /// `Retry-After`. Tokens that are remembered, or were good within the hour, never count; any
    /// other counts once, however many apps are asked about it.
    #[cfg(feature = "client")]
    pub fn with_client_limit(self, limit: ClientLimit) -> Self {
        let turns = Arc::new(ClientTurns::new(limit));
        Self(
            self.0
                .with_admission(|admission| admission.with_client_turns(turns)),
        )
    }

    /// Decides whether requests that are decided against pass all the same, without an identity and
    /// with [`Observed`](super::guard::Observed) in their extensions; off by default.
    #[cfg(feature = "proxy")]
    pub(crate) fn with_observation(self, observes: bool) -> Self {
        self.with(|door| door.observes = observes)
    }

    /// Returns what stands before a service.
    #[cfg(feature = "proxy")]
    pub(crate) fn into_guard(self) -> Guard<C> {
        self.0
    }

    fn with(self, change: impl FnOnce(&mut Door)) -> Self {
        Self(self.0.with_door(change))
    }
}

impl<S, C> Layer<S> for GatekeeperLayer<C> {
    type Service = Gatekeeper<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Gatekeeper::new(inner, self.0.clone())
    }
}

impl<C> Clone for GatekeeperLayer<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> fmt::Debug for GatekeeperLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GatekeeperLayer").field(&self.0).finish()
    }
}
