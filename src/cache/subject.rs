use std::hash::Hash;
use std::time::SystemTime;

use super::Purge;
use crate::check::Verdict;
use crate::token::TokenHash;

/// A kind of thing that is asked about, as far as remembering the answers goes.
pub(crate) trait Subject: 'static {
    /// What is asked about.
    type Key: Clone + Eq + Hash + Send + Sync + 'static;
    type Answer: Clone + Send + Sync + 'static;

    /// Returns the token that the answer is about.
    fn token(key: &Self::Key) -> &TokenHash;

    /// Tells whether it is an answer to let somebody in on.
    fn is_active(answer: &Self::Answer) -> bool;

    /// Returns when an active answer ends being one, by the wall clock.
    fn expires_at(answer: &Self::Answer) -> Option<SystemTime>;

    /// Tells whether a purge is about this answer.
    fn is_covered(purge: &Purge, key: &Self::Key, answer: &Self::Answer) -> bool;
}

/// Whether tokens are good, and whose they are.
pub(crate) struct Tokens;

impl Subject for Tokens {
    type Key = TokenHash;
    type Answer = Verdict;

    fn token(hash: &TokenHash) -> &TokenHash {
        hash
    }

    fn is_active(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Active(_))
    }

    fn expires_at(verdict: &Verdict) -> Option<SystemTime> {
        match verdict {
            Verdict::Active(identity) => identity.expires_at(),
            Verdict::Inactive(_) => None,
        }
    }

    fn is_covered(purge: &Purge, hash: &TokenHash, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Active(identity) => purge.covers(hash, identity),
            Verdict::Inactive(_) => purge.covers_refusal(hash),
        }
    }
}
