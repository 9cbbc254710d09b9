use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use http::{Extensions, HeaderMap, Request, Response};
use tower::Service;

#[cfg(feature = "client")]
use super::client_limit::{ClientAddr, ClientTurns};
use super::future::ResponseFuture;
use super::headers::{forward_credential, set_identity, set_stale, strip_identity};
use super::held::{Held, Presented};
use crate::bearer::{BearerOptions, BearerToken, Credential};
use crate::check::{CheckService, InactiveReason, Verdict};
use crate::identity::Identity;
use crate::membership::Group;
use crate::policy::{Decision, Facts, Policy};
#[cfg(feature = "client")]
use crate::rejection::RejectionKind;
use crate::rejection::{Bodies, Realm, Rejection, RejectionDetail};
use crate::token::TokenHash;
use crate::validator::cache::Found;
use crate::validator::{Freshness, KnownMemberships, Validator, Validators};

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
    ResBody: Default + 'static,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, B>;

    /// Asks the inner service only: a busy issuer must not hold back tokens that are known.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.shared.decide(&mut request) {
            Ok(()) => ResponseFuture::forwarding(self.inner.call(request)),
            Err(delay) => self.delay(request, delay),
        }
    }
}

impl<S, C> Gatekeeper<S, C> {
    /// Does what [`call`](Service::call) does for a request of this client, without the cost of an
    /// extension: clients are told apart only where they are not let in at once.
    #[cfg(feature = "proxy")]
    pub(crate) fn call_for<B, ResBody>(
        &mut self,
        client: ClientAddr,
        mut request: Request<B>,
    ) -> ResponseFuture<S, C, B>
    where
        S: Service<Request<B>, Response = Response<ResBody>> + Clone,
        C: CheckService,
        ResBody: Default + 'static,
    {
        match self.shared.decide(&mut request) {
            Ok(()) => ResponseFuture::forwarding(self.inner.call(request)),
            Err(delay) => {
                request.extensions_mut().insert(client);
                self.delay(request, delay)
            }
        }
    }

    /// Goes on with a request that is not let in at once. Apart, so that a hit has no part in what
    /// this takes of the stack.
    #[cold]
    #[inline(never)]
    fn delay<B, ResBody>(&mut self, request: Request<B>, delay: Delay<C>) -> ResponseFuture<S, C, B>
    where
        S: Service<Request<B>, Response = Response<ResBody>> + Clone,
        C: CheckService,
        ResBody: Default + 'static,
    {
        match delay {
            Delay::Refused(rejection) => {
                ResponseFuture::rejected(self.shared.reject(rejection, request.headers()))
            }
            Delay::Undecided(presented, undecided) => {
                let (validator, undecided) = *undecided;
                let held = self.hold(request, presented);
                held.ask(validator, undecided).into()
            }
            Delay::Unknown(credential, hash) => {
                let extensions = request.extensions();
                match self.shared.may_ask(credential, &hash, extensions) {
                    Ok(presented) => {
                        let checking = self.shared.validators.check(presented.token.clone());
                        ResponseFuture::checking(checking, self.hold(request, presented))
                    }
                    Err(rejection) => {
                        let headers = request.headers();
                        ResponseFuture::rejected(self.shared.reject(rejection, headers))
                    }
                }
            }
        }
    }

