//! Organizations and teams, and the people who belong to them.
//!
//! What *check a token* says about a person ends with their account. Where they belong is asked
//! with their own token, so the answer is what *this token* may see:
//!
//! 1. [`Membership::Active`] and [`Membership::NotMember`]: the issuer knows.
//! 2. [`Membership::NotVisible`]: the issuer knows and does not say, because the token lacks a
//!    scope, or the organization does not let the app look. It is neither yes nor no.
//! 3. [`CheckError`](crate::check::CheckError): the issuer gave no answer. Clients see it as 503 and never as 403.
//!
//! [`policy`](crate::policy) says which groups a request needs; a
//! [`Validator`](crate::validator::Validator) with a [`MembershipService`] asks about them, and
//! remembers the answers.

mod group;
mod groups;

use crate::check::{Answer, AskService, CheckOutcome, CheckPurpose, Question, sealed};
use crate::identity::Identity;
use crate::scope::Scopes;
use crate::token::AccessToken;

pub use self::group::{Group, InvalidGroup};
pub use self::groups::Groups;

/// What the issuer says about a person and a group.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Membership {
    /// A member who has accepted the invitation.
    Active,
    /// Not a member, or no more than invited.
    NotMember,
    /// This token may not see it. One of these scopes would let it; if there are none, no scope
    /// would.
    NotVisible(Scopes),
    /// The issuer no longer takes the token, so that it has to be checked again.
    TokenRefused,
}

impl Membership {
    /// Returns the answer as one lower-case word, for logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.outcome().as_str()
    }
}

/// The question: is the person behind this token a member of a group?
#[derive(Clone, Debug)]
pub struct MembershipRequest {
    token: AccessToken,
    identity: Identity,
    group: Group,
    needs_new: bool,
}

impl MembershipRequest {
    /// Asks with a good `token` whether its person, `identity`, belongs to `group`.
    #[must_use]
    pub fn new(token: AccessToken, identity: Identity, group: Group) -> Self {
        Self {
            token,
            identity,
            group,
            needs_new: false,
        }
    }

    /// Returns the token to ask with.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns the user of the token.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the group that is asked about.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Tells whether only the issuer itself will do, as of a
    /// [`CheckRequest`](crate::check::CheckRequest::needs_new).
    #[must_use]
    pub fn needs_new(&self) -> bool {
        self.needs_new
    }

    pub(crate) fn with_needs_new(mut self, needs_new: bool) -> Self {
        self.needs_new = needs_new;
        self
    }
}

impl sealed::Sealed for MembershipRequest {}

impl Question for MembershipRequest {
    type Answer = Membership;

    fn token(&self) -> &AccessToken {
        &self.token
    }

    fn purpose(&self) -> CheckPurpose {
        CheckPurpose::Membership
    }
}

impl Answer for Membership {
    fn outcome(&self) -> CheckOutcome {
        match self {
            Self::Active => CheckOutcome::Member,
            Self::NotMember => CheckOutcome::NotMember,
            Self::NotVisible(_) => CheckOutcome::NotVisible,
            Self::TokenRefused => CheckOutcome::TokenRefused,
        }
    }
}

/// A service that asks a token's issuer where its person belongs.
///
/// Essentially an alias for `Service<MembershipRequest, Response = Membership>`, as
/// [`CheckService`](crate::check::CheckService) is one for checks.
pub trait MembershipService: AskService<MembershipRequest> {}

impl<S: AskService<MembershipRequest>> MembershipService for S {}
