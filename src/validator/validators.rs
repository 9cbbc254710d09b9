use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "proxy")]
use super::Freshness;
use super::cache::{Found, IsKnown};
use super::checking_each::CheckingEach;
use super::refusal::Refusal;
use super::{Answer, CacheStats, Checking, Purge, Validator};
use crate::check::{CheckService, Verdict};
use crate::identity::Identity;
#[cfg(feature = "proxy")]
use crate::membership::Groups;
use crate::token::{AccessToken, TokenHash};

/// One [`Validator`] for each app whose tokens are good, in the order they are asked.
///
/// There is at least one, and who takes several takes one as well: `From<Validator>`. A token is
/// good if one of them says so. That one comes with each answer, because all else about the token,
/// such as where its person belongs, has to be asked of it.
///
/// All of them must be of one issuer: a token that one app does not know is shown to the issuer of
/// the next.
///
/// A handle: clones share everything.
pub struct Validators<C> {
    first: Validator<C>,
    others: Arc<[Validator<C>]>,
}

/// What a lookup of good tokens has found where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missed {
    /// The place of the validator by which the token was good within the hour.
    known_by: Option<usize>,
}

impl<C> Validators<C> {
    /// Adds one that is asked after those that are there.
    #[must_use]
    pub fn or(self, next: Validator<C>) -> Self {
        let others = self.others.iter().cloned();
        Self {
            others: others.chain(iter::once(next)).collect(),
            first: self.first,
        }
    }

    /// Returns them in the order they are asked.
    pub fn iter(&self) -> impl Iterator<Item = &Validator<C>> {
        iter::once(&self.first).chain(&*self.others)
    }

    /// Tells whether all of them have a membership service.
    pub(crate) fn can_ask_memberships(&self) -> bool {
        self.iter().all(Validator::can_ask_memberships)
    }

    /// Returns a handle that wants answers no older than `max_age`.
    ///
    /// See [`Validator::with_max_age`].
    #[must_use]
    pub fn with_max_age(&self, max_age: Duration) -> Self {
        let others = self.others.iter();
        Self {
            first: self.first.with_max_age(max_age),
            others: others.map(|other| other.with_max_age(max_age)).collect(),
        }
    }
}

impl<C: CheckService> Validators<C> {
    /// Returns what is known about a token, and who knows it, without waiting and without asking.
    ///
    /// The first that remembers the token as good is right. It is no good if all of them remember
    /// it as that; if one of them has to be asked, nothing is known.
    #[must_use]
    pub fn lookup(&self, hash: &TokenHash) -> Option<(&Validator<C>, Answer)> {
        match self.lookup_active(hash) {
            Ok((validator, found)) => Some((validator, found.into())),
            Err(_) => self.lookup_refusal(hash),
        }
    }

    /// Does the first half of [`lookup`](Self::lookup), which is all where the token is good.
    #[inline]
    pub(crate) fn lookup_active(
        &self,
        hash: &TokenHash,
    ) -> Result<(&Validator<C>, Found<Identity>), Missed> {
        if self.others.is_empty() {
            return match self.first.lookup_active(hash) {
                Ok(found) => Ok((&self.first, found)),
                Err(IsKnown(is_known)) => Err(Missed {
                    known_by: is_known.then_some(0),
                }),
            };
        }
        let (_, validator, found) = self.look_active_in_all(hash)?;
        validator.count_active();
        Ok((validator, found))
    }

    fn look_active_in_all(
        &self,
        hash: &TokenHash,
    ) -> Result<(usize, &Validator<C>, Found<Identity>), Missed> {
        let mut known_by = None;
        for (place, validator) in self.iter().enumerate() {
            match validator.peek_active(hash) {
                Ok(found) => return Ok((place, validator, found)),
                Err(IsKnown(true)) => known_by = known_by.or(Some(place)),
                Err(IsKnown(false)) => {}
            }
        }
        Err(Missed { known_by })
    }

