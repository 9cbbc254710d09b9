//! The decision about a request, which knows neither request nor body nor who serves it.
//!
//! ```text
//! token ─ hash ─► cache ─┬─ hit ───────────────► verdict ─┐
//!   │ none, malformed    └─ miss ─ client's turn ─ check ─┤
//!   ▼                                                     ▼
//! Rejected ◄──────────────────────────────── policy(identity, Asked)
//!                                                         │ it depends on memberships: ask, and again
//!                                                         ▼
//!                                     Admitted { identity, freshness, groups }
//! ```
//!
//! 1. A hit is decided inside [`Admission::decide`]: without waiting, without an allocation or a
//!    lock of ours.
//! 2. All else becomes a [`Deciding`], which owns what it needs: one copy of the token, its hash, and
//!    what is asked for.
//! 3. Remembered answers and fresh ones come through the same [`admit`](Inner::admit), so that they
//!    cannot differ.
//!
//! The doors write the outcome: the [gatekeeper](crate::gatekeeper) into headers and extensions, the
//! proxy's `explain` into a trace.

mod admitted;
#[cfg(feature = "client")]
mod client_limit;
mod deciding;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::bearer::{BearerError, BearerToken};
use crate::check::{CheckService, Verdict};
use crate::policy::{AnyUser, Policy};
use crate::rejection::Rejection;
#[cfg(feature = "client")]
use crate::rejection::RejectionKind;
use crate::token::TokenHash;
use crate::validator::{Freshness, Missed, Recorder, Validators};

pub(crate) use self::admitted::Admitted;
#[cfg(feature = "session")]
pub(crate) use self::client_limit::CountAs;
#[cfg(feature = "client")]
pub(crate) use self::client_limit::{Client, ClientTurns};
#[cfg(feature = "client")]
pub use self::client_limit::{ClientAddr, ClientLimit};
pub(crate) use self::deciding::Deciding;
#[cfg(feature = "proxy")]
pub(crate) use self::deciding::{GROUPS_AT_ONCE, MOST_GROUPS};

use self::admitted::Turned;
use self::deciding::{Next, Waiting};

/// Decides about requests. A handle: clones are the same.
pub(crate) struct Admission<C>(Arc<Inner<C>>);

struct Inner<C> {
    validators: Validators<C>,
    policy: Arc<dyn Policy>,
    /// Whether it is wanted to which groups people were found to belong.
    wants_groups: bool,
    #[cfg(feature = "client")]
    client_turns: Option<Arc<ClientTurns>>,
}

/// What a request asks for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// The path as it was written, without the query.
    pub(crate) path: &'a str,
    /// Who wants it, as far as clients can be told apart.
    #[cfg(feature = "client")]
    pub(crate) client: &'a dyn Client,
}

/// What becomes of a request.
pub(crate) enum Decided {
    Admitted(Admitted),
    Rejected(Rejection),
    /// It depends on what has to be asked.
    Waiting(Deciding),
}

impl<C> Admission<C> {
    /// Admits everybody whose token `validators` find good.
    pub(crate) fn new(validators: Validators<C>) -> Self {
        Self(Arc::new(Inner {
            validators,
            policy: Arc::new(AnyUser),
            wants_groups: false,
            #[cfg(feature = "client")]
            client_turns: None,
        }))
    }

    /// Sets who may do what.
    ///
    /// # Panics
    ///
    /// Panics if the policy depends on memberships and a validator has no membership service.
    #[track_caller]
    pub(crate) fn with_policy(self, policy: impl Policy) -> Self {
        let validators = &self.0.validators;
        let is_answerable = !policy.needs_memberships() || validators.can_ask_memberships();
        assert!(is_answerable, "{NO_MEMBERSHIPS}");
        self.with(|inner| inner.policy = Arc::new(policy))
    }

    pub(crate) fn with_max_age(self, max_age: Duration) -> Self {
        self.with(|inner| inner.validators = inner.validators.with_max_age(max_age))
    }

    pub(crate) fn with_groups(self, wanted: bool) -> Self {
        self.with(|inner| inner.wants_groups = wanted)
    }

    /// Limits how many unknown tokens one client may bring; others may take from the same turns.
    #[cfg(feature = "client")]
    pub(crate) fn with_client_turns(self, turns: Arc<ClientTurns>) -> Self {
        self.with(|inner| inner.client_turns = Some(turns))
    }

    /// Returns how much longer the answers of an admission hold: the one about the token, and
    /// those about the groups that the person was found to belong to, if those are
    /// [wanted](Self::with_groups). None if one of them is forgotten by now.
    #[cfg(feature = "proxy")]
    pub(crate) fn left(&self, token: &TokenHash, admitted: &Admitted) -> Option<Duration>
    where
        C: CheckService,
    {
        let groups = admitted.groups.as_deref();
        let validators = &self.0.validators;
        validators.left(token, groups, admitted.freshness)
    }

