//! Where people belong: what is known, and asking for what is not.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

use super::cache::{AnswerCache, Found, Freshness, MembershipKey, Memberships, Standing, Tokens};
use super::flight::Outcome;
use super::read_through::{Ask, ReadThrough, Waiting, Wanted};
use super::recorder::{Entry, Recorder, Said};
use crate::bearer::BearerToken;
use crate::check::{CheckError, CheckErrorKind, Told};
use crate::identity::Identity;
use crate::membership::{Group, Groups, Membership, MembershipRequest};
use crate::policy;
use crate::token::TokenHash;

/// Boxed, so that no type above depends on it; only those who have to ask pay for it.
pub(super) type BoxMembershipService =
    BoxCloneSyncService<MembershipRequest, Told<Membership>, CheckError>;

pub(super) type MembershipCache = ReadThrough<Memberships, MembershipIssuer>;

/// Asks where people belong.
///
/// 1. A token that is refused meanwhile is checked again.
/// 2. A person who has used up a rate limit of theirs is not asked for until it is over: what they
///    go on to request would only take from what others may ask.
#[derive(Clone)]
pub(super) struct MembershipIssuer {
    service: BoxMembershipService,
    tokens: Arc<AnswerCache<Tokens>>,
    limited: Cache<TokenHash, Instant>,
}

impl MembershipIssuer {
    pub(super) fn new(service: BoxMembershipService, tokens: &Arc<AnswerCache<Tokens>>) -> Self {
        Self {
            service,
            tokens: Arc::clone(tokens),
            limited: Cache::builder()
                .max_capacity(LIMITED_CAPACITY)
                .time_to_live(LONGEST_LIMIT)
                .build(),
        }
    }

