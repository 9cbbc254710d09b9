//! The seam between the gate and the issuer that can tell a good token from a bad one.
//!
//! A check is a [`tower::Service`], so that timeouts, retries, limits and breakers around it are
//! ordinary layers. It has three outcomes, in types that cannot be mixed up:
//!
//! 1. [`Verdict::Active`]: the issuer knows the token, and names its user.
//! 2. [`Verdict::Inactive`]: the issuer says that the token is no good.
//! 3. [`CheckError`]: the issuer gave no answer. It says nothing about the token, so it logs no
//!    user out, and nothing is remembered.
//!
//! An answer is as new as its question, unless the service says [from when](Told) it is. Questions
//! about [memberships](crate::membership) go by the same seam, [`AskService`].

mod error;
mod kind;
mod outcome;
mod service;
mod told;

use crate::identity::Identity;
use crate::token::{AccessToken, TokenKind};

pub use self::error::CheckError;
pub use self::kind::CheckErrorKind;
pub(crate) use self::outcome::Answer;
pub use self::outcome::CheckOutcome;
pub(crate) use self::service::sealed;
pub use self::service::{AskService, Question};
pub use self::told::Told;

/// The question: is this token good, and was it issued to our app?
#[derive(Clone, Debug)]
pub struct CheckRequest {
    token: AccessToken,
    purpose: CheckPurpose,
    needs_new: bool,
}

impl CheckRequest {
    /// Asks about a `token` of which nothing is known.
    #[must_use]
    pub fn new(token: AccessToken) -> Self {
        Self {
            token,
            purpose: CheckPurpose::Admission,
            needs_new: false,
        }
    }

    /// Asks again about a `token` that was good when it was last asked about.
    #[must_use]
    pub fn renewal(token: AccessToken) -> Self {
        Self {
            token,
            purpose: CheckPurpose::Renewal,
            needs_new: false,
        }
    }

    /// Returns the token to be checked.
    #[must_use]
    pub fn token(&self) -> &AccessToken {
        &self.token
    }

    /// Returns what the answer is for.
    #[must_use]
    pub fn purpose(&self) -> CheckPurpose {
        self.purpose
    }

    /// Tells whether only the issuer itself will do: a service that remembers answers has given one
    /// that is too old, or from before a purge.
    #[must_use]
    pub fn needs_new(&self) -> bool {
        self.needs_new
    }

    pub(crate) fn with_needs_new(mut self, needs_new: bool) -> Self {
        self.needs_new = needs_new;
        self
    }
}

impl sealed::Sealed for CheckRequest {}

impl Question for CheckRequest {
    type Answer = Verdict;

    fn token(&self) -> &AccessToken {
        &self.token
    }

    fn purpose(&self) -> CheckPurpose {
        self.purpose
    }
}

/// What a check is for: where the issuer's capacity is short, known people come first.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CheckPurpose {
    /// An unknown token. A client can make up any number of them.
    Admission,
    /// A token that was good not long ago.
    Renewal,
    /// Where the person behind a good token belongs; of a
    /// [`MembershipRequest`](crate::membership::MembershipRequest).
    Membership,
}

/// The issuer's answer about a token.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The token is good and was issued to our app.
    Active(Identity),
    /// The token is no good.
    Inactive(InactiveReason),
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InactiveReason {
    /// The token's `expires_at` has passed.
    Expired,
    /// The token belongs to no user.
    NoUser,
    /// The issuer does not know the token, or knows it as another app's.
    Unknown,
    /// The issuer refused the token as input.
    Unprocessable,
    /// The token's prefix says that it is none of an app on behalf of a user.
    WrongKind(TokenKind),
}

impl InactiveReason {
    /// Returns the reason as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NoUser => "no_user",
            Self::Unknown => "invalid",
            Self::Unprocessable => "unprocessable",
            Self::WrongKind(_) => "wrong_kind",
        }
    }
}

/// A service that asks a token's issuer about it: an [`AskService`] for checks.
///
/// Essentially an alias for `Service<CheckRequest, Response = Verdict>`.
pub trait CheckService: AskService<CheckRequest> {}

impl<S: AskService<CheckRequest>> CheckService for S {}
