//! The people, apps and tokens an emulated server starts with, read from TOML.
mod error;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};

pub use self::error::WorldError;

/// The people, apps and tokens an [`Emulator`](super::Emulator) starts with.
///
/// The default is the world of GitHub's documents; its text is [`World::DOCUMENTS`].
///
/// ```
/// use ghes_gatekeeper::emulator::World;
///
/// let world = World::from_toml(r#"
///     [[users]]
///     login = "octocat"
///     id = 1
///     password = "octocat"
///     orgs = ["octo-org"]
///     teams = ["octo-org/platform"]
/// "#);
/// assert!(world.is_ok());
///
/// let error = World::from_toml("[[users]]\nnick = \"octocat\"").unwrap_err();
/// assert!(error.to_string().starts_with("line 2: users[0].nick: unknown field"));
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Whether the API requires a credential for everything.
    #[serde(default)]
    pub(super) private_mode: bool,
    #[serde(default)]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) apps: Vec<App>,
    #[serde(default)]
    pub(super) tokens: Vec<Token>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) login: String,
    pub(super) id: u64,
    #[serde(deserialize_with = "secret")]
    pub(super) password: Secret,
    #[serde(default)]
    pub(super) orgs: Vec<String>,
    /// As `ORG/TEAM`, of the orgs the user belongs or is invited to.
    #[serde(default)]
    pub(super) teams: Vec<String>,
    /// Those of the user's orgs that the user owns.
    #[serde(default)]
    pub(super) owner_of: Vec<String>,
    /// Orgs the user has not joined yet.
    #[serde(default)]
    pub(super) invited_to: Vec<String>,
    /// The one-time password that the legacy API asks for; absent for a user without.
    #[serde(default, deserialize_with = "optional_secret")]
    pub(super) otp: Option<Secret>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) site_admin: bool,
    #[serde(default)]
    pub(super) suspended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum AppKind {
    #[serde(rename = "github-app")]
    GitHubApp,
    #[serde(rename = "oauth-app")]
    OAuthApp,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    pub(super) kind: AppKind,
    pub(super) client_id: String,
    #[serde(deserialize_with = "secret")]
    pub(super) client_secret: Secret,
    pub(super) name: String,
    pub(super) url: String,
    /// Where the web flow leads back to; absent for the app's `url`, and any `redirect_uri`.
    pub(super) callback_url: Option<String>,
    /// On unless said otherwise: an app one develops with wants to be tried.
    #[serde(default = "yes")]
    pub(super) device_flow: bool,
    /// Whether tokens of the flows expire and come with a refresh token; absent for GitHub's
    /// default, which is yes for a GitHub App. Those of an OAuth app never do.
    expire_user_tokens: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    #[serde(deserialize_with = "secret")]
    pub(super) token: Secret,
    pub(super) client_id: String,
    pub(super) user: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    /// Absent for a token that never expires.
    #[serde(default, deserialize_with = "timestamp")]
    pub(super) expires_at: Option<Timestamp>,
}

/// A password, a client secret or a token.
#[derive(Clone)]
pub(super) struct Secret(String);

impl User {
    fn check_organizations(&self, key: impl Fn(&str) -> String) -> Result<(), WorldError> {
        let invalid = |name: &str, problem: String| {
            let key = key(name);
            Err(WorldError::Invalid { key, problem })
        };
        for team in &self.teams {
            let org = team.split_once('/').map_or("", |(org, _)| org);
            if !self
                .orgs
                .iter()
                .chain(&self.invited_to)
                .any(|name| name == org)
            {
                let problem = format!("`{team}` is not `ORG/TEAM` with an ORG of the user's orgs");
                return invalid("teams", problem);
            }
        }
        if let Some(org) = self.owner_of.iter().find(|org| !self.orgs.contains(org)) {
            return invalid("owner_of", format!("`{org}` is none of the user's orgs"));
        }
        Ok(())
    }
}

impl App {
    /// Says whether tokens of the flows expire and come with a refresh token.
    pub(super) fn expires_user_tokens(&self) -> bool {
        self.expire_user_tokens
            .unwrap_or(self.kind == AppKind::GitHubApp)
    }
}

