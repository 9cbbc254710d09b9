use super::{Decision, Denial, Facts, Policy};
use crate::scope::Scopes;

/// Lets in tokens that grant some scopes, by GitHub's containment of scopes.
///
/// The user tokens of GitHub Apps carry no scopes, so this rejects all of them. To let them in, say
/// so, and by which other rule:
///
/// ```
/// use ghes_gatekeeper::policy::{GitHubAppUser, Policy, RequireGroup, RequireScopes};
/// use ghes_gatekeeper::scope::Scopes;
///
/// let scopes = RequireScopes::new(Scopes::parse(["read:org"])?);
/// let app_users = GitHubAppUser.and(RequireGroup::new("octo-org".parse()?));
/// let policy = scopes.or(app_users);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequireScopes {
    required: Scopes,
    how_many: HowMany,
}

#[derive(Clone, Copy, Debug)]
enum HowMany {
    All,
    One,
}

impl RequireScopes {
    /// Asks for all of `required`; a rejected client is told all of them.
    #[must_use]
    pub fn new(required: Scopes) -> Self {
        Self {
            required,
            how_many: HowMany::All,
        }
    }

    /// Asks for one of `accepted`; a rejected client is told the one that grants the least.
    #[must_use]
    pub fn any_of(accepted: Scopes) -> Self {
        Self {
            required: accepted,
            how_many: HowMany::One,
        }
    }

    fn missing(&self) -> Denial {
        match self.how_many {
            HowMany::All => Denial::InsufficientScope(self.required.clone()),
            HowMany::One => match self.required.narrowest() {
                Some(scope) => Denial::InsufficientScope(Scopes::from_iter([scope.clone()])),
                None => Denial::Forbidden,
            },
        }
    }
}

impl Policy for RequireScopes {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let held = facts.identity().scopes();
        let is_enough = match self.how_many {
            HowMany::All => held.grant_all(&self.required),
            HowMany::One => held.grant_any(&self.required),
        };
        if is_enough {
            Decision::Allowed
        } else {
            Decision::Denied(self.missing())
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::identity::{Identity, User};

    fn scopes(names: &[&str]) -> Scopes {
        Scopes::parse(names.iter().copied()).unwrap()
    }

    fn decide(policy: &RequireScopes, held: &[&str]) -> Decision {
        let identity = Identity::new(User::new("octocat", 1), "app", 1, scopes(held)).unwrap();
        policy.authorize(&Facts::new(&identity, &Method::GET, "/"))
    }

    #[test]
    fn all_required_scopes_are_needed() {
        let policy = |required| RequireScopes::new(scopes(required));
        assert_eq!(decide(&policy(&[]), &[]), Decision::Allowed);
        let both = policy(&["read:org", "gist"]);
        assert_eq!(decide(&both, &["admin:org", "gist"]), Decision::Allowed);
        let Decision::Denied(denial) = decide(&both, &["gist"]) else {
            panic!("let in");
        };
        assert_eq!(denial.to_string(), "needs scopes gist, read:org");
        assert_ne!(decide(&policy(&["gist"]), &[]), Decision::Allowed);
    }

    #[test]
    fn one_accepted_scope_is_enough() {
        let policy = RequireScopes::any_of(scopes(&["admin:org", "read:org", "repo"]));
        for held in ["write:org", "repo", "read:org"] {
            assert_eq!(decide(&policy, &[held]), Decision::Allowed, "{held}");
        }
        let missing = Denial::InsufficientScope(scopes(&["read:org"]));
        assert_eq!(decide(&policy, &["gist"]), Decision::Denied(missing));
        let nothing = RequireScopes::any_of(Scopes::default());
        let forbidden = Decision::Denied(Denial::Forbidden);
        assert_eq!(decide(&nothing, &["repo"]), forbidden);
    }
}
