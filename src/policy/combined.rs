//! Policies made of other policies.

use std::fmt;

use super::{Decision, Denial, Facts, Policy};

/// Lets in people if all of some policies let them in; without any policy, everyone.
///
/// If only scopes are missing, the client is told all of them.
#[derive(Default)]
#[must_use]
pub struct All(Vec<Box<dyn Policy>>);

impl All {
    /// Adds a policy.
    pub fn with(mut self, policy: impl Policy) -> Self {
        self.0.push(Box::new(policy));
        self
    }
}

impl Policy for All {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let mut joined = Decision::Allowed;
        for policy in &self.0 {
            joined = joined.and(policy.authorize(facts));
            if joined.ends_all() {
                break;
            }
        }
        joined
    }

    fn needs_memberships(&self) -> bool {
        self.0.iter().any(|policy| policy.needs_memberships())
    }
}

/// Lets in people if at least one of some policies lets them in; without any, no one.
///
/// A rejected client is told the scopes that the first policy needs.
#[derive(Default)]
#[must_use]
pub struct Any(Vec<Box<dyn Policy>>);

impl Any {
    /// Adds a policy.
    pub fn with(mut self, policy: impl Policy) -> Self {
        self.0.push(Box::new(policy));
        self
    }
}

impl Policy for Any {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let mut joined = Decision::Denied(Denial::Forbidden);
        for policy in &self.0 {
            joined = joined.or(policy.authorize(facts));
            if joined == Decision::Allowed {
                break;
            }
        }
        joined
    }

    fn needs_memberships(&self) -> bool {
        self.0.iter().any(|policy| policy.needs_memberships())
    }
}

/// Lets in the people that another policy rejects, and the other way round.
///
/// If the other policy depends on a membership that the token may not show, this rejects, too.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Not<P>(P);

impl<P: Policy> Not<P> {
    /// Reverses a policy.
    pub fn new(policy: P) -> Self {
        Self(policy)
    }
}

impl<P: Policy> Policy for Not<P> {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        !self.0.authorize(facts)
    }

    fn needs_memberships(&self) -> bool {
        self.0.needs_memberships()
    }
}

impl<P: Policy> FromIterator<P> for All {
    fn from_iter<I: IntoIterator<Item = P>>(policies: I) -> Self {
        policies.into_iter().fold(Self::default(), Self::with)
    }
}

impl<P: Policy> FromIterator<P> for Any {
    fn from_iter<I: IntoIterator<Item = P>>(policies: I) -> Self {
        policies.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "All({} policies)", self.0.len())
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Any({} policies)", self.0.len())
    }
}
