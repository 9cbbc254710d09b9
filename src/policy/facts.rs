use std::fmt;

use http::Method;

use crate::identity::Identity;
use crate::membership::{Group, Membership};
use crate::token::TokenKind;

/// The facts that a policy decides on.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    identity: &'a Identity,
    token_kind: TokenKind,
    method: &'a Method,
    path: &'a str,
    memberships: &'a dyn Memberships,
}

impl<'a> Facts<'a> {
    /// Joins the identity and the request; no membership is known.
    #[must_use]
    pub fn new(identity: &'a Identity, method: &'a Method, path: &'a str) -> Self {
        Self {
            identity,
            token_kind: TokenKind::Other,
            method,
            path,
            memberships: &Nothing,
        }
    }

    /// Sets the kind of token by its prefix; [`Other`](TokenKind::Other) by default.
    #[must_use]
    pub fn with_token_kind(mut self, kind: TokenKind) -> Self {
        self.token_kind = kind;
        self
    }

    /// Sets the known memberships of the person.
    #[must_use]
    pub fn with_memberships(mut self, memberships: &'a dyn Memberships) -> Self {
        self.memberships = memberships;
        self
    }

    /// Returns the identity of the user.
    #[must_use]
    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// Returns the kind of token by its prefix.
    ///
    /// GHES has confirmed this very token, so the prefix can be trusted.
    #[must_use]
    pub fn token_kind(&self) -> TokenKind {
        self.token_kind
    }

    /// Returns the method of the request.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Returns the path of the request as it was written, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Returns the person's membership in a group; none if it has to be asked for.
    #[must_use]
    pub fn membership(&self, group: &Group) -> Option<Membership> {
        self.memberships.membership(group)
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts")
            .field("identity", &self.identity)
            .field("token_kind", &self.token_kind)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The known memberships of a person.
///
/// Every `Fn(&Group) -> Option<Membership>` implements this.
pub trait Memberships {
    /// Returns what is known about one group; none if nothing is.
    fn membership(&self, group: &Group) -> Option<Membership>;
}

impl<F: Fn(&Group) -> Option<Membership>> Memberships for F {
    fn membership(&self, group: &Group) -> Option<Membership> {
        self(group)
    }
}

struct Nothing;

impl Memberships for Nothing {
    fn membership(&self, _: &Group) -> Option<Membership> {
        None
    }
}