    /// Does the second half, and counts both as one lookup.
    pub(crate) fn lookup_refusal(&self, hash: &TokenHash) -> Option<(&Validator<C>, Answer)> {
        if self.others.is_empty() {
            return Some((&self.first, self.first.lookup_refusal(hash)?));
        }
        let found = self.find_refusal(hash);
        match &found {
            Some((validator, answer)) => validator.count(Some(answer)),
            None => self.first.count(None),
        }
        found
    }

    fn find_refusal(&self, hash: &TokenHash) -> Option<(&Validator<C>, Answer)> {
        let mut refusal = None;
        for (place, validator) in self.iter().enumerate() {
            let answer = validator.peek_refusal(hash)?;
            refusal = Some(Refusal::new(place, validator, answer).or(refusal));
        }
        refusal.map(Refusal::into_parts)
    }

    /// Asks one after the other about a token, each in one call with all others that are asking it
    /// about the token right now.
    ///
    /// See [`CheckingEach`] for the order of the questions and their end.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn check(&self, token: AccessToken) -> CheckingEach<C> {
        match self.look_active_in_all(&token.hash()) {
            Ok((place, validator, found)) => {
                let checking = Checking::decided(Verdict::Active(found.answer));
                CheckingEach::new((place, validator.clone()), checking, Vec::new(), token)
            }
            Err(missed) => self.check_missed(&token, missed),
        }
    }

    /// Does the same about a token of which a lookup has found nothing good.
    pub(crate) fn check_missed(&self, token: &AccessToken, missed: Missed) -> CheckingEach<C> {
        let mut left: Vec<_> = self.iter().cloned().enumerate().collect();
        let (place, first) = left.remove(missed.known_by.unwrap_or(0));
        let checking = first.check_unless_refused(token, missed.known_by.is_some());
        CheckingEach::new((place, first), checking, left, token.clone())
    }

    /// Tells whether a token for which the lookup has `missed` is unknown to all, and no check of
    /// it is under way.
    #[cfg(feature = "client")]
    pub(crate) fn is_new(&self, hash: &TokenHash, missed: Missed) -> bool {
        let mut all = self.iter();
        missed.known_by.is_none() && !all.any(|validator| validator.is_under_way(hash))
    }

    /// Tells whether nothing is known about a token to any of them.
    ///
    /// See [`Validator::is_unknown`].
    #[must_use]
    pub fn is_unknown(&self, hash: &TokenHash) -> bool {
        self.iter().all(|validator| validator.is_unknown(hash))
    }

    /// Returns how much longer the answers hold that a token is good and that its person belongs to
    /// these groups; none if one of them is not remembered by whoever knows the token.
    #[cfg(feature = "proxy")]
    pub(crate) fn left(
        &self,
        token: &TokenHash,
        groups: Option<&Groups>,
        freshness: Freshness,
    ) -> Option<Duration> {
        let left = |validator: &Validator<C>| validator.left(token, groups, freshness);
        // A token is of one app. What another may remember of it is over.
        self.iter().filter_map(left).max()
    }

    /// Forgets what `purge` names at each of them; returns how many answers.
    ///
    /// See [`Validator::purge`].
    pub fn purge(&self, purge: &Purge) -> u64 {
        self.iter().map(|validator| validator.purge(purge)).sum()
    }

    /// Returns how lookups of tokens have ended so far, and how many are remembered by all.
    ///
    /// A [`lookup`](Self::lookup) here counts once, however many were looked at.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.iter().map(Validator::stats).sum()
    }
}

impl<C> From<Validator<C>> for Validators<C> {
    fn from(only: Validator<C>) -> Self {
        Self {
            first: only,
            others: Arc::default(),
        }
    }
}

impl<C> Clone for Validators<C> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            others: Arc::clone(&self.others),
        }
    }
}

impl<C> fmt::Debug for Validators<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
