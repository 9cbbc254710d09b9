use http::Method;

use crate::identity::Identity;
use crate::policy::{Denial, Policy, RequireScopes};
use crate::proxy::config::RouteConfig;
use crate::scope::{Scope, Scopes};

/// The scopes that a route asks for: all of some, and one of others.
pub(super) struct RouteScopes {
    all: RequireScopes,
    any: Vec<Scope>,
}

impl RouteScopes {
    pub(super) fn of(route: &RouteConfig) -> Self {
        Self {
            all: RequireScopes::new(route.scopes.clone()),
            any: route.scopes_any.clone(),
        }
    }
}

impl Policy for RouteScopes {
    fn authorize(&self, identity: &Identity, method: &Method, path: &str) -> Result<(), Denial> {
        self.all.authorize(identity, method, path)?;
        let Some(first) = self.any.first() else {
            return Ok(());
        };
        if self.any.iter().any(|scope| identity.scopes().grant(scope)) {
            return Ok(());
        }
        // A client that is told all of them would ask its user for all of them.
        let enough = Scopes::from_iter([first.clone()]);
        Err(Denial::InsufficientScope(enough))
    }
}
