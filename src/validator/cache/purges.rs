use std::collections::VecDeque;

use tokio::time::Instant;

use super::{Purge, Subject};
use crate::check::Told;

/// The purges so far, so that an answer from before one is not stored after it.
#[derive(Default)]
pub(super) struct Purges {
    count: u64,
    latest: VecDeque<(Purge, Instant)>,
    /// When the last of those was that are no longer known.
    unknown_until: Option<Instant>,
}

impl Purges {
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn push(&mut self, purge: Purge, now: Instant) {
        if self.latest.len() == KEPT
            && let Some((_, at)) = self.latest.pop_front()
        {
            self.unknown_until = Some(at);
        }
        self.latest.push_back((purge, now));
        self.count += 1;
    }

    /// Tells whether a purge after the first `since` was about this answer, or one after the moment
    /// that the answer is from. Of those too long ago to be known, each is taken to be.
    pub(super) fn cover<T: Subject>(
        &self,
        since: u64,
        key: &T::Key,
        told: &Told<T::Answer>,
    ) -> bool {
        let missed = usize::try_from(self.count - since).unwrap_or(usize::MAX);
        let is_before = |at: Instant| told.as_of().is_some_and(|as_of| as_of <= at);
        let mut latest = self.latest.iter().rev().enumerate();
        missed > self.latest.len()
            || self.unknown_until.is_some_and(is_before)
            || latest.any(|(after, (purge, at))| {
                (after < missed || is_before(*at)) && is_about::<T>(purge, key, told.answer())
            })
    }
}

fn is_about<T: Subject>(purge: &Purge, key: &T::Key, answer: &T::Answer) -> bool {
    match T::active(answer) {
        Some(identity) => purge.covers(T::token(key), identity),
        None => T::is_covered(purge, key, answer),
    }
}

/// A check takes seconds at most; more purges than this within them only cause another check.
const KEPT: usize = 256;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::check::Verdict;
    use crate::identity::{Identity, User};
    use crate::scope::Scopes;
    use crate::token::TokenHash;
    use crate::validator::cache::Tokens;

    fn identity() -> Identity {
        Identity::new(User::new("octocat", 1), "app", 7, Scopes::default()).unwrap()
    }

    fn active() -> Told<Verdict> {
        Verdict::Active(identity()).into()
    }

    #[test]
    fn each_purge_covers_what_it_names_and_nothing_else() {
        let (hash, other) = (TokenHash::of("a"), TokenHash::of("b"));
        for (purge, covers, refusal) in [
            (Purge::All, true, true),
            (Purge::Authorization(7), true, false),
            (Purge::Authorization(1), false, false),
            (Purge::ClientId("app".into()), true, false),
            (Purge::ClientId("App".into()), false, false),
            (Purge::Token(hash), true, true),
            (Purge::Token(other), false, false),
            (Purge::User(1), true, false),
            (Purge::User(7), false, false),
        ] {
            assert_eq!(purge.covers(&hash, &identity()), covers, "{purge:?}");
            assert_eq!(purge.covers_refusal(&hash), refusal, "{purge:?}");
        }
    }

    #[test]
    fn a_purge_counts_from_the_question_on() {
        let hash = TokenHash::of("a");
        let mut purges = Purges::default();
        purges.push(Purge::User(1), Instant::now());
        let since = purges.count();
        assert!(!purges.cover::<Tokens>(since, &hash, &active()));
        purges.push(Purge::User(2), Instant::now());
        assert!(!purges.cover::<Tokens>(since, &hash, &active()));
        purges.push(Purge::User(1), Instant::now());
        assert!(purges.cover::<Tokens>(since, &hash, &active()));
    }

    #[test]
    fn purges_that_are_no_longer_known_cover_everything() {
        let mut purges = Purges::default();
        for _ in 0..=KEPT {
            purges.push(Purge::User(2), Instant::now());
        }
        assert!(purges.cover::<Tokens>(0, &TokenHash::of("a"), &active()));
        assert!(!purges.cover::<Tokens>(1, &TokenHash::of("a"), &active()));
    }

    #[test]
    fn a_purge_is_about_every_answer_from_before_it() {
        let (hash, purged_at) = (TokenHash::of("a"), Instant::now());
        let moment = Duration::from_nanos(1);
        let from = |as_of| Told::at(as_of, Verdict::Active(identity()));
        let mut purges = Purges::default();
        purges.push(Purge::User(1), purged_at);
        purges.push(Purge::User(2), purged_at + moment);
        let since = purges.count();
        for (as_of, is_covered) in [
            (purged_at - moment, true),
            (purged_at, true),
            // By the second purge it would be, if that were about the same person.
            (purged_at + moment, false),
        ] {
            let covered = purges.cover::<Tokens>(since, &hash, &from(as_of));
            assert_eq!(covered, is_covered, "{as_of:?}");
        }
        // All but the second are forgotten by count; by time none is about this.
        for _ in 0..KEPT {
            purges.push(Purge::User(3), purged_at + moment * 2);
        }
        let since = purges.count();
        assert!(purges.cover::<Tokens>(since, &hash, &from(purged_at + moment)));
        assert!(!purges.cover::<Tokens>(since, &hash, &from(purged_at + moment * 2)));
        assert!(!purges.cover::<Tokens>(since, &hash, &active()));
    }
}
