use std::fmt;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use super::cache::Found;
use super::checking_each::CheckingEach;
use super::refusal::Refusal;
use super::{Answer, CacheStats, Purge, Validator};
use crate::check::CheckService;
use crate::identity::Identity;
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

    /// Tells whether all of them have somebody to ask where people belong.
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
            Some((validator, found)) => Some((validator, found.into())),
            None => self.lookup_refusal(hash),
        }
    }

    /// Does the first half of [`lookup`](Self::lookup), which is all where the token is good.
    #[inline]
    pub(crate) fn lookup_active(
        &self,
        hash: &TokenHash,
    ) -> Option<(&Validator<C>, Found<Identity>)> {
        if self.others.is_empty() {
            return Some((&self.first, self.first.lookup_active(hash)?));
        }
        self.lookup_active_in_all(hash)
    }

    fn lookup_active_in_all(&self, hash: &TokenHash) -> Option<(&Validator<C>, Found<Identity>)> {
        let mut validators = self.iter();
        let (validator, found) =
            validators.find_map(|validator| Some((validator, validator.peek_active(hash)?)))?;
        validator.count_active();
        Some((validator, found))
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
            let answer = validator.peek(hash)?;
            // It has come since they were asked for active answers.
            if answer.is_active() {
                return Some((validator, answer));
            }
            refusal = Some(Refusal::new(place, validator, answer).or(refusal));
        }
        refusal.map(Refusal::into_parts)
    }

    /// Asks one after the other about a token, each together with everybody who is asking it about
    /// the token right now.
    ///
    /// See [`CheckingEach`] for whom it asks and when it ends.
    ///
    /// # Panics
    ///
    /// Panics if called outside a Tokio runtime.
    pub fn check(&self, token: AccessToken) -> CheckingEach<C> {
        let hash = token.hash();
        let known = self.iter().position(|validator| validator.is_known(&hash));
        let mut left: Vec<_> = self.iter().cloned().enumerate().collect();
        let first = left.remove(known.unwrap_or(0));
        CheckingEach::new(first, left, token)
    }

    /// Tells whether nothing is known about a token to any of them.
    ///
    /// See [`Validator::is_unknown`].
    #[must_use]
    pub fn is_unknown(&self, hash: &TokenHash) -> bool {
        self.iter().all(|validator| validator.is_unknown(hash))
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
