use crate::check::Verdict;
use crate::identity::Identity;

/// A verdict, and how far it may still be relied on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// What the issuer said.
    pub verdict: Verdict,
    /// How far it may be relied on.
    pub freshness: Freshness,
}

impl Answer {
    pub(crate) fn new(verdict: Verdict, freshness: Freshness) -> Self {
        Self { verdict, freshness }
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(self.verdict, Verdict::Active(_))
    }
}

impl From<Found<Verdict>> for Answer {
    fn from(found: Found<Verdict>) -> Self {
        Self::new(found.answer, found.freshness)
    }
}

/// An answer about anything, and how far it may still be relied on.
#[derive(Clone, Debug)]
pub(crate) struct Found<A> {
    pub(crate) answer: A,
    pub(crate) freshness: Freshness,
}

impl<A> Found<A> {
    pub(crate) fn new(answer: A, freshness: Freshness) -> Self {
        Self { answer, freshness }
    }

    pub(crate) fn map<B>(self, make: impl FnOnce(A) -> B) -> Found<B> {
        Found::new(make(self.answer), self.freshness)
    }
}

impl From<Found<Identity>> for Answer {
    fn from(found: Found<Identity>) -> Self {
        found.map(Verdict::Active).into()
    }
}

/// How far an answer may be relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// Young enough to be acted on.
    Fresh,
    /// Young enough to be acted on, and time to renew it in the background.
    Due,
    /// Past its age, within the grace period, and the issuer is out of reach.
    Stale,
}
