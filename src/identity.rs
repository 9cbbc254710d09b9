//! Who a token belongs to, as GHES told us.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use serde::{Serialize, Serializer};

use crate::scope::Scopes;

/// The fact that GHES confirmed about a good token: its user, app, scopes and expiry.
///
/// A handle: clones share one allocation. It holds no secret, and nothing that could not stand
/// in a header, because [`Identity::new`] refuses the rest.
///
/// It can be serialised, for logs and for answers to its own user, under GitHub's names:
///
/// ```
/// use ghes_gatekeeper::identity::{Identity, User};
/// use serde_json::json;
///
/// let octocat = Identity::new(User::new("octocat", 1), "app", 7, Default::default())?;
/// let shown = json!({
///     "user": { "login": "octocat", "id": 1, "node_id": "", "type": "User", "site_admin": false },
///     "client_id": "app",
///     "authorization_id": 7,
///     "scopes": [],
///     "expires_at": null,
/// });
/// assert_eq!(serde_json::to_value(&octocat)?, shown);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// `expires_at` is in seconds since 1970, like `exp` of RFC 7662.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Identity(#[serde(serialize_with = "facts")] Arc<Facts>);

#[derive(Clone, Serialize)]
struct Facts {
    user: User,
    client_id: Box<str>,
    authorization_id: u64,
    scopes: Scopes,
    #[serde(serialize_with = "unix_seconds")]
    expires_at: Option<SystemTime>,
    #[serde(skip)]
    headers: IdentityHeaders,
}

/// The values that tell an upstream who is asking, ready to be set.
#[derive(Clone)]
pub(crate) struct IdentityHeaders {
    pub(crate) login: HeaderValue,
    pub(crate) user_id: HeaderValue,
    pub(crate) scopes: HeaderValue,
    pub(crate) client_id: HeaderValue,
}

impl Identity {
    /// Joins what GHES said about one token.
    ///
    /// `client_id` is the app that the token was issued to, `authorization_id` the `id` of
    /// GitHub's authorization object.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidIdentity`] if the login or the client id is empty, longer than 255
    /// bytes, or holds anything but visible ASCII without a comma. An upstream would read such
    /// a value as something else than GHES meant.
    pub fn new(
        user: User,
        client_id: &str,
        authorization_id: u64,
        scopes: Scopes,
    ) -> Result<Self, InvalidIdentity> {
        let headers = IdentityHeaders {
            login: header("login", &user.login)?,
            user_id: HeaderValue::from(user.id),
            scopes: HeaderValue::try_from(scopes.join(", "))
                .map_err(|_| InvalidIdentity { field: "scopes" })?,
            client_id: header("client_id", client_id)?,
        };
        Ok(Self(Arc::new(Facts {
            user,
            client_id: client_id.into(),
            authorization_id,
            scopes,
            expires_at: None,
            headers,
        })))
    }

    /// Sets the wall-clock time at which the token expires.
    #[must_use]
    pub fn with_expires_at(self, expires_at: SystemTime) -> Self {
        let mut facts = Arc::unwrap_or_clone(self.0);
        facts.expires_at = Some(expires_at);
        Self(Arc::new(facts))
    }

    /// Returns the user who carries the token.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.0.user
    }

    /// Returns the client id of the app that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Returns the id of the authorization behind the token; a reset token keeps it.
    #[must_use]
    pub fn authorization_id(&self) -> u64 {
        self.0.authorization_id
    }

    /// Returns the scopes of the token; none for the token of a GitHub App.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// Returns the wall-clock time at which the token expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    pub(crate) fn headers(&self) -> &IdentityHeaders {
        &self.0.headers
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.0.user)
            .field("client_id", &self.0.client_id)
            .field("authorization_id", &self.0.authorization_id)
            .field("scopes", &self.0.scopes)
            .field("expires_at", &self.0.expires_at)
            .finish()
    }
}

/// A GHES user, named as the [REST API] names its members.
///
/// [REST API]: https://docs.github.com/en/enterprise-server/rest/users/users
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct User {
    login: Box<str>,
    id: u64,
    node_id: Box<str>,
    #[serde(rename = "type")]
    kind: Box<str>,
    site_admin: bool,
}

