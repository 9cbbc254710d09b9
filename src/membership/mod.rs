//! Organizations and teams, and whether somebody belongs to them.
//!
//! What *check a token* says about a person ends with their account. Where they belong is asked
//! with their own token, so the answer is what *this token* may see:
//!
//! 1. [`Membership::Active`] and [`Membership::NotMember`]: the issuer knows.
//! 2. [`Membership::NotVisible`]: the issuer knows and does not say, because the token lacks a
//!    scope, or the organization does not let the app look. It is neither yes nor no.
//! 3. [`CheckError`]: the issuer gave no answer. Clients see it as 503 and never as 403.
//!
//! [`policy`](crate::policy) says which groups a request needs; a
//! [`Validator`](crate::validator::Validator) with a [`MembershipService`] asks about them, and
//! remembers the answers.

mod group;
mod groups;

use tower::{BoxError, Service};

use crate::check::CheckError;
use crate::identity::Identity;
use crate::scope::Scopes;
use crate::token::AccessToken;

pub use self::group::{Group, InvalidGroup};
pub use self::groups::Groups;

/// What the issuer says about somebody and a group.
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
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Active => "member",
            Self::NotMember => "not_member",
            Self::NotVisible(_) => "not_visible",
            Self::TokenRefused => "token_refused",
        }
    }
}

/// The question: is the person behind this token a member of a group?
#[derive(Clone, Debug)]
pub struct MembershipRequest {
    token: AccessToken,
    identity: Identity,
    group: Group,
}

impl MembershipRequest {
    /// Asks with a good `token` whether its person, `identity`, belongs to `group`.
    #[must_use]
    pub fn new(token: AccessToken, identity: Identity, group: Group) -> Self {
        Self {
            token,
            identity,
            group,
        }
    }

    /// Returns the token to ask with.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns whose token it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the group that is asked about.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }
}

/// A service that asks a token's issuer where its person belongs.
///
/// Essentially an alias for `Service<MembershipRequest, Response = Membership>`, as
/// [`CheckService`](crate::check::CheckService) is one for checks.
pub trait MembershipService: sealed::Sealed + Clone + Send + Sync + 'static {
    /// Waits until the service is ready, then asks.
    ///
    /// # Errors
    ///
    /// Returns [`CheckError`] if there is no answer; an error of another type, as layers add
    /// them, becomes the source of one.
    fn membership(
        self,
        request: MembershipRequest,
    ) -> impl Future<Output = Result<Membership, CheckError>> + Send;
}

impl<S> MembershipService for S
where
    S: Service<MembershipRequest, Response = Membership> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn membership(self, request: MembershipRequest) -> Result<Membership, CheckError> {
        tower::util::Oneshot::new(self, request)
            .await
            .map_err(|error| CheckError::from_boxed(error.into()))
    }
}

#[expect(unnameable_types, reason = "naming it would unseal the trait")]
mod sealed {
    use super::{MembershipRequest, Service};

    pub trait Sealed {}

    impl<S: Service<MembershipRequest>> Sealed for S {}
}
