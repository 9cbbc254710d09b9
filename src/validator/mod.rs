//! From a token to a verdict, and to where its person belongs: remembered if possible, asked once
//! if not.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use ghes_gatekeeper::check::{CheckRequest, InactiveReason, Verdict};
//! use ghes_gatekeeper::token::AccessToken;
//! use ghes_gatekeeper::validator::Validator;
//! use tower::service_fn;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ghes_gatekeeper::check::CheckError> {
//! let check = service_fn(async |_: CheckRequest| {
//!     Ok::<_, Infallible>(Verdict::Inactive(InactiveReason::Unknown))
//! });
//! let validator = Validator::new(check);
//! let token = AccessToken::new("gho_unknown");
//!
//! assert!(validator.lookup(&token.hash()).is_none());
//! let answer = validator.check(token.clone()).await?;
//! assert!(matches!(answer.verdict, Verdict::Inactive(_)));
//! assert!(validator.lookup(&token.hash()).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Several apps
//!
//! GHES tells an app nothing about another app's tokens. Where the tokens of several are good, each
//! has a [`Validator`], and [`Validators`] asks one after the other. Each remembers its own
//! answers, and one that has confirmed a token is asked about it from then on.

mod builder;
pub(crate) mod cache;
mod checking;
mod checking_each;
mod failure_log;
pub(crate) mod flight;
mod memberships;
#[cfg(test)]
mod moments;
mod read_through;
#[cfg_attr(
    not(feature = "proxy"),
    allow(dead_code, reason = "only the proxy's explain wants to know")
)]
mod recorder;
mod refusal;
mod validators;

use std::fmt;
use std::time::Duration;

use self::cache::{Found, IsKnown, MembershipKey, Tokens};
use self::flight::Outcome;
use self::memberships::MembershipCache;
use self::read_through::{Ask, ReadThrough, Wanted};
use crate::check::{
    AskService, CheckError, CheckErrorKind, CheckRequest, CheckService, InactiveReason, Told,
    Verdict,
};
use crate::identity::Identity;
#[cfg(feature = "proxy")]
use crate::membership::Groups;
use crate::membership::{Group, Membership, MembershipRequest};
use crate::token::{AccessToken, TokenHash};

pub(crate) use self::memberships::{AskedGroups, Asking, KnownMemberships};
pub(crate) use self::recorder::Recorder;
#[cfg(feature = "proxy")]
pub(crate) use self::recorder::{Entry, Said};
pub(crate) use self::validators::Missed;

pub use self::builder::ValidatorBuilder;
pub use self::cache::{Answer, CacheOptions, CacheStats, Freshness, Purge};
pub use self::checking::Checking;
pub use self::checking_each::CheckingEach;
pub use self::validators::Validators;

/// Answers whose a token is, asking the check service only about what it does not remember.
///
/// A handle: clones share caches and flights. There must be one per issuer and app, because the
/// caches know only the token; [`Validators`] are several of one issuer.
pub struct Validator<C> {
    tokens: ReadThrough<Tokens, C>,
    memberships: Option<MembershipCache>,
    max_age: Option<Duration>,
}

impl<C: CheckService> Ask<Tokens> for C {
    type Question = AccessToken;

    async fn ask(self, token: AccessToken, wanted: Wanted) -> Outcome<Told<Verdict>> {
        let request = match wanted.is_known {
            true => CheckRequest::renewal(token),
            false => CheckRequest::new(token),
        };
        AskService::ask(self, request.with_needs_new(wanted.needs_new)).await
    }
}

impl<C: CheckService> Validator<C> {
    /// Wraps a check service with the default ages and capacities.
    pub fn new(check: C) -> Self {
        Self::builder(check).build()
    }

    /// Wraps a check service with ages and capacities of your choice.
    pub fn builder(check: C) -> ValidatorBuilder<C> {
        ValidatorBuilder::new(check)
    }

    /// Returns what is known about a token, without waiting and without asking.
    ///
    /// If the answer is [due](Freshness::Due), the caller should [renew](Self::renew) it.
    #[must_use]
    pub fn lookup(&self, hash: &TokenHash) -> Option<Answer> {
        let found = self.tokens.cache().get(hash, self.max_age)?;
        Some(found.into())
    }

    /// Does the first half of [`lookup`](Self::lookup), which is all where the token is good.
    #[inline]
    fn lookup_active(&self, hash: &TokenHash) -> Result<Found<Identity>, IsKnown> {
        self.tokens.cache().get_active(hash, self.max_age)
    }

