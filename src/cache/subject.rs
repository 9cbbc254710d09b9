use std::hash::Hash;
use std::time::SystemTime;

use super::Purge;
use crate::check::Verdict;
use crate::identity::Identity;
use crate::membership::{Group, Membership};
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

    /// Tells whether the answer may be remembered at all.
    fn is_lasting(answer: &Self::Answer) -> bool;

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

    fn is_lasting(_: &Verdict) -> bool {
        true
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

/// Whether people belong to groups.
pub(crate) struct Memberships;

/// The answer is what one token may see, so there is one for each.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(crate) struct MembershipKey {
    pub(crate) token: TokenHash,
    pub(crate) group: Group,
}

/// A membership, and whose it is.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) identity: Identity,
    pub(crate) membership: Membership,
}

impl Subject for Memberships {
    type Key = MembershipKey;
    type Answer = Standing;

    fn token(key: &MembershipKey) -> &TokenHash {
        &key.token
    }

    fn is_active(standing: &Standing) -> bool {
        standing.membership == Membership::Active
    }

    /// What is said about the token itself is not for a membership to remember.
    fn is_lasting(standing: &Standing) -> bool {
        standing.membership != Membership::TokenRefused
    }

    fn expires_at(standing: &Standing) -> Option<SystemTime> {
        standing.identity.expires_at()
    }

    fn is_covered(purge: &Purge, key: &MembershipKey, standing: &Standing) -> bool {
        purge.covers(&key.token, &standing.identity)
    }
}