impl User {
    /// Names a user by login and numeric id.
    ///
    /// Recognise people by `id`: logins can be renamed and then taken by somebody else.
    pub fn new(login: &str, id: u64) -> Self {
        Self {
            login: login.into(),
            id,
            node_id: Box::default(),
            kind: "User".into(),
            site_admin: false,
        }
    }

    /// Sets GitHub's global node id.
    #[must_use]
    pub fn with_node_id(mut self, node_id: &str) -> Self {
        self.node_id = node_id.into();
        self
    }

    /// Sets the account type, `User` where nothing is said.
    #[must_use]
    pub fn with_kind(mut self, kind: &str) -> Self {
        self.kind = kind.into();
        self
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
        &self.login
    }

    /// Returns the numeric id, which never changes.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns the global node id; empty where GHES gave none.
    #[must_use]
    pub fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Returns the account type, GitHub's `type`: `User`, `Bot`, `Organization`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Tells whether the user administers the GHES instance.
    #[must_use]
    pub fn site_admin(&self) -> bool {
        self.site_admin
    }
}

/// The error for a fact that could not safely be passed on in a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidIdentity {
    field: &'static str,
}

impl fmt::Display for InvalidIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field } = self;
        write!(
            f,
            "{field} is not 1 to 255 visible ASCII characters without a comma"
        )
    }
}

impl std::error::Error for InvalidIdentity {}

/// As if it stood there itself: that it is shared is nobody's business.
fn facts<S: Serializer>(facts: &Arc<Facts>, serializer: S) -> Result<S::Ok, S::Error> {
    (**facts).serialize(serializer)
}

fn unix_seconds<S: Serializer>(at: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let since = at.map(|at| at.duration_since(UNIX_EPOCH).unwrap_or_default());
    since.map(|since| since.as_secs()).serialize(serializer)
}

fn header(field: &'static str, value: &str) -> Result<HeaderValue, InvalidIdentity> {
    let legal = |b: u8| b.is_ascii_graphic() && b != b',';
    if value.is_empty() || value.len() > 255 || !value.bytes().all(legal) {
        return Err(InvalidIdentity { field });
    }
    HeaderValue::from_str(value).map_err(|_| InvalidIdentity { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(login: &str, client_id: &str) -> Result<Identity, InvalidIdentity> {
        Identity::new(User::new(login, 1), client_id, 1, Scopes::default())
    }

    #[test]
    fn a_login_that_could_change_a_header_is_refused() {
        let long = "a".repeat(256);
        for login in [
            "",
            "a\r\nX: 1",
            "a\0",
            "a\x7f",
            "\x1b[1m",
            "é",
            "a,b",
            "a b",
            &long,
        ] {
            assert!(
                identity(login, "Iv1.8a61f9b3a7aba766").is_err(),
                "{login:?}"
            );
            assert!(identity("octocat", login).is_err(), "{login:?}");
        }
        assert!(identity("octo-cat_emu", "Iv1.8a61f9b3a7aba766").is_ok());
        assert!(identity("dependabot[bot]", "Iv1.8a61f9b3a7aba766").is_ok());
    }

    #[test]
    fn what_is_serialised_has_no_more_than_what_is_documented() {
        let at = UNIX_EPOCH + std::time::Duration::from_millis(1_893_456_000_900);
        let scopes = Scopes::parse(["repo", "read:org"]).unwrap();
        let user = User::new("octocat", 1)
            .with_node_id("MDQ6VXNlcjE=")
            .with_site_admin(true);
        let identity = Identity::new(user, "app", 7, scopes).unwrap();
        let shown = serde_json::to_string(&identity.with_expires_at(at)).unwrap();
        assert_eq!(
            shown,
            r#"{"user":{"login":"octocat","id":1,"node_id":"MDQ6VXNlcjE=","type":"User","site_admin":true},"client_id":"app","authorization_id":7,"scopes":["read:org","repo"],"expires_at":1893456000}"#
        );
    }

    #[test]
    fn clones_share_one_allocation() {
        let one = identity("octocat", "app").unwrap();
        assert!(Arc::ptr_eq(&one.0, &one.clone().0));
        assert_eq!(size_of::<Identity>(), size_of::<usize>());
    }
}
