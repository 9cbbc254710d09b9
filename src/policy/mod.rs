//! Rules for the people with good tokens.
//!
//! A policy is a pure function of [`Facts`]: what GHES confirmed, and the request's method and
//! path. It runs on every request, remembered token or not, and its decision is never cached.
//!
//! | policy | lets in |
//! |---|---|
//! | [`AnyUser`] | everyone with a good token |
//! | [`RequireScopes`] | tokens with all of some scopes, or with one of them |
//! | [`GitHubAppUser`] | tokens of GitHub Apps, which never have scopes |
//! | [`RequireUser`] | people by login or id |
//! | [`RequireSiteAdmin`] | administrators of the GHES instance |
//! | [`RequireAccountType`] | people, bots, … |
//! | [`RequireGroup`] | members of an organization or a team |
//! | [`ByPath`] | the people that the policy of the longest matching path lets in |
//! | [`All`], [`Any`], [`Not`] | combinations of others; see [`Policy::and`] and its like |
//! | [`from_fn`], any `Fn(&Identity, &Method, &str) -> Result<(), Denial>` | the people you choose |
//!
//! # Memberships
//!
//! The gate asks for a membership only if the decision depends on it, so a policy may find that it
//! [cannot decide yet](Decision::Undecided). Decisions are joined by Kleene's logic of three
//! values: `user.or(team)` asks about no team if the user matches, and `scopes.and(team)` about
//! none if a scope is missing.
//!
//! A membership that a token [may not show](crate::membership::Membership::NotVisible) is neither
//! true nor false, and stays so under [`Not`]: no one gets in because the issuer hid a membership
//! that would keep them out.
//!
//! ```
//! use ghes_gatekeeper::identity::{Identity, User};
//! use ghes_gatekeeper::membership::{Group, Membership};
//! use ghes_gatekeeper::policy::{Decision, Facts, Policy, RequireGroup, RequireUser};
//! use http::Method;
//!
//! let platform: Group = "octo-org/platform".parse()?;
//! let policy = RequireUser::by_login(["hubot"]).or(RequireGroup::new(platform.clone()));
//!
//! let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default())?;
//! let facts = Facts::new(&octocat, &Method::GET, "/");
//! assert_eq!(policy.authorize(&facts), Decision::Undecided(vec![platform]));
//! let member = |_: &Group| Some(Membership::Active);
//! assert_eq!(policy.authorize(&facts.with_memberships(&member)), Decision::Allowed);
//!
//! let hubot = Identity::new(User::new("Hubot", 2), "app", 2, Default::default())?;
//! let facts = Facts::new(&hubot, &Method::GET, "/");
//! assert_eq!(policy.authorize(&facts), Decision::Allowed);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod by_path;
mod combined;
mod decision;
mod facts;
mod group;
#[cfg(feature = "session")]
mod learning;
mod people;
mod scopes;

use std::sync::Arc;

use http::Method;

use crate::identity::Identity;

pub use self::by_path::{ByPath, InvalidPolicyPath};
pub use self::combined::{All, Any, Not};
pub use self::decision::{Decision, Denial};
pub use self::facts::{Facts, Memberships};
pub use self::group::RequireGroup;
#[cfg(feature = "session")]
pub(crate) use self::learning::Learn;
pub use self::people::{GitHubAppUser, RequireAccountType, RequireSiteAdmin, RequireUser};
pub use self::scopes::RequireScopes;

