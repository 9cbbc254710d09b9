use std::fmt;

use http::HeaderValue;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::texts::Texts;

/// A GHES user, named as the [REST API] names its members.
///
/// Clones share one allocation. The names together have to be shorter than 4 GiB, or whatever sets
/// one panics.
///
/// [REST API]: https://docs.github.com/en/enterprise-server/rest/users/users
#[derive(Clone)]
pub struct User {
    /// The login, the node id, the account type, and what an identity put behind them.
    texts: Texts,
    login_end: u32,
    node_id_end: u32,
    kind_end: u32,
    site_admin: bool,
    id: u64,
}

impl User {
    /// Names a user by login and numeric id.
    ///
    /// Recognise people by `id`: a login can be renamed and then taken by another person.
    pub fn new(login: &str, id: u64) -> Self {
        let user = Self {
            texts: Texts::new(&[]),
            login_end: 0,
            node_id_end: 0,
            kind_end: 0,
            site_admin: false,
            id,
        };
        user.with_texts([login, "", "User"])
    }

    /// Sets GitHub's global node id.
    #[must_use]
    pub fn with_node_id(self, node_id: &str) -> Self {
        self.with_texts([self.login(), node_id, self.kind()])
    }

    /// Sets the account type, `User` where nothing is said.
    #[must_use]
    pub fn with_kind(self, kind: &str) -> Self {
        self.with_texts([self.login(), self.node_id(), kind])
    }

    /// Marks an administrator of the GHES instance.
    #[must_use]
    pub fn with_site_admin(mut self, site_admin: bool) -> Self {
        self.site_admin = site_admin;
        self
    }

    /// Returns the login, in the case that GHES gave it.
    #[must_use]
    pub fn login(&self) -> &str {
        self.texts.str_at(0..self.login_end as usize)
    }

    /// Returns the numeric id, which never changes.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the global node id; empty where GHES gave none.
    #[must_use]
    pub fn node_id(&self) -> &str {
        self.texts
            .str_at(self.login_end as usize..self.node_id_end as usize)
    }

    /// Returns the account type, GitHub's `type`: `User`, `Bot`, `Organization`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.texts
            .str_at(self.node_id_end as usize..self.kind_end as usize)
    }

    /// Tells whether the user administers the GHES instance.
    #[must_use]
    pub fn site_admin(&self) -> bool {
        self.site_admin
    }

    /// Puts a text behind those of the user, and returns it as a header's value.
    ///
    /// # Panics
    ///
    /// Panics if it may not stand in a header.
    pub(super) fn followed_by(self, text: &str) -> (Self, HeaderValue) {
        let texts = Texts::new(&[self.login(), self.node_id(), self.kind(), text]);
        let start = self.kind_end as usize;
        let header = texts.header_at(start..texts.len());
        (Self { texts, ..self }, header)
    }

    /// Returns the login as a header's value.
    ///
    /// # Panics
    ///
    /// Panics if it may not stand in a header.
    pub(super) fn login_header(&self) -> HeaderValue {
        self.texts.header_at(0..self.login_end as usize)
    }

    fn with_texts(&self, texts: [&str; 3]) -> Self {
        let [login, node_id, kind] = texts.map(str::len);
        let end = |length: usize| u32::try_from(length).expect("the names of a user are short");
        Self {
            texts: Texts::new(&texts),
            login_end: end(login),
            node_id_end: end(login + node_id),
            kind_end: end(login + node_id + kind),
            ..*self
        }
    }
}

impl Eq for User {}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.site_admin == other.site_admin
            && self.login() == other.login()
            && self.node_id() == other.node_id()
            && self.kind() == other.kind()
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("User", 5)?;
        shown.serialize_field("login", self.login())?;
        shown.serialize_field("id", &self.id())?;
        shown.serialize_field("node_id", self.node_id())?;
        shown.serialize_field("type", self.kind())?;
        shown.serialize_field("site_admin", &self.site_admin())?;
        shown.end()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("login", &self.login())
            .field("id", &self.id)
            .field("node_id", &self.node_id())
            .field("kind", &self.kind())
            .field("site_admin", &self.site_admin)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_in_any_order_and_language() {
        let user = User::new("é", 1);
        let shown = (user.login(), user.node_id(), user.kind());
        assert_eq!(shown, ("é", "", "User"));
        let user = user
            .with_kind("Bot")
            .with_node_id("ü=")
            .with_site_admin(true);
        let shown = (user.login(), user.node_id(), user.kind());
        assert_eq!(shown, ("é", "ü=", "Bot"));
        let other = User::new("é", 1).with_node_id("ü=").with_site_admin(true);
        assert_ne!(user, other);
        assert_eq!(user, other.with_kind("Bot"));
        // The same letters, divided in another way.
        let (one, other) = (User::new("ab", 1), User::new("a", 1));
        assert_ne!(one, other.with_node_id("b"));
    }

    #[test]
    fn an_identity_changes_nothing_about_its_user() {
        let user = User::new("octocat", 1).with_node_id("MDQ6VXNlcjE=");
        let (followed, header) = user.clone().followed_by("1");
        assert_eq!(
            (header.as_bytes(), followed.login_header().as_bytes()),
            (&b"1"[..], &b"octocat"[..])
        );
        assert_eq!(user, followed);
        assert_eq!(followed.clone().with_kind("Bot").kind(), "Bot");
        assert_eq!(
            format!("{followed:?}"),
            r#"User { login: "octocat", id: 1, node_id: "MDQ6VXNlcjE=", kind: "User", site_admin: false }"#
        );
    }
}
