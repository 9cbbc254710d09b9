use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::{Extensions, Request, Response};
use tower::Service;

#[cfg(feature = "client")]
use super::client_limit::ClientTurns;
use super::future::ResponseFuture;
use super::headers::{set_identity, set_stale, strip_credential, strip_identity};
use super::held::Held;
use crate::bearer::{BearerError, BearerOptions, BearerToken, bearer};
use crate::check::{CheckService, InactiveReason, Verdict};
use crate::identity::Identity;
use crate::membership::Group;
use crate::policy::{Decision, Facts, Policy};
#[cfg(feature = "client")]
use crate::rejection::RejectionKind;
use crate::rejection::{Realm, Rejection};
use crate::token::{TokenHash, TokenKind};
use crate::validator::{Answer, Freshness, KnownMemberships, Validators};

/// Middleware that lets in only requests with a good token.
///
/// See the [module docs](crate::gatekeeper) for an example.
pub struct Gatekeeper<S, C> {
    inner: S,
    shared: Arc<Shared<C>>,
}

impl<S, C> Gatekeeper<S, C> {
    pub(super) fn new(inner: S, shared: Arc<Shared<C>>) -> Self {
        Self { inner, shared }
    }

    /// Makes the same gate before another service.
    #[cfg(feature = "proxy")]
    pub(crate) fn before<T>(&self, inner: impl FnOnce(&S) -> T) -> Gatekeeper<T, C> {
        Gatekeeper::new(inner(&self.inner), Arc::clone(&self.shared))
    }
}

impl<S, C, B, ResBody> Service<Request<B>> for Gatekeeper<S, C>
where
    S: Service<Request<B>, Response = Response<ResBody>> + Clone,
    C: CheckService,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, B>;

    /// Asks the inner service only: a busy issuer must not hold back tokens that are known.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = &self.shared;
        let token = match shared.bearer_token(&request) {
            Ok(token) => token,
            Err(error) => return ResponseFuture::rejected(shared.reject(error.into())),
        };
        let (hash, kind) = (token.hash(), token.kind());
        if let Some((validator, answer)) = shared.validators.lookup(&hash) {
            if answer.freshness == Freshness::Due {
                validator.renew(token.to_access_token());
            }
            let known = validator.known_memberships(&hash, &[]);
            return match shared.admit(answer, kind, &known, &mut request) {
                Ok(()) => ResponseFuture::forwarding(self.inner.call(request)),
                Err(Turned::Away(rejection)) => ResponseFuture::rejected(shared.reject(rejection)),
                Err(Turned::Undecided(undecided)) => {
                    let validator = validator.clone();
                    self.hold(request).ask(validator, undecided).into()
                }
            };
        }
        if let Err(rejection) = shared.take_turn(&token, &hash, request.extensions()) {
            return ResponseFuture::rejected(shared.reject(rejection));
        }
        let checking = shared.validators.check(token.to_access_token());
        ResponseFuture::checking(checking, self.hold(request))
    }
}

impl<S: Clone, C> Gatekeeper<S, C> {
    /// Keeps a request until something is known.
    ///
    /// The instance that was polled ready is given up, and with it what it holds, such as a
    /// permit: who may turn out to be nobody takes no capacity from those who are known.
    fn hold<B>(&mut self, request: Request<B>) -> Box<Held<S, C, B>> {
        let inner = self.inner.clone();
        self.inner = inner.clone();
        Box::new(Held::new(request, inner, Arc::clone(&self.shared)))
    }
}

impl<S: Clone, C> Clone for Gatekeeper<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared))
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Gatekeeper<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatekeeper")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish()
    }
}

/// What all clones of one layer and its services have in common.
pub(super) struct Shared<C> {
    pub(super) validators: Validators<C>,
    pub(super) policy: Arc<dyn Policy>,
    pub(super) bearer: BearerOptions,
    pub(super) realm: Realm,
    pub(super) identity_extension: bool,
    pub(super) groups_extension: bool,
    pub(super) identity_headers: bool,
    pub(super) forward_token: bool,
    #[cfg(feature = "client")]
    pub(super) client_turns: Option<Arc<ClientTurns>>,
}

impl<C: CheckService> Shared<C> {
    /// Lets a client that brings one unknown token after another wait.
    #[cfg(feature = "client")]
    fn take_turn(
        &self,
        token: &BearerToken<'_>,
        hash: &TokenHash,
        extensions: &Extensions,
    ) -> Result<(), Rejection> {
        let (Some(turns), Some(client)) = (&self.client_turns, extensions.get()) else {
            return Ok(());
        };
        if !token.kind().may_be_checked() || !self.validators.is_unknown(hash) {
            return Ok(());
        }
        turns
            .take(*client)
            .map_err(|wait| Rejection::for_now(RejectionKind::TooManyRequests, wait))
    }

