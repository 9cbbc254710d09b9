use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::WWW_AUTHENTICATE;
use http::{Extensions, HeaderMap, Request, Response};

use super::headers::{forward_credential, set_identity, set_stale, strip_identity};
#[cfg(feature = "proxy")]
use super::subject::Subject;
#[cfg(feature = "proxy")]
use crate::admission::ClientAddr;
use crate::admission::{Admission, Admitted, Asked, Decided, Deciding};
#[cfg(feature = "proxy")]
use crate::bearer::BearerError;
use crate::bearer::{BasicScheme, BearerOptions, Credential};
use crate::check::CheckService;
use crate::policy::Policy;
use crate::rejection::{Bodies, Realm, Rejection, RejectionDetail};
use crate::validator::Freshness;
#[cfg(feature = "proxy")]
use crate::validator::Recorder;

/// The decision, and how it is written into requests and responses. A handle.
pub(crate) struct Guard<C>(Arc<Shared<C>>);

struct Shared<C> {
    admission: Admission<C>,
    bearer: BearerOptions,
    door: Arc<Door>,
}

/// What a request gets that is let in, and a client that is not.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) realm: Realm,
    pub(super) identity_extension: bool,
    pub(super) groups_extension: bool,
    pub(super) identity_headers: bool,
    pub(super) forward_token: bool,
    /// Whether requests that are decided against pass, and only the decision is noted.
    pub(super) observes: bool,
    /// Whether challenges name the scheme Basic, and if it is alone.
    basic: BasicScheme,
    pub(super) bodies: Bodies,
}

/// Why a request is not let in at once.
pub(crate) enum Delay {
    Rejected(Rejection),
    Waiting(Deciding, Credential),
}

/// Why a request would have been turned away, had the gate not only observed.
///
/// It stands in the extensions of the request that passes all the same.
#[cfg_attr(
    not(feature = "proxy"),
    expect(dead_code, reason = "nobody else observes")
)]
#[derive(Clone, Debug)]
pub(crate) struct Observed(pub(crate) Rejection);

/// A request that waits for its decision.
pub(crate) struct Pending<B> {
    deciding: Deciding,
    /// Taken when it is decided.
    held: Option<(Request<B>, Credential)>,
    door: Arc<Door>,
}

impl<C> Guard<C> {
    pub(super) fn new(admission: Admission<C>) -> Self {
        Self(Arc::new(Shared {
            admission,
            bearer: BearerOptions::default(),
            door: Arc::new(Door {
                realm: Realm::default(),
                identity_extension: true,
                groups_extension: false,
                identity_headers: false,
                forward_token: false,
                observes: false,
                basic: BasicScheme::Refused,
                bodies: Bodies::default(),
            }),
        }))
    }

    #[track_caller]
    pub(super) fn with_policy(mut self, policy: impl Policy) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        shared.admission = shared.admission.clone().with_policy(policy);
        self
    }

    pub(super) fn with_bearer(mut self, bearer: BearerOptions) -> Self {
        Arc::make_mut(&mut self.0).bearer = bearer;
        self.with_door(|door| door.basic = bearer.basic())
    }

    pub(super) fn with_admission(
        mut self,
        change: impl FnOnce(Admission<C>) -> Admission<C>,
    ) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        shared.admission = change(shared.admission.clone());
        self
    }

    pub(super) fn with_door(mut self, change: impl FnOnce(&mut Door)) -> Self {
        let shared = Arc::make_mut(&mut self.0);
        change(Arc::make_mut(&mut shared.door));
        self
    }
}

impl<C: CheckService> Guard<C> {
    /// Lets a request in by what is remembered. Clients are told apart by what a server has left in
    /// its extensions.
    #[inline(always)]
    pub(super) fn let_in<B>(&self, request: &mut Request<B>) -> Result<(), Delay> {
        let mut credential = Credential::take(request);
        let asked = Asked {
            method: request.method(),
            path: request.uri().path(),
            #[cfg(feature = "client")]
            client: request.extensions(),
        };
        let token = credential.token(&self.0.bearer);
        let decided = self.0.admission.decide(token, &asked);
        self.0.door.conclude(request, credential, decided)
    }

