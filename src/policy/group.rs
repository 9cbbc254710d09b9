use super::{Decision, Denial, Facts, Policy};
use crate::membership::{Group, Membership};
use crate::scope::Scopes;

/// Lets in the members of an organization or a team.
///
/// If the token may not show the membership, the client is told the missing scope, such as
/// `read:org`.
#[derive(Clone, Debug)]
pub struct RequireGroup(Group);

impl RequireGroup {
    /// Asks for membership in `group`.
    #[must_use]
    pub fn new(group: Group) -> Self {
        Self(group)
    }
}

impl Policy for RequireGroup {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        match facts.membership(&self.0) {
            Some(Membership::Active) => Decision::Allowed,
            Some(Membership::NotMember) => Decision::Denied(Denial::Forbidden),
            Some(Membership::NotVisible(accepted)) => Decision::Obscured(not_visible(&accepted)),
            // Only a new check of the token can tell.
            Some(Membership::TokenRefused) | None => Decision::Undecided(vec![self.0.clone()]),
        }
    }

    fn needs_memberships(&self) -> bool {
        true
    }
}

/// One scope is enough, so the client is told the one that grants the least.
fn not_visible(accepted: &Scopes) -> Denial {
    match accepted.narrowest() {
        Some(scope) => Denial::InsufficientScope(Scopes::from_iter([scope.clone()])),
        None => Denial::Forbidden,
    }
}
