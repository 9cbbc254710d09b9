use http::Response;

use crate::rejection::{Rejection, RejectionKind};

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The token was valid, and an upstream answered.
    Allowed,
    /// No token was required, and an upstream answered.
    Anonymous,
    /// The gate only observed; it would have turned the request away, and an upstream answered.
    Observed,
    Rejected(RejectionKind),
}

impl Outcome {
    pub(super) const COUNT: usize = 3 + RejectionKind::ALL.len();

    /// Returns the outcome of a request that the gate has admitted or rejected.
    pub(crate) fn of<B>(response: &Response<B>) -> Self {
        match response.extensions().get::<Rejection>() {
            Some(rejection) => Self::Rejected(rejection.kind()),
            None => Self::Allowed,
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        let rejected = RejectionKind::ALL.into_iter().map(Self::Rejected);
        let passed = [Self::Allowed, Self::Anonymous, Self::Observed];
        passed.into_iter().chain(rejected)
    }

    /// The index in [`all`](Self::all), without a search.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Allowed => 0,
            Self::Anonymous => 1,
            Self::Observed => 2,
            Self::Rejected(kind) => 3 + kind as usize,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Anonymous => "anonymous",
            Self::Observed => "observed",
            Self::Rejected(kind) => kind.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_outcome_has_a_place_and_a_word_of_its_own() {
        for (at, outcome) in Outcome::all().enumerate() {
            assert_eq!(outcome.index(), at, "{outcome:?}");
        }
        let words: HashSet<_> = Outcome::all().map(Outcome::as_str).collect();
        assert_eq!(words.len(), Outcome::COUNT);
    }
}
