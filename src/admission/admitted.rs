use std::time::SystemTime;

use http::Method;

use super::Inner;
use crate::bearer::BearerToken;
use crate::check::{CheckService, InactiveReason};
use crate::identity::Identity;
use crate::membership::{Group, Groups};
use crate::policy::{Decision, Denial, Facts};
use crate::rejection::{Denied, Rejection};
use crate::validator::cache::Found;
use crate::validator::{Freshness, KnownMemberships};

/// A person who may do what the request asks for.
pub(crate) struct Admitted {
    pub(crate) identity: Identity,
    pub(crate) freshness: Freshness,
    /// The groups to which the person was found to belong; none unless that is wanted and there is
    /// such a group. Boxed, because it is rarely wanted.
    pub(crate) groups: Option<Box<Groups>>,
}

/// Why a request with an active token is not admitted.
pub(super) enum Turned {
    Away(Rejection),
    Undecided(Undecided),
}

/// A good token, and the groups that decide about its request.
pub(super) struct Undecided {
    pub(super) identity: Identity,
    pub(super) freshness: Freshness,
    pub(super) groups: Vec<Group>,
}

impl<C: CheckService> Inner<C> {
    /// Decides about a request with an active token. Remembered and fresh verdicts and memberships
    /// all come through here, so they cannot differ.
    #[inline(always)]
    pub(super) fn admit(
        &self,
        found: Found<Identity>,
        token: &BearerToken<'_>,
        known: &KnownMemberships<'_>,
        method: &Method,
        path: &str,
    ) -> Result<Admitted, Turned> {
        let Found {
            answer: identity,
            freshness,
        } = found;
        if is_past(identity.expires_at()) {
            return Err(Turned::Away(InactiveReason::Expired.into()));
        }
        let facts = Facts::new(&identity, method, path)
            .with_token_kind(token.kind())
            .with_memberships(known);
        if self.wants_groups {
            known.note_active();
        }
        let decision = self.policy.authorize(&facts);
        if known.has_due() {
            known.renew_due(token, &identity);
        }
        match decision {
            Decision::Allowed => Ok(Admitted {
                identity,
                freshness,
                groups: match self.wants_groups {
                    true => known.take_active(),
                    false => None,
                },
            }),
            Decision::Denied(denial) | Decision::Obscured(denial) => {
                let rejection = self.denied(&facts, denial);
                Err(Turned::Away(rejection))
            }
            Decision::Undecided(groups) => Err(Turned::Undecided(Undecided {
                identity,
                freshness,
                groups,
            })),
        }
    }
}

impl<C> Inner<C> {
    /// Apart, so that who is admitted has no part in it.
    #[cold]
    #[inline(never)]
    fn denied(&self, facts: &Facts<'_>, denial: Denial) -> Rejection {
        Rejection::from(denial).of(Denied {
            identity: facts.identity().clone(),
            rule: self.policy.rejecting_rule(facts),
        })
    }
}

/// By the wall clock, beside the deadline that the cache keeps by the monotonic one: whichever
/// says so first.
fn is_past(expires_at: Option<SystemTime>) -> bool {
    expires_at.is_some_and(|at| at <= SystemTime::now())
}
