use super::Answer;
use crate::check::{InactiveReason, Verdict};

/// What one of several validators says about a token that is no good.
pub(super) struct Refusal<V> {
    /// The validator's place among them.
    place: usize,
    validator: V,
    answer: Answer,
}

impl<V> Refusal<V> {
    pub(super) fn new(place: usize, validator: V, answer: Answer) -> Self {
        Self {
            place,
            validator,
            answer,
        }
    }

    /// Returns the one that tells more: the first, unless it only says that the token is unknown.
    /// The order in which apps are asked does not matter, so it is the same when all remember.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.rank() < self.rank() => other,
            Some(_) | None => self,
        }
    }

    fn rank(&self) -> (bool, usize) {
        let is_unknown = matches!(
            self.answer.verdict,
            Verdict::Inactive(InactiveReason::Unknown)
        );
        (is_unknown, self.place)
    }

    pub(super) fn into_parts(self) -> (V, Answer) {
        (self.validator, self.answer)
    }
}
