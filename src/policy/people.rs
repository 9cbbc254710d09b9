//! Policies about the person.

use super::{Decision, Denial, Facts, Policy};
use crate::token::TokenKind;

/// Lets in some people, each by login or by id.
///
/// Prefer ids: a login can be renamed and then taken by another person.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct RequireUser {
    /// In lower case, in order.
    logins: Vec<Box<str>>,
    ids: Vec<u64>,
}

impl RequireUser {
    /// Names people by login, without regard to case, as GitHub compares them.
    pub fn by_login<L: AsRef<str>>(logins: impl IntoIterator<Item = L>) -> Self {
        Self::default().or_login(logins)
    }

    /// Names people by numeric id.
    pub fn by_id(ids: impl IntoIterator<Item = u64>) -> Self {
        Self::default().or_id(ids)
    }

    /// Adds people by login.
    pub fn or_login<L: AsRef<str>>(mut self, logins: impl IntoIterator<Item = L>) -> Self {
        let logins = logins.into_iter();
        self.logins
            .extend(logins.map(|login| login.as_ref().to_ascii_lowercase().into()));
        self.logins.sort_unstable();
        self
    }

    /// Adds people by numeric id.
    pub fn or_id(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.ids.extend(ids);
        self.ids.sort_unstable();
        self
    }

    fn names(&self, login: &str) -> bool {
        let lower = || login.bytes().map(|byte| byte.to_ascii_lowercase());
        let found = self
            .logins
            .binary_search_by(|named| named.bytes().cmp(lower()));
        found.is_ok()
    }
}

impl Policy for RequireUser {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let user = facts.identity().user();
        allow_if(self.ids.binary_search(&user.id()).is_ok() || self.names(user.login()))
    }
}

/// Lets in the administrators of the GHES instance.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequireSiteAdmin;

impl Policy for RequireSiteAdmin {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        allow_if(facts.identity().user().site_admin())
    }
}

/// Lets in accounts of some types, such as `User` or `Bot`.
#[derive(Clone, Debug)]
pub struct RequireAccountType(Vec<Box<str>>);

impl RequireAccountType {
    /// Names the types as GitHub's `type` does, with regard to case.
    pub fn any_of<T: AsRef<str>>(types: impl IntoIterator<Item = T>) -> Self {
        let types = types.into_iter();
        Self(types.map(|name| name.as_ref().into()).collect())
    }
}

impl Policy for RequireAccountType {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let kind = facts.identity().user().kind();
        allow_if(self.0.iter().any(|accepted| **accepted == *kind))
    }
}

/// Lets in people who use the user token of a GitHub App, `ghu_…`.
///
/// Such a token has no scopes; the app's permissions limit its use at GitHub. An old one without
/// the prefix is not recognised.
#[derive(Clone, Copy, Debug, Default)]
pub struct GitHubAppUser;

impl Policy for GitHubAppUser {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        allow_if(facts.token_kind() == TokenKind::UserToServer)
    }
}

fn allow_if(allowed: bool) -> Decision {
    if allowed {
        Decision::Allowed
    } else {
        Decision::Denied(Denial::Forbidden)
    }
}
