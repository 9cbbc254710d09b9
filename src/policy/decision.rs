use std::fmt;

use crate::membership::Group;
use crate::scope::Scopes;

/// The decision of a policy about a request.
///
/// Joined by Kleene's three-valued logic, in which the last two are the value between true and
/// false.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Decision {
    /// The request may pass.
    Allowed,
    /// It may not.
    Denied(Denial),
    /// It depends on whether the person belongs to some of these groups, which is not known yet.
    Undecided(Vec<Group>),
    /// It depends on a fact that this token may not show, so the request may not pass.
    ///
    /// The opposite policy rejects it as well.
    Obscured(Denial),
}

impl Decision {
    /// Joins two decisions that are both needed.
    ///
    /// ```
    /// use ghes_gatekeeper::policy::{Decision, Denial};
    ///
    /// let forbidden = Decision::Denied(Denial::Forbidden);
    /// let undecided = Decision::Undecided(vec!["octo-org".parse()?]);
    /// assert_eq!(undecided.clone().and(forbidden.clone()), forbidden);
    /// assert_eq!(undecided.clone().and(Decision::Allowed), undecided);
    /// # Ok::<_, ghes_gatekeeper::membership::InvalidGroup>(())
    /// ```
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allowed, other) | (other, Self::Allowed) => other,
            (Self::Denied(one), Self::Denied(other)) => Self::Denied(one.and(other)),
            (Self::Denied(denial), _) | (_, Self::Denied(denial)) => Self::Denied(denial),
            (Self::Undecided(one), Self::Undecided(other)) => Self::undecided(one, other),
            (Self::Undecided(groups), _) | (_, Self::Undecided(groups)) => Self::Undecided(groups),
            (Self::Obscured(one), Self::Obscured(other)) => Self::Obscured(one.and(other)),
        }
    }

    /// Joins two decisions if one of them is enough.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Allowed, _) | (_, Self::Allowed) => Self::Allowed,
            (Self::Denied(one), Self::Denied(other)) => Self::Denied(one.or(other)),
            (Self::Undecided(one), Self::Undecided(other)) => Self::undecided(one, other),
            (Self::Undecided(groups), _) | (_, Self::Undecided(groups)) => Self::Undecided(groups),
            (
                Self::Obscured(one) | Self::Denied(one),
                Self::Obscured(other) | Self::Denied(other),
            ) => Self::Obscured(one.or(other)),
        }
    }

    /// Returns whether no decision joined by [`and`](Self::and) changes it.
    pub(super) fn ends_all(&self) -> bool {
        *self == Self::Denied(Denial::Forbidden)
    }

    fn undecided(mut one: Vec<Group>, other: Vec<Group>) -> Self {
        for group in other {
            if !one.contains(&group) {
                one.push(group);
            }
        }
        Self::Undecided(one)
    }
}

/// A fact that cannot be known is not known for the opposite either.
impl std::ops::Not for Decision {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Allowed => Self::Denied(Denial::Forbidden),
            Self::Denied(_) => Self::Allowed,
            undecided @ (Self::Undecided(_) | Self::Obscured(_)) => undecided,
        }
    }
}

impl From<Result<(), Denial>> for Decision {
    fn from(result: Result<(), Denial>) -> Self {
        match result {
            Ok(()) => Self::Allowed,
            Err(denial) => Self::Denied(denial),
        }
    }
}

/// Why a policy rejected a request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Denial {
    /// This person may not, whatever the token.
    Forbidden,
    /// The token lacks one of these scopes; another token of the same person may do.
    InsufficientScope(Scopes),
}

impl Denial {
    /// Names the scopes that both need. If one denial is not about scopes, no scope helps.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::InsufficientScope(one), Self::InsufficientScope(other)) => {
                Self::InsufficientScope(one.iter().chain(other.iter()).cloned().collect())
            }
            _ => Self::Forbidden,
        }
    }

    /// Names the scopes that would have been enough.
    fn or(self, other: Self) -> Self {
        match self {
            Self::Forbidden => other,
            Self::InsufficientScope(_) => self,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden => f.write_str("not allowed"),
            Self::InsufficientScope(required) => write!(f, "needs scopes {}", required.join(", ")),
        }
    }
}

impl std::error::Error for Denial {}
