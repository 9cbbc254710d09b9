use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Method;

use super::admitted::{Turned, Undecided};
use super::{Admission, Admitted, Asked, Decided};
use crate::bearer::BearerToken;
use crate::check::{CheckError, CheckErrorKind, CheckService, Verdict};
use crate::identity::Identity;
use crate::membership::{Group, Membership};
use crate::rejection::Rejection;
use crate::token::AccessToken;
use crate::validator::cache::Found;
use crate::validator::{Answer, AskedGroups, CheckingEach, Freshness, Recorder, Validator};

/// A future for a decision that depends on what has to be asked.
///
/// Boxed, so that whatever holds it stays small.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: questions under way go on for others who wait for the same, and
/// their answers are remembered.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Deciding(Pin<Box<dyn Future<Output = Result<Admitted, Rejection>> + Send>>);

impl Future for Deciding {
    type Output = Result<Admitted, Rejection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Deciding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deciding").finish_non_exhaustive()
    }
}

/// What is known for one decision that waits.
///
/// What was asked for it is kept here, so that each round knows more than the one before, however
/// short a time things are remembered.
pub(super) struct Waiting<C> {
    admission: Admission<C>,
    token: AccessToken,
    method: Method,
    path: Box<str>,
    memberships: Vec<(Group, Membership)>,
    /// Why there is no more to be known.
    failure: Option<CheckError>,
    /// The issuer has refused the token once after it had confirmed it.
    is_doubted: bool,
    recorder: Recorder,
}

/// What to do next.
pub(super) enum Next<C> {
    Check(Box<CheckingEach<C>>),
    Ask(Validator<C>, Undecided),
}

impl<C: CheckService> Waiting<C> {
    pub(super) fn new(
        admission: Admission<C>,
        token: AccessToken,
        asked: &Asked<'_>,
        recorder: &Recorder,
    ) -> Self {
        Self {
            admission,
            token,
            method: asked.method.clone(),
            path: asked.path.into(),
            memberships: Vec::new(),
            failure: None,
            is_doubted: false,
            recorder: recorder.clone(),
        }
    }

    pub(super) fn token(&self) -> &AccessToken {
        &self.token
    }

    pub(super) fn begin(self, next: Next<C>) -> Decided {
        Decided::Waiting(Deciding(Box::pin(self.decide(next))))
    }

    async fn decide(mut self, mut next: Next<C>) -> Result<Admitted, Rejection> {
        loop {
            let (validator, found) = match next {
                Next::Check(mut checking) => {
                    checking.record(self.recorder.clone());
                    let (validator, answer) = checking.await.map_err(rejected)?;
                    (validator, active(answer)?)
                }
                Next::Ask(validator, undecided) => {
                    let (found, asked) = self.ask(&validator, undecided).await?;
                    if asked.is_token_refused() {
                        next = self.check_again(validator)?;
                        continue;
                    }
                    self.memberships.extend(asked.memberships);
                    self.failure = asked.failure;
                    (validator, found)
                }
            };
            next = match self.admit(&validator, found) {
                Ok(admitted) => return Ok(admitted),
                Err(Turned::Away(rejection)) => return Err(rejection),
                Err(Turned::Undecided(undecided)) => Next::Ask(validator, undecided),
            };
        }
    }

    fn admit(&self, validator: &Validator<C>, found: Found<Identity>) -> Result<Admitted, Turned> {
        let hash = self.token.hash();
        let known = validator.known_memberships(&hash, &self.memberships);
        let token = BearerToken::lent(&self.token);
        let admission = &self.admission.0;
        admission.admit(found, &token, &known, &self.method, &self.path)
    }

    /// Asks about the next groups that the decision depends on.
    async fn ask(
        &mut self,
        validator: &Validator<C>,
        undecided: Undecided,
    ) -> Result<(Found<Identity>, AskedGroups), Rejection> {
        if let Some(error) = self.failure.take() {
            return Err(rejected(error));
        }
        let groups = self.next_to_ask(undecided.groups);
        if groups.is_empty() {
            let reason = "the policy depends on too many groups, or on what it was told";
            return Err(rejected(CheckError::with_source(
                CheckErrorKind::Shed,
                reason,
            )));
        }
        let Undecided {
            identity,
            mut freshness,
            ..
        } = undecided;
        let place = self.place_of(validator);
        let asking = validator.ask_memberships(&self.token, &identity, groups);
        let asked = asking.recorded_by(self.recorder.clone(), place).await;
        if asked.is_stale {
            freshness = Freshness::Stale;
        }
        Ok((Found::new(identity, freshness), asked))
    }

    /// Only a few at once: a long list of which one is enough may be decided by the first.
    fn next_to_ask(&self, mut groups: Vec<Group>) -> Vec<Group> {
        let is_asked = |group: &Group| self.memberships.iter().any(|(asked, _)| asked == group);
        let left = MOST_GROUPS - self.memberships.len();
        groups.retain(|group| !is_asked(group));
        groups.truncate(left.min(GROUPS_AT_ONCE));
        groups
    }

    /// The issuer, which has confirmed the token, refuses it: one of the two is no longer true.
    fn check_again(&mut self, validator: Validator<C>) -> Result<Next<C>, Rejection> {
        if std::mem::replace(&mut self.is_doubted, true) {
            let kind = CheckErrorKind::DoubtfulResponse;
            let reason = "the issuer both confirms and refuses the token";
            return Err(rejected(CheckError::with_source(kind, reason)));
        }
        self.memberships.clear();
        let place = self.place_of(&validator);
        let checking = CheckingEach::only(place, validator, &self.token);
        Ok(Next::Check(Box::new(checking)))
    }

    fn place_of(&self, validator: &Validator<C>) -> usize {
        let mut all = self.admission.0.validators.iter();
        all.position(|other| other.is_same(validator))
            .unwrap_or_default()
    }
}

fn active(answer: Answer) -> Result<Found<Identity>, Rejection> {
    match answer.verdict {
        Verdict::Active(identity) => Ok(Found::new(identity, answer.freshness)),
        Verdict::Inactive(reason) => Err(reason.into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an error ends here")]
fn rejected(error: CheckError) -> Rejection {
    Rejection::from(&error)
}

/// How many groups one request asks about at the same time: enough for the few that a route
/// names, and few enough that one person does not take all places.
pub(crate) const GROUPS_AT_ONCE: usize = 8;

/// How many groups one request asks about in all. A policy that needs more is answered by and by,
/// since what was asked is remembered.
pub(crate) const MOST_GROUPS: usize = 64;
