//! Who a token belongs to, as GHES told us.

mod grant;
mod texts;
mod user;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::scope::Scopes;

use self::grant::Grant;

pub(crate) use self::grant::Grants;

pub use self::user::User;

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
#[derive(Clone)]
pub struct Identity(Arc<Facts>);

/// There is one for every token that is remembered, so each text stands here once.
#[derive(Clone)]
struct Facts {
    user: User,
    login: HeaderValue,
    user_id: HeaderValue,
    grant: Grant,
    authorization_id: u64,
    expires_at: Option<SystemTime>,
}

/// The values that tell an upstream who is asking, ready to be set.
pub(crate) struct IdentityHeaders<'a> {
    pub(crate) login: &'a HeaderValue,
    pub(crate) user_id: &'a HeaderValue,
    pub(crate) scopes: &'a HeaderValue,
    pub(crate) client_id: &'a HeaderValue,
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
        check("login", user.login())?;
        check("client_id", client_id)?;
        let id = user.id().to_string();
        let (user, user_id) = user.followed_by(&id);
        Ok(Self(Arc::new(Facts {
            login: user.login_header(),
            user,
            user_id,
            grant: Grant::new(client_id, scopes),
            authorization_id,
            expires_at: None,
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
        let client_id = self.0.grant.client_id().to_str();
        client_id.expect("it is visible ASCII, as was checked")
    }

    /// Returns the id of the authorization behind the token; a reset token keeps it.
    #[must_use]
    pub fn authorization_id(&self) -> u64 {
        self.0.authorization_id
    }

    /// Returns the scopes of the token; none for the token of a GitHub App.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        self.0.grant.scopes()
    }

    /// Returns the wall-clock time at which the token expires, if it does.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    #[inline]
    pub(crate) fn headers(&self) -> IdentityHeaders<'_> {
        let Facts {
            login,
            user_id,
            grant,
            ..
        } = &*self.0;
        IdentityHeaders {
            login,
            user_id,
            scopes: grant.joined_scopes(),
            client_id: grant.client_id(),
        }
    }

    fn grant(&self) -> &Grant {
        &self.0.grant
    }

    /// Returns the same with an equal grant.
    fn sharing(&self, grant: &Grant) -> Self {
        let grant = grant.clone();
        Self(Arc::new(Facts {
            grant,
            ..(*self.0).clone()
        }))
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires_at = self.expires_at().map(|at| since(at).as_secs());
        let mut shown = serializer.serialize_struct("Identity", 5)?;
        shown.serialize_field("user", self.user())?;
        shown.serialize_field("client_id", self.client_id())?;
        shown.serialize_field("authorization_id", &self.authorization_id())?;
        shown.serialize_field("scopes", self.scopes())?;
        shown.serialize_field("expires_at", &expires_at)?;
        shown.end()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("user", &self.0.user)
            .field("client_id", &self.client_id())
            .field("authorization_id", &self.0.authorization_id)
            .field("scopes", self.scopes())
            .field("expires_at", &self.0.expires_at)
            .finish()
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

fn check(field: &'static str, text: &str) -> Result<(), InvalidIdentity> {
    let legal = |b: u8| b.is_ascii_graphic() && b != b',';
    let is_legal = (1..=255).contains(&text.len()) && text.bytes().all(legal);
    is_legal.then_some(()).ok_or(InvalidIdentity { field })
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

    #[test]
    fn headers_say_what_is_read_and_share_its_memory() {
        let scopes = Scopes::parse(["user", "repo"]).unwrap();
        let user = User::new("octocat", 42).with_node_id("MDQ6VXNlcjE=");
        let octocat = Identity::new(user, "app", 7, scopes).unwrap();
        let headers = octocat.headers();
        assert_eq!(headers.login, octocat.user().login());
        assert_eq!(headers.user_id, "42");
        assert_eq!(headers.client_id, octocat.client_id());
        assert_eq!(headers.scopes, "repo, user");
        let same_buffer = |one: &HeaderValue, other: &str| {
            let one = one.as_bytes().as_ptr_range();
            one.contains(&other.as_ptr()) || one.end == other.as_ptr()
        };
        assert!(same_buffer(headers.login, octocat.user().login()));
        assert!(same_buffer(headers.client_id, octocat.client_id()));
        assert!(same_buffer(
            headers.client_id,
            headers.scopes.to_str().unwrap()
        ));
        let bare = identity("octocat", "app").unwrap();
        assert_eq!(bare.headers().scopes, "");
    }

    /// One more word here is 800 kB for 100,000 people; `tests/entries.rs` has the whole.
    #[test]
    fn facts_are_as_small_as_documented() {
        assert!(size_of::<Facts>() <= 21 * size_of::<u64>());
    }
}
