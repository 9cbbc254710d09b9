use super::{Decision, Facts, Policy};
use crate::membership::{Group, Membership};

/// Lets everybody in, once it is known to which of some groups they belong. One that the token may
/// not show is none of theirs.
pub(crate) struct Learn(pub(crate) Vec<Group>);

impl Policy for Learn {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let is_unknown = |group: &&Group| {
            let membership = facts.membership(group);
            matches!(membership, None | Some(Membership::TokenRefused))
        };
        let unknown: Vec<Group> = self.0.iter().filter(is_unknown).cloned().collect();
        match unknown.is_empty() {
            true => Decision::Allowed,
            false => Decision::Undecided(unknown),
        }
    }

    fn needs_memberships(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::identity::{Identity, User};
    use crate::scope::Scopes;

    #[test]
    fn nobody_is_let_in_before_it_is_known_where_they_belong_and_everybody_is_then() {
        let groups = ["octo-org", "other"].map(|name| name.parse::<Group>().unwrap());
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Scopes::default());
        let octocat = octocat.unwrap();
        let decide = |said: Option<Membership>| {
            let known = move |group: &Group| match group.as_str() {
                "octo-org" => said.clone(),
                _ => Some(Membership::NotMember),
            };
            let facts = Facts::new(&octocat, &Method::POST, "/");
            Learn(groups.to_vec()).authorize(&facts.with_memberships(&known))
        };
        let undecided = Decision::Undecided(vec![groups[0].clone()]);
        assert_eq!(decide(None), undecided);
        assert_eq!(decide(Some(Membership::TokenRefused)), undecided);
        for said in [
            Membership::Active,
            Membership::NotMember,
            Membership::NotVisible(Scopes::default()),
        ] {
            assert_eq!(decide(Some(said)), Decision::Allowed);
        }
        assert!(Learn(groups.to_vec()).needs_memberships());
        assert!(!Learn(Vec::new()).needs_memberships());
    }
}
