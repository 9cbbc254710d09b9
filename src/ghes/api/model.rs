//! What GHES says.
//!
//! Names are GitHub's. A verdict is made of a [`CheckedToken`](super::checked_token::CheckedToken),
//! where members that are not needed are not read, so that a change in one of them cannot become an
//! outage. All other callers get an [`Authorization`]. There, a member that is not as documented is
//! absent, except for those that name the user or the rights of the token: they are an error. The
//! `token` member is in neither; see [`IssuedToken`].

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use serde::Deserialize;

use crate::ghes::wire::lenient::{
    lenient, lenient_or_default, lenient_timestamp, null_as_default, timestamp,
};
use crate::token::AccessToken;

/// GitHub's `authorization`: an app's permission to act for a user, with one token.
///
/// `Debug` shows nothing of the token, nor its hash.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Authorization {
    /// The id of the authorization; a reset token keeps it.
    pub id: u64,
    /// The address of the authorization in the API.
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    /// The app that the token was issued to. A personal access token has one with 20 zeros as
    /// client id.
    pub app: AuthorizationApp,
    /// The user who granted it. GitHub's schema allows it to be absent or null.
    #[serde(default)]
    pub user: Option<SimpleUser>,
    /// The scopes; empty where GHES says null, as it may for the token of a GitHub App.
    #[serde(default, deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
    /// When the token expires; none if it does not.
    #[serde(default, deserialize_with = "timestamp")]
    pub expires_at: Option<SystemTime>,
    /// The last eight characters of the token.
    #[serde(default, deserialize_with = "lenient")]
    pub token_last_eight: Option<String>,
    /// SHA-256 of the token, as lower-case hex.
    #[serde(default, deserialize_with = "lenient")]
    pub hashed_token: Option<String>,
    /// What the user noted about the token.
    #[serde(default, deserialize_with = "lenient")]
    pub note: Option<String>,
    /// A URL for the note.
    #[serde(default, deserialize_with = "lenient")]
    pub note_url: Option<String>,
    /// When the authorization was made.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub created_at: Option<SystemTime>,
    /// When the authorization last changed, as it does by a reset.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub updated_at: Option<SystemTime>,
    /// What tells this authorization from others of the same app and user.
    #[serde(default, deserialize_with = "lenient")]
    pub fingerprint: Option<String>,
    /// What the token was narrowed to; only after
    /// [`scope_token`](crate::ghes::GhesClient::scope_token).
    #[serde(default, deserialize_with = "lenient")]
    pub installation: Option<ScopedInstallation>,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("id", &self.id)
            .field("app", &self.app)
            .field("user", &self.user)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// An authorization whose token GHES has just made.
///
/// GHES shows a token only once: it is lost when this is dropped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuedToken {
    /// What the token stands for.
    pub authorization: Authorization,
    /// The token.
    pub token: AccessToken,
}

/// GitHub's `application-grant`: what a user lets an app do, by all of its tokens together.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The id of the grant.
    pub id: u64,
    /// The address of the grant in the API.
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
    /// The app that may act for the user.
    pub app: AuthorizationApp,
    /// The scopes of all tokens that the app has for the user.
    #[serde(default, deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
    /// When the grant was made.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub created_at: Option<SystemTime>,
    /// When the grant last changed.
    #[serde(default, deserialize_with = "lenient_timestamp")]
    pub updated_at: Option<SystemTime>,
    /// The user, where GHES names one.
    #[serde(default, deserialize_with = "lenient")]
    pub user: Option<SimpleUser>,
}

/// What became of a call that makes an authorization unless there is one.
#[derive(Clone, Debug)]
pub enum GetOrCreate {
    /// There was none: GHES answered 201, and this is the only time that it shows the token.
    Created(IssuedToken),
    /// There was one: GHES answered 200. The published examples show a token here, but GHES
    /// leaves it empty except where it makes one, so it is not read.
    Existing(Authorization),
}

/// The app of an [`Authorization`] or a [`Grant`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationApp {
    /// The client id of the OAuth app or GitHub App.
    pub client_id: String,
    /// The name that people see; of a personal access token, its note.
    #[serde(default, deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The homepage.
    #[serde(default, deserialize_with = "lenient")]
    pub url: Option<String>,
}

/// GitHub's `simple-user`.
///
/// GitHub's schema has all of these. Login and id must be there; without the rest it is still that
/// user, and no administrator.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct SimpleUser {
    /// The login, which its owner may change.
    pub login: String,
    /// The numeric id, which never changes.
    pub id: u64,
    /// The global node id.
    #[serde(default, deserialize_with = "lenient_or_default")]
    pub node_id: String,
    /// The account type: `User`, `Bot` or `Organization`.
    #[serde(default, rename = "type", deserialize_with = "lenient_or_default")]
    pub kind: String,
    /// Whether the user administers the GHES instance.
    #[serde(default, deserialize_with = "lenient_or_default")]
    pub site_admin: bool,
}

/// GitHub's `scoped-installation`: what a token was narrowed to.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ScopedInstallation {
    /// The level, `read`, `write` or `admin`, of every permission.
    #[serde(default, deserialize_with = "null_as_default")]
    pub permissions: BTreeMap<String, String>,
    /// Which repositories the app may see: `all` or `selected`.
    pub repository_selection: String,
    /// The single file that the app may read, if that is among its permissions.
    #[serde(default, deserialize_with = "lenient")]
    pub single_file_name: Option<String>,
    /// Whether there is more than one such file.
    #[serde(default, deserialize_with = "lenient")]
    pub has_multiple_single_files: Option<bool>,
    /// All such files.
    #[serde(default, deserialize_with = "null_as_default")]
    pub single_file_paths: Vec<String>,
    /// Where the API lists the repositories.
    #[serde(default, deserialize_with = "lenient")]
    pub repositories_url: Option<String>,
    /// The user or organization that the app is installed for.
    pub account: SimpleUser,
}