    /// Does the same for a request of this `client`, and notes whom it is about.
    #[cfg(feature = "proxy")]
    #[inline]
    pub(crate) fn let_in_of<B>(
        &self,
        client: ClientAddr,
        request: &mut Request<B>,
        mut subject: Option<&mut Subject>,
    ) -> Result<(), Delay> {
        let mut credential = Credential::take(request);
        let asked = Asked {
            method: request.method(),
            path: request.uri().path(),
            client: &client,
        };
        let decided = match credential.token(&self.0.bearer) {
            Ok(token) => {
                let hash = token.hash();
                let admission = &self.0.admission;
                let decided = admission.decide_hashed(&token, &hash, &asked, &Recorder::NONE);
                if let Some(subject) = &mut subject {
                    subject.read(&token, &hash);
                    subject.decided(&decided);
                }
                decided
            }
            Err(error) => Decided::Rejected(error.into()),
        };
        self.0.door.conclude(request, credential, decided)
    }

    /// Decides about a request whose credential could not be found by reading its headers.
    #[cfg(feature = "proxy")]
    #[cold]
    #[inline(never)]
    pub(crate) fn turn_away_unread<B>(
        &self,
        request: &mut Request<B>,
        error: BearerError,
    ) -> Result<(), Delay> {
        let credential = Credential::take(request);
        let decided = Decided::Rejected(error.into());
        self.0.door.conclude(request, credential, decided)
    }
}

impl<C> Guard<C> {
    /// Keeps a request until it is decided.
    #[cold]
    pub(crate) fn hold<B>(
        &self,
        request: Request<B>,
        credential: Credential,
        deciding: Deciding,
    ) -> Pending<B> {
        Pending {
            deciding,
            held: Some((request, credential)),
            door: Arc::clone(&self.0.door),
        }
    }

    /// Answers a request with these `headers`.
    #[cold]
    pub(crate) fn reject<R>(&self, rejection: Rejection, headers: &HeaderMap) -> Response<R>
    where
        R: Default + 'static,
    {
        self.0.door.reject(rejection, headers)
    }
}

#[cfg(feature = "proxy")]
impl<C> Guard<C> {
    /// Returns what decides.
    pub(crate) fn admission(&self) -> &Admission<C> {
        &self.0.admission
    }

    /// Returns what is taken for a token.
    pub(crate) fn bearer(&self) -> &BearerOptions {
        &self.0.bearer
    }

    /// Writes into a request that it was let in.
    pub(crate) fn admit<B>(
        &self,
        request: &mut Request<B>,
        credential: Credential,
        admitted: Admitted,
    ) {
        self.0.door.admit(request, credential, admitted);
    }

    /// Turns a request away, or notes in its extensions that it would have been.
    pub(crate) fn turn_away<B>(
        &self,
        request: &mut Request<B>,
        credential: Credential,
        rejection: Rejection,
    ) -> Result<(), Rejection> {
        self.0.door.turn_away(request, credential, rejection)
    }
}

impl Door {
    #[inline(always)]
    fn conclude<B>(
        &self,
        request: &mut Request<B>,
        credential: Credential,
        decided: Decided,
    ) -> Result<(), Delay> {
        match decided {
            Decided::Admitted(admitted) => {
                self.admit(request, credential, admitted);
                Ok(())
            }
            Decided::Rejected(rejection) => {
                let turned = self.turn_away(request, credential, rejection);
                turned.map_err(Delay::Rejected)
            }
            Decided::Waiting(deciding) => Err(Delay::Waiting(deciding, credential)),
        }
    }

    /// Strips first and sets last: nothing that a client sent can stand where our values go. Every
    /// request that is let in comes through here.
    #[inline(always)]
    fn admit<B>(&self, request: &mut Request<B>, credential: Credential, admitted: Admitted) {
        let headers = request.headers_mut();
        strip_identity(headers);
        if self.identity_headers {
            set_identity(headers, &admitted.identity);
            if admitted.freshness == Freshness::Stale {
                set_stale(headers);
            }
        }
        if self.forward_token {
            forward_credential(headers, credential);
        }
        self.extend(request.extensions_mut(), admitted);
    }

    #[inline(always)]
    fn extend(&self, extensions: &mut Extensions, admitted: Admitted) {
        let Admitted {
            identity,
            freshness,
            groups,
        } = admitted;
        if self.identity_extension {
            extensions.insert(identity);
            if freshness == Freshness::Stale {
                extensions.insert(freshness);
            }
        }
        if let Some(groups) = groups.filter(|_| self.groups_extension) {
            extensions.insert(*groups);
        }
    }

    /// Turns a request away; or, where that is only observed, lets it pass without an identity, and
    /// notes why.
    #[cold]
    #[inline(never)]
    fn turn_away<B>(
        &self,
        request: &mut Request<B>,
        credential: Credential,
        rejection: Rejection,
    ) -> Result<(), Rejection> {
        if !self.observes {
            return Err(rejection);
        }
        let headers = request.headers_mut();
        strip_identity(headers);
        if self.forward_token {
            forward_credential(headers, credential);
        }
        request.extensions_mut().insert(Observed(rejection));
        Ok(())
    }

