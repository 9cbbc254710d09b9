use std::fmt;

use tokio::time::Instant;

/// An answer of an issuer, and the moment that it is from.
///
/// A client of the issuer says what is true now: every answer converts into that. A service that
/// remembers answers, such as a cache that several gates share, says [when](Self::at) the issuer
/// gave them, so that their ages count from there: an answer lives as long in the second cache as
/// in the first, and not as long again.
///
/// A moment later than the question counts as that of the question. When the issuer looked while it
/// was being asked is not known, so the earliest moment is the safe one; and a clock that is wrong
/// makes no answer live longer than one that was asked for just now.
#[derive(Clone)]
pub struct Told<A> {
    answer: A,
    /// None: as new as the question.
    as_of: Option<Instant>,
}

impl<A> Told<A> {
    /// Says what the issuer answers now.
    #[must_use]
    pub fn now(answer: A) -> Self {
        let as_of = None;
        Self { answer, as_of }
    }

    /// Says what the issuer answered to a question that was sent at `as_of`.
    #[must_use]
    pub fn at(as_of: Instant, answer: A) -> Self {
        let as_of = Some(as_of);
        Self { answer, as_of }
    }

    /// Returns the answer.
    #[must_use]
    pub fn answer(&self) -> &A {
        &self.answer
    }

    /// Returns the answer without its moment.
    #[must_use]
    pub fn into_answer(self) -> A {
        self.answer
    }

    /// Returns the moment that the answer is from; none if it is as new as the question.
    #[must_use]
    pub fn as_of(&self) -> Option<Instant> {
        self.as_of
    }

    /// Makes another answer of it, from the same moment.
    pub(crate) fn map<B>(self, make: impl FnOnce(A) -> B) -> Told<B> {
        Told {
            answer: make(self.answer),
            as_of: self.as_of,
        }
    }

    /// Says that it is as new as the question that was sent at `asked_at`, unless it is older.
    pub(crate) fn no_later_than(self, asked_at: Instant) -> Self {
        Self {
            as_of: self.as_of.filter(|as_of| *as_of < asked_at),
            ..self
        }
    }
}

/// What the issuer answers now.
impl<A> From<A> for Told<A> {
    fn from(answer: A) -> Self {
        Self::now(answer)
    }
}

impl<A: fmt::Debug> fmt::Debug for Told<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("answer", &self.answer)
            .field("as_of", &self.as_of)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_answer_is_later_than_its_question() {
        let asked_at = Instant::now();
        let moment = Duration::from_nanos(1);
        let (before, after) = (asked_at - moment, asked_at + moment);
        for (told, expected) in [
            (Told::now(()), None),
            (Told::at(after, ()), None),
            (Told::at(asked_at, ()), None),
            (Told::at(before, ()), Some(before)),
        ] {
            assert_eq!(told.no_later_than(asked_at).as_of(), expected);
        }
    }
}