impl World {
    /// The world of GitHub's documents as TOML: a template for worlds of one's own.
    pub const DOCUMENTS: &str = include_str!("../world.toml");

    /// Reads a world.
    ///
    /// # Errors
    ///
    /// Fails if the text is not TOML, a key is unknown, missing or of the wrong type, a login, id,
    /// client id or token appears twice, or a token names a user or an app that is not there.
    pub fn from_toml(text: &str) -> Result<Self, WorldError> {
        let deserializer = toml::Deserializer::parse(text)
            .map_err(|error| WorldError::syntax(text, String::new(), &error))?;
        let world: Self = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| WorldError::syntax(text, error.path().to_string(), error.inner()))?;
        world.check_users()?;
        world.check_apps()?;
        world.check_tokens()?;
        Ok(world)
    }

    fn check_users(&self) -> Result<(), WorldError> {
        unique("users", "login", &self.users, |user| {
            user.login.to_ascii_lowercase()
        })?;
        unique("users", "id", &self.users, |user| user.id)?;
        for (index, user) in self.users.iter().enumerate() {
            let key = |name: &str| format!("users[{index}].{name}");
            not_empty(key("login"), &user.login)?;
            not_empty(key("password"), user.password.expose())?;
            user.check_organizations(key)?;
        }
        Ok(())
    }

    fn check_apps(&self) -> Result<(), WorldError> {
        unique("apps", "client_id", &self.apps, |app| app.client_id.clone())?;
        for (index, app) in self.apps.iter().enumerate() {
            not_empty(format!("apps[{index}].client_id"), &app.client_id)?;
            not_empty(
                format!("apps[{index}].client_secret"),
                app.client_secret.expose(),
            )?;
            if app.kind == AppKind::OAuthApp && app.expires_user_tokens() {
                return Err(WorldError::Invalid {
                    key: format!("apps[{index}].expire_user_tokens"),
                    problem: "only tokens of a github-app expire".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn check_tokens(&self) -> Result<(), WorldError> {
        unique("tokens", "token", &self.tokens, |token| {
            token.token.expose().to_owned()
        })?;
        for (index, token) in self.tokens.iter().enumerate() {
            let key = |name: &str| format!("tokens[{index}].{name}");
            not_empty(key("token"), token.token.expose())?;
            if !token
                .token
                .expose()
                .bytes()
                .all(|byte| byte.is_ascii_graphic())
            {
                let problem = "has a character that no token has".to_owned();
                return Err(WorldError::Invalid {
                    key: key("token"),
                    problem,
                });
            }
            if !self.apps.iter().any(|app| app.client_id == token.client_id) {
                return Err(WorldError::NoSuchApp {
                    key: key("client_id"),
                    client_id: token.client_id.clone(),
                });
            }
            if !self.users.iter().any(|user| user.login == token.user) {
                return Err(WorldError::NoSuchUser {
                    key: key("user"),
                    login: token.user.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Default for World {
    fn default() -> Self {
        Self::from_toml(Self::DOCUMENTS).expect("a test reads the embedded world")
    }
}

impl Secret {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = String::deserialize(deserializer);
    // Serde's own message would repeat the value.
    text.map(Secret)
        .map_err(|_| de::Error::custom("expected a string"))
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    secret(deserializer).map(Some)
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map(Some)
        .map_err(|_| de::Error::custom("expected an RFC 3339 time such as 2030-01-01T00:00:00Z"))
}

fn not_empty(key: String, value: &str) -> Result<(), WorldError> {
    if value.is_empty() {
        return Err(WorldError::Invalid {
            key,
            problem: "must not be empty".to_owned(),
        });
    }
    Ok(())
}

fn unique<T, K: PartialEq>(
    table: &str,
    name: &str,
    rows: &[T],
    value: impl Fn(&T) -> K,
) -> Result<(), WorldError> {
    for (later, row) in rows.iter().enumerate() {
        if let Some(earlier) = rows[..later]
            .iter()
            .position(|other| value(other) == value(row))
        {
            let key = |index: usize| format!("{table}[{index}].{name}");
            return Err(WorldError::Duplicate {
                key: key(later),
                first: key(earlier),
            });
        }
    }
    Ok(())
}

const fn yes() -> bool {
    true
}
