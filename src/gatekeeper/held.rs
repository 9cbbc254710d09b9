use std::sync::Arc;

use http::{Request, Response};
use tower::Service;
use tower::util::Oneshot;

use super::future::State;
use super::service::{Shared, Turned, Undecided};
use crate::bearer::{BearerToken, Credential};
use crate::check::{CheckError, CheckErrorKind, CheckService, Verdict};
use crate::membership::{Group, Membership};
use crate::rejection::Rejection;
use crate::token::AccessToken;
use crate::validator::cache::Found;
use crate::validator::{Answer, Asked, Freshness, Validator, Validators};

/// A request that waits for a verdict, or for what its decision depends on. Boxed, so that a hit
/// does not carry its size about.
///
/// What was asked for it is kept here, so that each round knows more than the one before, however
/// short a time things are remembered.
pub(super) struct Held<S, C, B> {
    request: Request<B>,
    presented: Presented,
    inner: S,
    shared: Arc<Shared<C>>,
    memberships: Vec<(Group, Membership)>,
    /// Why there is no more to be known.
    failure: Option<CheckError>,
    /// The last good answer and whose it is, while that one is asked where its person belongs.
    answer: Option<(Validator<C>, Answer)>,
    /// The issuer has refused the token once after it had confirmed it.
    is_doubted: bool,
}

/// What was taken out of a request, and the token in it.
pub(super) struct Presented {
    pub(super) credential: Credential,
    pub(super) token: AccessToken,
}

impl<S, C, B> Held<S, C, B> {
    pub(super) fn new(
        request: Request<B>,
        presented: Presented,
        inner: S,
        shared: Arc<Shared<C>>,
    ) -> Self {
        Self {
            request,
            presented,
            inner,
            shared,
            memberships: Vec::new(),
            failure: None,
            answer: None,
            is_doubted: false,
        }
    }
}

impl<S, C, B, ResBody> Held<S, C, B>
where
    S: Service<Request<B>, Response = Response<ResBody>>,
    C: CheckService,
    ResBody: Default + 'static,
{
    /// Goes on with the outcome of a check.
    pub(super) fn checked(
        self: Box<Self>,
        outcome: Result<(Validator<C>, Answer), CheckError>,
    ) -> State<S, C, B> {
        match outcome {
            Ok((validator, answer)) => self.admit(validator, answer),
            Err(error) => self.reject(&error),
        }
    }

    /// Asks about the next groups that the decision depends on.
    pub(super) fn ask(
        mut self: Box<Self>,
        validator: Validator<C>,
        undecided: Undecided,
    ) -> State<S, C, B> {
        if let Some(error) = self.failure.take() {
            return self.reject(&error);
        }
        let groups = self.next_to_ask(undecided.groups);
        if groups.is_empty() {
            let reason = "the policy depends on too many groups, or on what it was told";
            let error = CheckError::with_source(CheckErrorKind::Shed, reason);
            return self.reject(&error);
        }
        let asking = validator.ask_memberships(&self.presented.token, &undecided.identity, groups);
        let verdict = Verdict::Active(undecided.identity);
        let answer = Answer::new(verdict, undecided.freshness);
        self.answer = Some((validator, answer));
        State::Asking(Box::pin(asking), Some(self))
    }

    /// Only a few at once: a long list of which one is enough may be decided by the first.
    fn next_to_ask(&self, mut groups: Vec<Group>) -> Vec<Group> {
        let is_asked = |group: &Group| self.memberships.iter().any(|(asked, _)| asked == group);
        let left = MOST_GROUPS - self.memberships.len();
        groups.retain(|group| !is_asked(group));
        groups.truncate(left.min(GROUPS_AT_ONCE));
        groups
    }

    /// Goes on with what was said about groups.
    pub(super) fn told(mut self: Box<Self>, asked: Asked) -> State<S, C, B> {
        let answer = self.answer.take();
        let (validator, mut answer) = answer.expect("asked with a good answer");
        if asked.is_token_refused() {
            return self.check_again(validator);
        }
        if asked.is_stale {
            answer.freshness = Freshness::Stale;
        }
        self.memberships.extend(asked.memberships);
        self.failure = asked.failure;
        self.admit(validator, answer)
    }

    /// The issuer, which has confirmed the token, refuses it: one of the two is no longer true.
    fn check_again(mut self: Box<Self>, validator: Validator<C>) -> State<S, C, B> {
        if std::mem::replace(&mut self.is_doubted, true) {
            let kind = CheckErrorKind::DoubtfulResponse;
            let reason = "the issuer both confirms and refuses the token";
            return self.reject(&CheckError::with_source(kind, reason));
        }
        self.memberships.clear();
        let checking = Validators::from(validator).check(self.presented.token.clone());
        State::Checking(Box::new(checking), Some(self))
    }

    fn admit(mut self: Box<Self>, validator: Validator<C>, answer: Answer) -> State<S, C, B> {
        let identity = match answer.verdict {
            Verdict::Active(identity) => identity,
            Verdict::Inactive(reason) => return self.turn_away(reason.into()),
        };
        let found = Found::new(identity, answer.freshness);
        let token = BearerToken::lent(&self.presented.token);
        let hash = token.hash();
        let known = validator.known_memberships(&hash, &self.memberships);
        match self.shared.admit(found, &token, &known, &mut self.request) {
            Ok(()) => {
                self.shared
                    .hand_on(self.presented.credential, &mut self.request);
                State::Admitted(Box::pin(Oneshot::new(self.inner, self.request)))
            }
            Err(Turned::Away(rejection)) => self.turn_away(rejection),
            Err(Turned::Undecided(undecided)) => self.ask(validator, undecided),
        }
    }

    fn reject(&self, error: &CheckError) -> State<S, C, B> {
        self.turn_away(Rejection::from(error))
    }

    fn turn_away(&self, rejection: Rejection) -> State<S, C, B> {
        let headers = self.request.headers();
        State::Rejected(Some(self.shared.reject(rejection, headers)))
    }
}

/// How many groups one request asks about at the same time: enough for the few that a route
/// names, and few enough that one person does not take all places.
const GROUPS_AT_ONCE: usize = 8;

/// How many groups one request asks about in all. A policy that needs more is answered by and by,
/// since what was asked is remembered.
const MOST_GROUPS: usize = 64;