    /// Returns the request if it passes all the same, or what its client gets.
    fn turned<B, R>(
        &self,
        mut request: Request<B>,
        credential: Credential,
        rejection: Rejection,
    ) -> Result<Request<B>, Response<R>>
    where
        R: Default + 'static,
    {
        match self.turn_away(&mut request, credential, rejection) {
            Ok(()) => Ok(request),
            Err(rejection) => Err(self.reject(rejection, request.headers())),
        }
    }

    fn reject<R>(&self, rejection: Rejection, headers: &HeaderMap) -> Response<R>
    where
        R: Default + 'static,
    {
        tracing::debug!(
            reason = rejection.kind().as_str(),
            detail = rejection.detail().map(RejectionDetail::as_str),
            "request rejected",
        );
        let asks_who = rejection.kind().asks_who();
        let mut response = rejection.answer(&self.realm, headers, &self.bodies);
        if asks_who {
            self.challenge_by_basic(response.headers_mut());
        }
        response
    }

    /// Asks for a password. Only a 401 does: a browser opens a window for it, and no password mends
    /// a request that is malformed, or what a person may not do.
    fn challenge_by_basic(&self, headers: &mut HeaderMap) {
        let challenge = || self.realm.basic_challenge();
        match self.basic {
            BasicScheme::Refused => {}
            // A line of its own: many clients read no further than the first challenge of a line.
            BasicScheme::Accepted => drop(headers.append(WWW_AUTHENTICATE, challenge())),
            BasicScheme::Only => drop(headers.insert(WWW_AUTHENTICATE, challenge())),
        }
    }
}

impl<B> Pending<B> {
    /// Waits for the decision; returns the request, ready for who serves it, or what its client
    /// gets.
    ///
    /// # Panics
    ///
    /// Panics if polled after completion.
    pub(crate) fn poll<R>(&mut self, cx: &mut Context<'_>) -> Poll<Result<Request<B>, Response<R>>>
    where
        R: Default + 'static,
    {
        self.poll_noting(cx, |_| ())
    }

    fn poll_noting<R>(
        &mut self,
        cx: &mut Context<'_>,
        note: impl FnOnce(&Admitted),
    ) -> Poll<Result<Request<B>, Response<R>>>
    where
        R: Default + 'static,
    {
        let decided = ready!(std::pin::Pin::new(&mut self.deciding).poll(cx));
        let held = self.held.take();
        let (mut request, credential) = held.expect("polled after completion");
        Poll::Ready(match decided {
            Ok(admitted) => {
                note(&admitted);
                self.door.admit(&mut request, credential, admitted);
                Ok(request)
            }
            Err(rejection) => self.door.turned(request, credential, rejection),
        })
    }
}

#[cfg(feature = "proxy")]
impl<B> Pending<B> {
    /// Waits like [`poll`](Self::poll), and notes whom the request is about.
    ///
    /// # Panics
    ///
    /// Panics if polled after completion.
    pub(crate) fn poll_about<R>(
        &mut self,
        cx: &mut Context<'_>,
        subject: Option<&mut Subject>,
    ) -> Poll<Result<Request<B>, Response<R>>>
    where
        R: Default + 'static,
    {
        self.poll_noting(cx, |admitted| {
            if let Some(subject) = subject {
                subject.admitted(admitted);
            }
        })
    }

    /// Ends the wait with a rejection; a gate that only observes lets the request pass.
    ///
    /// # Panics
    ///
    /// Panics if it is decided already.
    pub(crate) fn give_up<R>(&mut self, rejection: Rejection) -> Result<Request<B>, Response<R>>
    where
        R: Default + 'static,
    {
        let held = self.held.take();
        let (request, credential) = held.expect("not decided yet");
        self.door.turned(request, credential, rejection)
    }
}

impl<C> Clone for Guard<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self {
            admission: self.admission.clone(),
            bearer: self.bearer,
            door: Arc::clone(&self.door),
        }
    }
}

impl<C> fmt::Debug for Guard<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { bearer, door, .. } = &*self.0;
        f.debug_struct("Guard")
            .field("bearer", bearer)
            .field("realm", &door.realm)
            .field("identity_extension", &door.identity_extension)
            .field("groups_extension", &door.groups_extension)
            .field("identity_headers", &door.identity_headers)
            .field("forward_token", &door.forward_token)
            .finish_non_exhaustive()
    }
}