    #[cfg(not(feature = "client"))]
    fn take_turn(
        &self,
        _: &BearerToken<'_>,
        _: &TokenHash,
        _: &Extensions,
    ) -> Result<(), Rejection> {
        Ok(())
    }
}

/// What keeps a request from the inner service.
pub(super) enum Turned {
    Away(Rejection),
    Undecided(Undecided),
}

/// A good token, and the groups that decide about its request.
pub(super) struct Undecided {
    pub(super) identity: Identity,
    pub(super) freshness: Freshness,
    pub(super) groups: Vec<Group>,
}

impl<R: Into<Rejection>> From<R> for Turned {
    fn from(rejection: R) -> Self {
        Self::Away(rejection.into())
    }
}

impl<C: CheckService> Shared<C> {
    /// Decides about a request whose token has a verdict, and makes it ready for the inner
    /// service. Remembered and fresh verdicts and memberships all come through here, so they
    /// cannot differ.
    pub(super) fn admit<B>(
        &self,
        answer: Answer,
        kind: TokenKind,
        known: &KnownMemberships<'_>,
        request: &mut Request<B>,
    ) -> Result<(), Turned> {
        let identity = match answer.verdict {
            Verdict::Active(identity) => identity,
            Verdict::Inactive(reason) => return Err(reason.into()),
        };
        if is_past(identity.expires_at()) {
            return Err(InactiveReason::Expired.into());
        }
        let facts = Facts::new(&identity, request.method(), request.uri().path())
            .with_token_kind(kind)
            .with_memberships(known);
        if self.groups_extension {
            known.note_active();
        }
        let decision = self.policy.authorize(&facts);
        if known.has_due() {
            self.renew_memberships(known, &identity, request);
        }
        match decision {
            Decision::Allowed => {}
            Decision::Denied(denial) | Decision::Obscured(denial) => return Err(denial.into()),
            Decision::Undecided(groups) => {
                return Err(Turned::Undecided(Undecided {
                    identity,
                    freshness: answer.freshness,
                    groups,
                }));
            }
        }
        self.dress(request, identity, answer.freshness);
        if self.groups_extension {
            let groups = known.take_active();
            if !groups.is_empty() {
                request.extensions_mut().insert(groups);
            }
        }
        Ok(())
    }

    #[cold]
    fn renew_memberships<B>(
        &self,
        known: &KnownMemberships<'_>,
        identity: &Identity,
        request: &Request<B>,
    ) {
        if let Ok(token) = self.bearer_token(request) {
            known.renew_due(&token.to_access_token(), identity);
        }
    }
}

impl<C> Shared<C> {
    pub(super) fn bearer_token<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Result<BearerToken<'r>, BearerError> {
        bearer(request.headers(), request.uri().query(), &self.bearer)
    }

    /// Strips first and sets last: nothing that a client sent can stand where our values go.
    fn dress<B>(&self, request: &mut Request<B>, identity: Identity, freshness: Freshness) {
        let headers = request.headers_mut();
        strip_identity(headers);
        strip_credential(headers, self.forward_token);
        if self.identity_headers {
            set_identity(headers, &identity);
            if freshness == Freshness::Stale {
                set_stale(headers);
            }
        }
        if self.identity_extension {
            let extensions = request.extensions_mut();
            extensions.insert(identity);
            if freshness == Freshness::Stale {
                extensions.insert(freshness);
            }
        }
    }

    pub(super) fn reject<B: Default>(&self, rejection: Rejection) -> Response<B> {
        tracing::debug!(reason = rejection.kind().as_str(), "request rejected");
        rejection.into_response(&self.realm)
    }
}

/// By the wall clock, beside the deadline that the cache keeps by the monotonic one: whichever
/// says so first.
fn is_past(expires_at: Option<SystemTime>) -> bool {
    expires_at.is_some_and(|at| at <= SystemTime::now())
}

impl<C> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self {
            validators: self.validators.clone(),
            policy: Arc::clone(&self.policy),
            bearer: self.bearer,
            realm: self.realm.clone(),
            identity_extension: self.identity_extension,
            groups_extension: self.groups_extension,
            identity_headers: self.identity_headers,
            forward_token: self.forward_token,
            #[cfg(feature = "client")]
            client_turns: self.client_turns.clone(),
        }
    }
}

impl<C> fmt::Debug for Shared<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("bearer", &self.bearer)
            .field("realm", &self.realm)
            .field("identity_extension", &self.identity_extension)
            .field("groups_extension", &self.groups_extension)
            .field("identity_headers", &self.identity_headers)
            .field("forward_token", &self.forward_token)
            .finish_non_exhaustive()
    }
}