    /// Does the second half.
    fn lookup_refusal(&self, hash: &TokenHash) -> Option<Answer> {
        let found = self.tokens.cache().get_inactive(hash)?;
        Some(found.into())
    }

    /// Asks about a token, in one call with all others that are asking about it right now.
    ///
    /// The check runs in a task of its own and its verdict is remembered, even if no caller waits
    /// for it any more. The future fails with [`CheckError`] if there is no verdict, and at once
    /// if too many wait already. Tokens that [cannot be those of an
    /// app](crate::token::TokenKind::may_be_checked) are refused without asking.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn check(&self, token: AccessToken) -> Checking {
        let is_known = self.is_known(&token.hash());
        self.check_as(token, is_known)
    }

    /// Does the same where it is known whether the token was good within the hour.
    fn check_as(&self, token: AccessToken, is_known: bool) -> Checking {
        let kind = token.kind();
        if !kind.may_be_checked() {
            return Checking::decided(Verdict::Inactive(InactiveReason::WrongKind(kind)));
        }
        let hash = token.hash();
        Checking::new(self.tokens.ask(hash, token, self.max_age, is_known))
    }

    /// The same, with no need of a place among those who wait if a refusal is remembered.
    fn check_unless_refused(&self, token: &AccessToken, is_known: bool) -> Checking {
        match self.peek_refusal(&token.hash()) {
            Some(answer) => Checking::decided(answer.verdict),
            None => self.check_as(token.clone(), is_known),
        }
    }

    /// Returns what is remembered about a refused token, not counted.
    fn peek_refusal(&self, hash: &TokenHash) -> Option<Answer> {
        let found = self.tokens.cache().peek_inactive(hash)?;
        Some(found.into())
    }

    /// Returns what is remembered about a good token, not counted.
    fn peek_active(&self, hash: &TokenHash) -> Result<Found<Identity>, IsKnown> {
        self.tokens.cache().peek_active(hash, self.max_age).found()
    }

    /// Counts a lookup that ended with `answer`.
    fn count(&self, answer: Option<&Answer>) {
        let verdict = answer.map(|answer| &answer.verdict);
        self.tokens.cache().count(verdict);
    }

    fn count_active(&self) {
        self.tokens.cache().count_active();
    }

    /// Tells whether the token was good when it was last asked about, within the hour.
    fn is_known(&self, hash: &TokenHash) -> bool {
        self.tokens.cache().is_known(hash)
    }

    /// Tells whether [`check`](Self::check) would send a question about a token of which nothing
    /// is known: what a flood of made-up tokens consists of.
    #[must_use]
    pub fn is_unknown(&self, hash: &TokenHash) -> bool {
        !self.is_known(hash) && !self.is_under_way(hash)
    }

    /// Tells whether a check of the token is under way.
    fn is_under_way(&self, hash: &TokenHash) -> bool {
        self.tokens.is_under_way(hash)
    }

    /// Asks in the background about a token whose answer is due.
    ///
    /// Does nothing if a renewal is under way, or failed a moment ago. The remembered answer stays
    /// good until its age ends.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn renew(&self, token: AccessToken) {
        self.tokens.renew(&token.hash(), token);
    }

    /// Forgets what `purge` names, memberships included, so that it is asked for again; returns how
    /// many answers.
    ///
    /// Takes effect at once: no request that comes after it is let in on an answer that was asked
    /// for before it. Takes milliseconds for 100,000 entries, during which hits go on.
    pub fn purge(&self, purge: &Purge) -> u64 {
        let memberships = self.memberships.as_ref();
        let memberships = memberships.map_or(0, |memberships| memberships.cache().purge(purge));
        self.tokens.cache().purge(purge) + memberships
    }

    /// Returns how lookups of tokens have ended so far, and how many are remembered.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.tokens.cache().stats()
    }

    /// Returns the same about memberships; all zero without a membership service.
    #[must_use]
    pub fn membership_stats(&self) -> CacheStats {
        let memberships = self.memberships.as_ref();
        memberships.map_or_else(CacheStats::default, |memberships| {
            memberships.cache().stats()
        })
    }
}

