//! Who of the people with good tokens may do what.
//!
//! A policy is a pure function of what GHES confirmed and of the request's method and path. It
//! runs on every request, remembered token or not, and its decision is never cached.

use std::fmt;

use http::Method;

use crate::identity::Identity;
use crate::scope::Scopes;

/// Decides whether somebody may make a request.
///
/// `path` is the path of the request's target, without the query, as it stands there: with regard
/// to case and percent-encoded. axum's router compares it so too; a service that decodes it first
/// reads `/%61dmin` as `/admin`. So name the paths that are open to many, and let everything else
/// need more.
///
/// Every `Fn(&Identity, &Method, &str) -> Result<(), Denial>` is a policy:
///
/// ```
/// use ghes_gatekeeper::policy::{Denial, Policy};
/// # use ghes_gatekeeper::identity::{Identity, User};
/// # use http::Method;
///
/// let admins_write = |identity: &Identity, method: &Method, _: &str| {
///     if method.is_safe() || identity.user().site_admin() {
///         Ok(())
///     } else {
///         Err(Denial::Forbidden)
///     }
/// };
/// # let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default())?;
/// assert!(admins_write.authorize(&octocat, &Method::GET, "/").is_ok());
/// assert!(admins_write.authorize(&octocat, &Method::POST, "/").is_err());
/// # Ok::<_, ghes_gatekeeper::identity::InvalidIdentity>(())
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Allows the request or says why not.
    ///
    /// # Errors
    ///
    /// Returns the [`Denial`] that the client is told.
    fn authorize(&self, identity: &Identity, method: &Method, path: &str) -> Result<(), Denial>;
}

impl<F> Policy for F
where
    F: Fn(&Identity, &Method, &str) -> Result<(), Denial> + Send + Sync + 'static,
{
    fn authorize(&self, identity: &Identity, method: &Method, path: &str) -> Result<(), Denial> {
        self(identity, method, path)
    }
}

/// Why a policy turned somebody away.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Denial {
    /// This person may not, whatever the token.
    Forbidden,
    /// The token lacks one of these scopes; another token of the same person may do.
    InsufficientScope(Scopes),
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

/// Lets in everybody whose token is good and was issued to our app.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AnyUser;

impl Policy for AnyUser {
    fn authorize(&self, _: &Identity, _: &Method, _: &str) -> Result<(), Denial> {
        Ok(())
    }
}

/// Lets in whoever's token grants all of some scopes, by GitHub's containment of scopes.
///
/// Tokens of GitHub Apps carry no scopes, so this shuts out all of them.
#[derive(Clone, Debug)]
pub struct RequireScopes(Scopes);

impl RequireScopes {
    /// Asks for all of `required`.
    #[must_use]
    pub fn new(required: Scopes) -> Self {
        Self(required)
    }
}

impl Policy for RequireScopes {
    fn authorize(&self, identity: &Identity, _: &Method, _: &str) -> Result<(), Denial> {
        if identity.scopes().grant_all(&self.0) {
            Ok(())
        } else {
            Err(Denial::InsufficientScope(self.0.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;

    fn decide(required: &[&str], held: &[&str]) -> Result<(), Denial> {
        let scopes = |names: &[&str]| Scopes::parse(names.iter().copied()).unwrap();
        let identity = Identity::new(User::new("octocat", 1), "app", 1, scopes(held)).unwrap();
        RequireScopes::new(scopes(required)).authorize(&identity, &Method::GET, "/")
    }

    #[test]
    fn all_required_scopes_are_needed() {
        assert!(decide(&[], &[]).is_ok());
        assert!(decide(&["read:org", "gist"], &["admin:org", "gist"]).is_ok());
        let denial = decide(&["read:org", "gist"], &["gist"]).unwrap_err();
        assert_eq!(denial.to_string(), "needs scopes gist, read:org");
        assert!(decide(&["gist"], &[]).is_err());
    }
}
