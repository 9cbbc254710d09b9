//! What GHES says, as far as we need it.
//!
//! Names are GitHub's. Members that are not needed are not read, so that a change in one of them
//! cannot become an outage; the `token` member is never read.

use std::time::SystemTime;

use serde::{Deserialize, Deserializer};

/// GitHub's `authorization`: an app's permission to act for a user, with one token.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Authorization {
    /// The id of the authorization; a reset token keeps it.
    pub id: u64,
    /// The app that the token was issued to.
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
}

/// The app of an [`Authorization`].
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationApp {
    /// The client id of the OAuth app or GitHub App.
    pub client_id: String,
}

/// GitHub's `simple-user`.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct SimpleUser {
    /// The login, which its owner may change.
    pub login: String,
    /// The numeric id, which never changes.
    pub id: u64,
    /// The global node id.
    #[serde(default)]
    pub node_id: String,
    /// The account type: `User`, `Bot` or `Organization`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// Whether the user administers the GHES instance.
    #[serde(default)]
    pub site_admin: bool,
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let timestamp: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    Ok(Some(timestamp.into()))
}
