use std::time::Duration;

use super::RouteConfig;
use super::people::PeopleConfig;
use super::tokens::TokensConfig;
use crate::scope::{Scope, Scopes};

/// The rule for the people that a route lets in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Admittance {
    /// None where everybody comes in.
    tokens: Option<TokensConfig>,
    scopes: Scopes,
    scopes_any: Vec<Scope>,
    exempt_github_apps: bool,
    people: PeopleConfig,
    max_age: Option<Duration>,
}

impl Admittance {
    pub(crate) fn of(route: &RouteConfig) -> Self {
        Self {
            tokens: route.tokens.clone().filter(|_| !route.anonymous),
            scopes: route.scopes.clone(),
            scopes_any: route.scopes_any.clone(),
            exempt_github_apps: route.exempt_github_apps,
            people: route.people.clone(),
            max_age: route.max_age,
        }
    }

    /// Tells whether everybody comes in.
    pub(crate) fn is_open(&self) -> bool {
        self.tokens.is_none()
    }

    /// Tells whether the other lets in everyone that this lets in. False where that is not plain to
    /// see.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let (Some(ours), Some(theirs)) = (&self.tokens, &other.tokens) else {
            return other.is_open();
        };
        let is_as_young = match (self.max_age, other.max_age) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(ours), Some(theirs)) => ours <= theirs,
        };
        ours.ghes == theirs.ghes
            && ours.apps.iter().all(|app| theirs.apps.contains(app))
            && self.has_scopes_of(other)
            && (other.people == PeopleConfig::default() || self.people == other.people)
            && is_as_young
    }

    fn has_scopes_of(&self, other: &Self) -> bool {
        let asks_for = |scope| self.scopes.iter().any(|ours| ours == scope);
        let asks_for_all = other.scopes.iter().all(asks_for);
        let asks_for_one = other.scopes_any.is_empty() || self.scopes_any == other.scopes_any;
        let asks_for_none = other.scopes.iter().next().is_none() && other.scopes_any.is_empty();
        let exempts_no_more = !self.exempt_github_apps || other.exempt_github_apps;
        asks_for_none || (asks_for_all && asks_for_one && exempts_no_more)
    }
}