    /// Keeps a request until something is known.
    ///
    /// The instance that was polled ready is given up, and with it what it holds, such as a
    /// permit: who may turn out to be nobody takes no capacity from those who are known.
    fn hold<B>(&mut self, request: Request<B>, presented: Presented) -> Box<Held<S, C, B>>
    where
        S: Clone,
    {
        let inner = self.inner.clone();
        self.inner = inner.clone();
        let shared = Arc::clone(&self.shared);
        Box::new(Held::new(request, presented, inner, shared))
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
    pub(super) bodies: Bodies,
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
        let client = ClientAddr::find_in(extensions);
        let (Some(turns), Some(client)) = (&self.client_turns, client) else {
            return Ok(());
        };
        if !token.kind().may_be_checked() || !self.validators.is_unknown(hash) {
            return Ok(());
        }
        turns
            .take(client)
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

/// Why a request is not let in at once.
enum Delay<C> {
    Refused(Rejection),
    /// Boxed, so that what a hit does not need takes little room.
    Undecided(Presented, Box<(Validator<C>, Undecided)>),
    /// Not remembered as good.
    Unknown(Credential, TokenHash),
}

impl<C, R: Into<Rejection>> From<R> for Delay<C> {
    fn from(rejection: R) -> Self {
        Self::Refused(rejection.into())
    }
}

impl<C: CheckService> Shared<C> {
    /// Lets a request in by what is remembered.
    #[inline]
    fn decide<B>(&self, request: &mut Request<B>) -> Result<(), Delay<C>> {
        let credential = Credential::take(request);
        let token = credential.token(&self.bearer)?;
        let hash = token.hash();
        let Some((validator, found)) = self.validators.lookup_active(&hash) else {
            return Err(Delay::Unknown(credential, hash));
        };
        if found.freshness == Freshness::Due {
            validator.renew(token.to_access_token());
        }
        let known = validator.known_memberships(&hash, &[]);
        match self.admit(found, &token, &known, request) {
            Ok(()) => {
                self.hand_on(credential, request);
                Ok(())
            }
            Err(Turned::Away(rejection)) => Err(Delay::Refused(rejection)),
            Err(Turned::Undecided(undecided)) => {
                let undecided = Box::new((validator.clone(), undecided));
                let token = token.to_access_token();
                Err(Delay::Undecided(Presented { credential, token }, undecided))
            }
        }
    }

    /// Refuses a token that is remembered as no good, and a client that brings too many of which
    /// nothing is known. One that has turned out to be good since it was looked for is asked about
    /// like an unknown one, which finds that it is remembered.
    fn may_ask(
        &self,
        credential: Credential,
        hash: &TokenHash,
        extensions: &Extensions,
    ) -> Result<Presented, Rejection> {
        if let Some((_, answer)) = self.validators.lookup_refusal(hash)
            && let Verdict::Inactive(reason) = answer.verdict
        {
            return Err(reason.into());
        }
        let token = credential.token(&self.bearer)?;
        self.take_turn(&token, hash, extensions)?;
        let token = token.to_access_token();
        Ok(Presented { credential, token })
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
        found: Found<Identity>,
        token: &BearerToken<'_>,
        known: &KnownMemberships<'_>,
        request: &mut Request<B>,
    ) -> Result<(), Turned> {
        let Found {
            answer: identity,
            freshness,
        } = found;
        if is_past(identity.expires_at()) {
            return Err(InactiveReason::Expired.into());
        }
        let facts = Facts::new(&identity, request.method(), request.uri().path())
            .with_token_kind(token.kind())
            .with_memberships(known);
        if self.groups_extension {
            known.note_active();
        }
        let decision = self.policy.authorize(&facts);
        if known.has_due() {
            known.renew_due(&token.to_access_token(), &identity);
        }
        match decision {
            Decision::Allowed => {}
            Decision::Denied(denial) | Decision::Obscured(denial) => return Err(denial.into()),
            Decision::Undecided(groups) => {
                return Err(Turned::Undecided(Undecided {
                    identity,
                    freshness,
                    groups,
                }));
            }
        }
        self.dress(request, identity, freshness);
        if self.groups_extension {
            let groups = known.take_active();
            if !groups.is_empty() {
                request.extensions_mut().insert(groups);
            }
        }
        Ok(())
    }
}

impl<C> Shared<C> {
    /// Gives the credential back to a request that is let in, where the inner service may see it.
    #[inline]
    pub(super) fn hand_on<B>(&self, credential: Credential, request: &mut Request<B>) {
        if self.forward_token {
            forward_credential(request.headers_mut(), credential);
        }
    }

    /// Strips first and sets last: nothing that a client sent can stand where our values go.
    fn dress<B>(&self, request: &mut Request<B>, identity: Identity, freshness: Freshness) {
        let headers = request.headers_mut();
        strip_identity(headers);
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

    /// Answers a request with these `headers`.
    pub(super) fn reject<B>(&self, rejection: Rejection, headers: &HeaderMap) -> Response<B>
    where
        B: Default + 'static,
    {
        tracing::debug!(
            reason = rejection.kind().as_str(),
            detail = rejection.detail().map(RejectionDetail::as_str),
            "request rejected",
        );
        rejection.answer(&self.realm, headers, &self.bodies)
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
            bodies: self.bodies.clone(),
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