    /// Fails while the person behind a token is to be left alone.
    fn heed_limit(&self, token: &TokenHash) -> Result<(), CheckError> {
        let now = Instant::now();
        match self.limited.get(token) {
            Some(until) if now < until => Err(CheckError::with_retry_after(
                CheckErrorKind::RateLimited,
                until - now,
                "the person's rate limit was reached not long ago",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn note_limit(&self, token: TokenHash, error: &CheckError) {
        if error.kind() == CheckErrorKind::RateLimited {
            let wait = error.retry_after().unwrap_or_default().min(LONGEST_LIMIT);
            self.limited.insert(token, Instant::now() + wait);
        }
    }
}

impl Ask<Memberships> for MembershipIssuer {
    type Question = MembershipRequest;

    async fn ask(self, question: MembershipRequest, wanted: Wanted) -> Outcome<Told<Standing>> {
        let question = question.with_needs_new(wanted.needs_new);
        let (hash, identity) = (question.token().hash(), question.identity().clone());
        self.heed_limit(&hash)?;
        let answer = self.service.clone().oneshot(question).await;
        let told = answer.inspect_err(|error| self.note_limit(hash, error))?;
        if *told.answer() == Membership::TokenRefused {
            self.tokens.forget(&hash);
        }
        Ok(told.map(|membership| Standing {
            identity,
            membership,
        }))
    }
}

/// What is known about where the person behind one token belongs.
pub(crate) struct KnownMemberships<'a> {
    remembered: Option<&'a MembershipCache>,
    token: &'a TokenHash,
    max_age: Option<Duration>,
    /// What the request that is decided about has asked for itself.
    asked: &'a [(Group, Membership)],
    /// Those that were looked at and are due to be renewed.
    due: RefCell<Vec<Group>>,
    /// Those that were looked at and have the person among them, if anybody wants to know.
    active: RefCell<Option<Groups>>,
}

impl<'a> KnownMemberships<'a> {
    #[inline]
    pub(super) fn new(
        remembered: Option<&'a MembershipCache>,
        token: &'a TokenHash,
        max_age: Option<Duration>,
        asked: &'a [(Group, Membership)],
    ) -> Self {
        Self {
            remembered,
            token,
            max_age,
            asked,
            due: RefCell::default(),
            active: RefCell::default(),
        }
    }

    /// Notes from now on where the person is found to belong.
    pub(crate) fn note_active(&self) {
        *self.active.borrow_mut() = Some(Groups::default());
    }

    /// Returns what was noted, if anything was.
    #[cold]
    pub(crate) fn take_active(&self) -> Option<Box<Groups>> {
        let active = self.active.take().filter(|groups| !groups.is_empty());
        active.map(Box::new)
    }

    fn find(&self, group: &Group) -> Option<Membership> {
        let mut asked = self.asked.iter();
        if let Some((_, membership)) = asked.find(|(asked, _)| asked == group) {
            return Some(membership.clone());
        }
        let key = MembershipKey {
            token: *self.token,
            group: group.clone(),
        };
        let found = self.remembered?.cache().get(&key, self.max_age)?;
        if found.freshness == Freshness::Due {
            self.due.borrow_mut().push(key.group);
        }
        Some(found.answer.membership)
    }

    /// Tells whether a group was looked at that is due to be renewed.
    pub(crate) fn has_due(&self) -> bool {
        !self.due.borrow().is_empty()
    }

    /// Asks for those in the background, each call only for what was looked at since the last.
    #[cold]
    pub(crate) fn renew_due(&self, token: &BearerToken<'_>, identity: &Identity) {
        let due = self.due.take();
        let Some(memberships) = self.remembered else {
            return;
        };
        let token = token.to_hashed(*self.token);
        for group in due {
            let key = MembershipKey {
                token: *self.token,
                group: group.clone(),
            };
            let question = MembershipRequest::new(token.clone(), identity.clone(), group);
            memberships.renew(&key, question);
        }
    }
}

impl policy::Memberships for KnownMemberships<'_> {
    fn membership(&self, group: &Group) -> Option<Membership> {
        let found = self.find(group)?;
        if found == Membership::Active
            && let Some(active) = &mut *self.active.borrow_mut()
        {
            active.add(group);
        }
        Some(found)
    }
}

/// A future for what is said about some groups, all of which are asked about at once.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: the questions go on, and the answers are remembered.
pub(crate) struct Asking {
    waiting: Vec<(Group, Waiting<Memberships>)>,
    asked: AskedGroups,
    began_at: Instant,
    recorder: Recorder,
    /// The place of who is asked.
    place: usize,
}

/// What came of asking.
#[derive(Default)]
pub(crate) struct AskedGroups {
    pub(crate) memberships: Vec<(Group, Membership)>,
    /// Some of it is past its age, and stands in for what could not be asked.
    pub(crate) is_stale: bool,
    /// Why the rest is not there.
    pub(crate) failure: Option<CheckError>,
}

impl Asking {
    pub(super) fn new(waiting: Vec<(Group, Waiting<Memberships>)>) -> Self {
        Self {
            waiting,
            asked: AskedGroups::default(),
            began_at: Instant::now(),
            recorder: Recorder::NONE,
            place: 0,
        }
    }

    /// Records what the issuer is asked, as by the validator in this place.
    pub(crate) fn recorded_by(self, recorder: Recorder, place: usize) -> Self {
        Self {
            recorder,
            place,
            ..self
        }
    }

    pub(super) fn failed(error: CheckError) -> Self {
        let mut asking = Self::new(Vec::new());
        asking.asked.failure = Some(error);
        asking
    }
}

/// What the issuer said, before an older answer stood in for it.
fn said(
    waiting: &Waiting<Memberships>,
    outcome: &Result<Found<Standing>, CheckError>,
) -> Result<Membership, CheckError> {
    match (waiting.bridged(), outcome) {
        (Some(error), _) | (None, Err(error)) => Err(error.clone()),
        (None, Ok(found)) => Ok(found.answer.membership.clone()),
    }
}

impl AskedGroups {
    fn add(&mut self, group: &Group, outcome: Result<Found<Standing>, CheckError>) {
        match outcome {
            Ok(found) => {
                self.is_stale |= found.freshness == Freshness::Stale;
                let membership = found.answer.membership;
                self.memberships.push((group.clone(), membership));
            }
            Err(error) => {
                self.failure.get_or_insert(error);
            }
        }
    }

    /// Tells whether the issuer takes the token no more.
    pub(crate) fn is_token_refused(&self) -> bool {
        let mut memberships = self.memberships.iter();
        memberships.any(|(_, membership)| *membership == Membership::TokenRefused)
    }
}

impl Future for Asking {
    type Output = AskedGroups;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AskedGroups> {
        let Self {
            waiting,
            asked,
            began_at,
            recorder,
            place,
        } = &mut *self;
        waiting.retain_mut(|(group, waiting)| {
            let Poll::Ready(outcome) = Pin::new(&mut *waiting).poll(cx) else {
                return true;
            };
            recorder.add(|| Entry {
                place: *place,
                said: Said::OfMembership(group.clone(), said(waiting, &outcome)),
                took: began_at.elapsed(),
            });
            asked.add(group, outcome);
            false
        });
        if waiting.is_empty() {
            Poll::Ready(std::mem::take(asked))
        } else {
            Poll::Pending
        }
    }
}

/// The longest pause before the issuer is asked again: clocks may differ, and limits may be lifted.
const LONGEST_LIMIT: Duration = Duration::from_secs(300);

/// Few people write programs that use up a limit of their own.
const LIMITED_CAPACITY: u64 = 10_000;