impl<C> Validator<C> {
    /// Tells whether both are handles of one validator.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.tokens.is_same(&other.tokens)
    }

    /// Tells whether there is a membership service.
    pub(crate) fn can_ask_memberships(&self) -> bool {
        self.memberships.is_some()
    }

    /// Returns what is known about where the person behind a token belongs; `asked` is what has
    /// just been asked for.
    pub(crate) fn known_memberships<'a>(
        &'a self,
        token: &'a TokenHash,
        asked: &'a [(Group, Membership)],
    ) -> KnownMemberships<'a> {
        KnownMemberships::new(self.memberships.as_ref(), token, self.max_age, asked)
    }

    /// Asks whether the person behind a good token belongs to some groups, together with everybody
    /// who is asking the same right now.
    pub(crate) fn ask_memberships(
        &self,
        token: &AccessToken,
        identity: &Identity,
        groups: impl IntoIterator<Item = Group>,
    ) -> Asking {
        let Some(memberships) = &self.memberships else {
            tracing::error!("a policy needs a membership, and there is no membership service");
            return Asking::failed(CheckError::new(CheckErrorKind::Unavailable));
        };
        let waiting = groups.into_iter().map(|group| {
            let key = MembershipKey {
                token: token.hash(),
                group: group.clone(),
            };
            let question = MembershipRequest::new(token.clone(), identity.clone(), group.clone());
            let is_known = memberships.cache().is_known(&key);
            (
                group,
                memberships.ask(key, question, self.max_age, is_known),
            )
        });
        Asking::new(waiting.collect())
    }

    /// Returns how much longer the answers hold that a token is good and that its person belongs to
    /// these groups, as far as they are of this `freshness`; none if one of them is not there.
    #[cfg(feature = "proxy")]
    pub(crate) fn left(
        &self,
        token: &TokenHash,
        groups: Option<&Groups>,
        freshness: Freshness,
    ) -> Option<Duration>
    where
        C: CheckService,
    {
        let mut left = self.tokens.cache().left(token, self.max_age, freshness)?;
        for group in groups.into_iter().flat_map(Groups::iter) {
            let key = MembershipKey {
                token: *token,
                group: group.clone(),
            };
            let memberships = self.memberships.as_ref()?.cache();
            left = left.min(memberships.left(&key, self.max_age, freshness)?);
        }
        Some(left)
    }

    /// Returns a handle that wants answers no older than `max_age`.
    ///
    /// For those who must know sooner that a token was revoked. It shares everything else, and
    /// what it learns is remembered for all.
    #[must_use]
    pub fn with_max_age(&self, max_age: Duration) -> Self {
        Self {
            tokens: self.tokens.clone(),
            memberships: self.memberships.clone(),
            max_age: Some(max_age.min(LONGEST_AGE)),
        }
    }
}

impl<C> Clone for Validator<C> {
    fn clone(&self) -> Self {
        Self {
            tokens: self.tokens.clone(),
            memberships: self.memberships.clone(),
            max_age: self.max_age,
        }
    }
}

impl<C> fmt::Debug for Validator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// Who wants nothing older than a day wants nothing special.
const LONGEST_AGE: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{Ready, pending};

    use tokio::time::Instant;
    use tower::service_fn;

    use super::*;
    use crate::check::CheckErrorKind;

    fn never_asked(_: CheckRequest) -> Ready<Result<Verdict, Infallible>> {
        panic!("asked");
    }

    #[tokio::test]
    async fn a_verdict_that_came_after_the_lookup_is_found() {
        let validator = Validator::new(service_fn(never_asked));
        let token = AccessToken::new("a");
        assert!(validator.lookup(&token.hash()).is_none());
        let verdict = Verdict::Inactive(InactiveReason::Unknown).into();
        let cache = validator.tokens.cache();
        cache
            .store(&token.hash(), &verdict, cache.question(), || ())
            .unwrap();
        let found = validator.check(token).await.unwrap();
        assert!(matches!(found.verdict, Verdict::Inactive(_)), "{found:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_is_the_configured_one() {
        let silent = service_fn(|_: CheckRequest| pending::<Result<Verdict, Infallible>>());
        let validator = Validator::builder(silent)
            .with_check_timeout(Duration::from_secs(7))
            .build();
        let began_at = Instant::now();
        let error = validator.check(AccessToken::new("a")).await.unwrap_err();
        assert_eq!(error.kind(), CheckErrorKind::Timeout);
        assert_eq!(began_at.elapsed(), Duration::from_secs(7));
    }
}
