use std::hash::Hash;

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

    /// Returns who is to be let in on an active answer; none if it is another one.
    fn active(answer: &Self::Answer) -> Option<&Identity>;

    /// Makes the active answer again, of which nothing but this is kept.
    fn answer(identity: Identity) -> Self::Answer;

    /// Tells whether an inactive answer may be remembered at all.
    fn is_lasting(answer: &Self::Answer) -> bool;

    /// Tells whether a purge is about an inactive answer.
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

    fn active(verdict: &Verdict) -> Option<&Identity> {
        match verdict {
            Verdict::Active(identity) => Some(identity),
            Verdict::Inactive(_) => None,
        }
    }

    fn answer(identity: Identity) -> Verdict {
        Verdict::Active(identity)
    }

    fn is_lasting(_: &Verdict) -> bool {
        true
    }

    fn is_covered(purge: &Purge, hash: &TokenHash, _: &Verdict) -> bool {
        purge.covers_refusal(hash)
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

    fn active(standing: &Standing) -> Option<&Identity> {
        (standing.membership == Membership::Active).then_some(&standing.identity)
    }

    fn answer(identity: Identity) -> Standing {
        Standing {
            identity,
            membership: Membership::Active,
        }
    }

    /// What is said about the token itself is not for a membership to remember.
    fn is_lasting(standing: &Standing) -> bool {
        standing.membership != Membership::TokenRefused
    }

    /// Whose it is, is known of a "no" as well.
    fn is_covered(purge: &Purge, key: &MembershipKey, standing: &Standing) -> bool {
        purge.covers(&key.token, &standing.identity)
    }
}
