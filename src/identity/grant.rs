use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderValue;

use super::Identity;
use super::texts::Texts;
use crate::scope::Scopes;

/// What an app was granted: its client id and scopes.
///
/// Most tokens of an app have the same, so that remembered identities [share](Grants) it.
#[derive(Clone)]
pub(super) struct Grant(Arc<Granted>);

struct Granted {
    client_id: HeaderValue,
    scopes: Scopes,
    joined_scopes: HeaderValue,
}

impl Grant {
    /// # Panics
    ///
    /// Panics if the client id may not stand in a header.
    pub(super) fn new(client_id: &str, scopes: Scopes) -> Self {
        let end = client_id.len();
        let texts = Texts::new(&[client_id, &scopes.join(", ")]);
        Self(Arc::new(Granted {
            client_id: texts.header_at(0..end),
            scopes,
            joined_scopes: texts.header_at(end..texts.len()),
        }))
    }

    pub(super) fn client_id(&self) -> &HeaderValue {
        &self.0.client_id
    }

    pub(super) fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    pub(super) fn joined_scopes(&self) -> &HeaderValue {
        &self.0.joined_scopes
    }
}

impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        self.scopes() == other.scopes() && self.client_id() == other.client_id()
    }
}

/// The grants seen last, so that identities which are kept hold each of them once.
#[derive(Default)]
pub(crate) struct Grants(VecDeque<Grant>);

impl Grants {
    /// Returns the same identity, with the grant of an earlier one if that is equal.
    pub(crate) fn share(&mut self, identity: &Identity) -> Identity {
        let own = identity.grant();
        if let Some(known) = self.0.iter().find(|known| *known == own) {
            return identity.sharing(known);
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(own.clone());
        identity.clone()
    }
}

/// More than apps ask for in different ways; comparing as many takes little beside a check.
const KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::User;

    fn identity(id: u64, client_id: &str, scopes: &[&str]) -> Identity {
        let scopes = Scopes::parse(scopes.iter().copied()).unwrap();
        Identity::new(User::new("octocat", id), client_id, 7, scopes).unwrap()
    }

    fn are_shared(one: &Identity, other: &Identity) -> bool {
        Arc::ptr_eq(&one.grant().0, &other.grant().0)
    }

    #[test]
    fn only_an_equal_grant_is_shared_and_nothing_else_changes() {
        let mut grants = Grants::default();
        let first = grants.share(&identity(1, "app", &["repo", "zeta"]));
        for (client_id, scopes, shared) in [
            ("app", ["repo", "zeta"], true),
            ("App", ["repo", "zeta"], false),
            ("app", ["user", "zeta"], false),
            ("app", ["repo", "beta"], false),
        ] {
            let own = identity(2, client_id, &scopes);
            let kept = grants.share(&own);
            assert_eq!(are_shared(&kept, &first), shared, "{client_id} {scopes:?}");
            assert_eq!(format!("{kept:?}"), format!("{own:?}"));
        }
    }

    #[test]
    fn no_more_grants_are_kept_than_apps_need() {
        let mut grants = Grants::default();
        let first = grants.share(&identity(1, "app", &[]));
        for app in 1..=KEPT {
            assert!(are_shared(&first, &grants.share(&identity(1, "app", &[]))));
            grants.share(&identity(1, &format!("app{app}"), &[]));
        }
        assert_eq!(grants.0.len(), KEPT);
        assert!(!are_shared(&first, &grants.share(&identity(1, "app", &[]))));
    }
}