/// Decides whether a person may make a request.
///
/// The path is that of the request's target, without the query and unchanged: case-sensitive and
/// percent-encoded. axum's router compares it so too; a service that decodes it first reads
/// `/%61dmin` as `/admin`. So name the paths that are open to many, and require more for
/// everything else.
///
/// Every `Fn(&Identity, &Method, &str) -> Result<(), Denial>` is a policy:
///
/// ```
/// use ghes_gatekeeper::policy::{Decision, Denial, Facts, Policy};
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
/// let decide = |method| admins_write.authorize(&Facts::new(&octocat, method, "/"));
/// assert_eq!(decide(&Method::GET), Decision::Allowed);
/// assert_eq!(decide(&Method::POST), Decision::Denied(Denial::Forbidden));
/// # Ok::<_, ghes_gatekeeper::identity::InvalidIdentity>(())
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Decides, or returns the memberships that the decision depends on.
    ///
    /// It is asked again when they are known, so it must give the same answer to the same facts.
    fn authorize(&self, facts: &Facts<'_>) -> Decision;

    /// Returns whether the decision can depend on a membership.
    ///
    /// A gate without a membership service refuses such a policy when it is built. A policy of your
    /// own that holds a [`RequireGroup`] must return true here; otherwise only a request finds out,
    /// and gets 503.
    fn needs_memberships(&self) -> bool {
        false
    }

    /// Returns the name of the rule by which [`authorize`](Self::authorize) rejects a request, for
    /// the log; none if there are no names, as by default.
    fn rejecting_rule(&self, _facts: &Facts<'_>) -> Option<String> {
        None
    }

    /// Lets in the people that both this and `other` let in.
    fn and(self, other: impl Policy) -> All
    where
        Self: Sized,
    {
        All::default().with(self).with(other)
    }

    /// Lets in the people that this or `other` lets in.
    fn or(self, other: impl Policy) -> Any
    where
        Self: Sized,
    {
        Any::default().with(self).with(other)
    }

    /// Lets in the people that this rejects, and the other way round.
    fn not(self) -> Not<Self>
    where
        Self: Sized,
    {
        Not::new(self)
    }
}

impl<F> Policy for F
where
    F: Fn(&Identity, &Method, &str) -> Result<(), Denial> + Send + Sync + 'static,
{
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        self(facts.identity(), facts.method(), facts.path()).into()
    }
}

impl Policy for Box<dyn Policy> {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        (**self).authorize(facts)
    }

    fn needs_memberships(&self) -> bool {
        (**self).needs_memberships()
    }

    fn rejecting_rule(&self, facts: &Facts<'_>) -> Option<String> {
        (**self).rejecting_rule(facts)
    }
}

impl Policy for Arc<dyn Policy> {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        (**self).authorize(facts)
    }

    fn needs_memberships(&self) -> bool {
        (**self).needs_memberships()
    }

    fn rejecting_rule(&self, facts: &Facts<'_>) -> Option<String> {
        (**self).rejecting_rule(facts)
    }
}

/// Makes a policy of a function of all facts, memberships included.
///
/// ```
/// use ghes_gatekeeper::membership::Group;
/// use ghes_gatekeeper::policy::{Decision, Denial, Facts, RequireGroup, Policy, from_fn};
///
/// // Below /orgs/octo-org/… comes in who belongs to octo-org.
/// let members_only = from_fn(|facts| {
///     let organization = facts.path().strip_prefix("/orgs/").and_then(|rest| rest.split('/').next());
///     match organization.map(Group::of_organization) {
///         Some(Ok(organization)) => RequireGroup::new(organization).authorize(facts),
///         Some(Err(_)) | None => Decision::Denied(Denial::Forbidden),
///     }
/// });
/// # let _: Box<dyn Policy> = Box::new(members_only);
/// ```
pub fn from_fn<F>(decide: F) -> PolicyFn<F>
where
    F: Fn(&Facts<'_>) -> Decision + Send + Sync + 'static,
{
    PolicyFn(decide)
}

/// A policy made by [`from_fn`].
#[derive(Clone, Copy)]
pub struct PolicyFn<F>(F);

impl<F> Policy for PolicyFn<F>
where
    F: Fn(&Facts<'_>) -> Decision + Send + Sync + 'static,
{
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        self.0(facts)
    }
}

impl<F> std::fmt::Debug for PolicyFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyFn").finish_non_exhaustive()
    }
}

/// Lets in everyone with a good token of our app.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct AnyUser;

impl Policy for AnyUser {
    fn authorize(&self, _: &Facts<'_>) -> Decision {
        Decision::Allowed
    }
}