    /// Returns who is asked about tokens.
    #[cfg(feature = "proxy")]
    pub(crate) fn validators(&self) -> &Validators<C> {
        &self.0.validators
    }

    fn with(mut self, change: impl FnOnce(&mut Inner<C>)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl<C: CheckService> Admission<C> {
    /// Decides whether the holder of `token` may do what is `asked`: at once, if it is remembered.
    ///
    /// # Panics
    ///
    /// Panics outside a Tokio runtime if the issuer has to be asked.
    #[inline(always)]
    pub(crate) fn decide(
        &self,
        token: Result<BearerToken<'_>, BearerError>,
        asked: &Asked<'_>,
    ) -> Decided {
        self.decide_recording(token, asked, &Recorder::NONE)
    }

    /// Does the same, and records what is asked for it.
    #[inline(always)]
    pub(crate) fn decide_recording(
        &self,
        token: Result<BearerToken<'_>, BearerError>,
        asked: &Asked<'_>,
        recorder: &Recorder,
    ) -> Decided {
        let token = match token {
            Ok(token) => token,
            Err(error) => return Decided::Rejected(error.into()),
        };
        let hash = token.hash();
        self.decide_hashed(&token, &hash, asked, recorder)
    }

    /// Does the same about a token whose `hash` is known.
    #[inline(always)]
    pub(crate) fn decide_hashed(
        &self,
        token: &BearerToken<'_>,
        hash: &TokenHash,
        asked: &Asked<'_>,
        recorder: &Recorder,
    ) -> Decided {
        let (validator, found) = match self.0.validators.lookup_active(hash) {
            Ok(found) => found,
            Err(missed) => return self.decide_unknown(token, hash, missed, asked, recorder),
        };
        if found.freshness == Freshness::Due {
            validator.renew(token.to_hashed(*hash));
        }
        let known = validator.known_memberships(hash, &[]);
        match self.0.admit(found, token, &known, asked.method, asked.path) {
            Ok(admitted) => Decided::Admitted(admitted),
            Err(Turned::Away(rejection)) => Decided::Rejected(rejection),
            Err(Turned::Undecided(undecided)) => {
                let waiting = self.waiting(token, *hash, asked, recorder);
                waiting.begin(Next::Ask(validator.clone(), undecided))
            }
        }
    }

    /// Goes on where no good token is remembered. Apart, so that a hit has no part in what this takes
    /// of the stack.
    ///
    /// Rejects a token that is remembered as no good, and a client that has brought too many unknown
    /// ones. If the token became valid since the lookup, the check below finds it in the cache.
    #[cold]
    #[inline(never)]
    fn decide_unknown(
        &self,
        token: &BearerToken<'_>,
        hash: &TokenHash,
        missed: Missed,
        asked: &Asked<'_>,
        recorder: &Recorder,
    ) -> Decided {
        if let Some((_, answer)) = self.0.validators.lookup_refusal(hash)
            && let Verdict::Inactive(reason) = answer.verdict
        {
            return Decided::Rejected(reason.into());
        }
        if let Err(rejection) = self.0.take_turn(token, hash, missed, asked) {
            return Decided::Rejected(rejection);
        }
        let waiting = self.waiting(token, *hash, asked, recorder);
        let checking = self.0.validators.check_missed(waiting.token(), missed);
        waiting.begin(Next::Check(Box::new(checking)))
    }

    #[cold]
    fn waiting(
        &self,
        token: &BearerToken<'_>,
        hash: TokenHash,
        asked: &Asked<'_>,
        recorder: &Recorder,
    ) -> Waiting<C> {
        Waiting::new(Self::clone(self), token.to_hashed(hash), asked, recorder)
    }
}

impl<C: CheckService> Inner<C> {
    /// Makes a client that brings one unknown token after another wait.
    #[cfg(feature = "client")]
    fn take_turn(
        &self,
        token: &BearerToken<'_>,
        hash: &TokenHash,
        missed: Missed,
        asked: &Asked<'_>,
    ) -> Result<(), Rejection> {
        let Some(turns) = &self.client_turns else {
            return Ok(());
        };
        let Some(client) = asked.client.count_as() else {
            return Ok(());
        };
        if !token.kind().may_be_checked() || !self.validators.is_new(hash, missed) {
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
        _: Missed,
        _: &Asked<'_>,
    ) -> Result<(), Rejection> {
        Ok(())
    }
}

const NO_MEMBERSHIPS: &str = "the policy asks for memberships, and a validator has no membership service; \
     build it with Validator::for_ghes, or by its builder with_memberships";

impl<C> Clone for Admission<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Clone for Inner<C> {
    fn clone(&self) -> Self {
        Self {
            validators: self.validators.clone(),
            policy: Arc::clone(&self.policy),
            wants_groups: self.wants_groups,
            #[cfg(feature = "client")]
            client_turns: self.client_turns.clone(),
        }
    }
}
