//! The people, apps and tokens an emulated server starts with, read from TOML.
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};

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
/// let error = World::from_toml("[[users]]\nname = \"octocat\"").unwrap_err();
/// assert!(error.to_string().starts_with("line 2: users[0].name: unknown field"));
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
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
    #[serde(default)]
    pub(super) teams: Vec<String>,
    #[serde(default)]
    pub(super) site_admin: bool,
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

impl World {
    /// The world of GitHub's documents as TOML: a template for worlds of one's own.
    pub const DOCUMENTS: &str = include_str!("world.toml");

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
            for team in &user.teams {
                let org = team.split_once('/').map_or("", |(org, _)| org);
                if !user.orgs.iter().any(|name| name == org) {
                    let problem =
                        format!("`{team}` is not `ORG/TEAM` with an ORG of the user's orgs");
                    return Err(WorldError::Invalid {
                        key: key("teams"),
                        problem,
                    });
                }
            }
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
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The error of a text that is no [`World`].
///
/// Every message is one line, names the key and never shows a password, a secret or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorldError {
    /// The text is not TOML, or a key is unknown, missing or of the wrong type.
    Syntax {
        /// The line, counted from 1; absent if a whole table is at fault.
        line: Option<usize>,
        /// The key, such as `users[0].login`; empty if the text is not TOML.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value that must be unique appears twice.
    Duplicate {
        /// The key of the later value.
        key: String,
        /// The key of the earlier value.
        first: String,
    },
    /// A token names an app that is not there.
    NoSuchApp {
        /// The key of the name.
        key: String,
        /// The client id that no app has.
        client_id: String,
    },
    /// A token names a user that is not there.
    NoSuchUser {
        /// The key of the name.
        key: String,
        /// The login that no user has.
        login: String,
    },
    /// A value is of the right type and still cannot be.
    Invalid {
        /// The key of the value.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl WorldError {
    fn syntax(text: &str, key: String, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        Self::Syntax {
            line,
            key,
            problem: error.message().replace('\n', ", "),
        }
    }
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, key, problem } => {
                if let Some(line) = line {
                    write!(f, "line {line}: ")?;
                }
                if !key.is_empty() && key != "." {
                    write!(f, "{key}: ")?;
                }
                f.write_str(problem)
            }
            Self::Duplicate { key, first } => write!(f, "{key}: already taken by {first}"),
            Self::NoSuchApp { key, client_id } => {
                write!(f, "{key}: no app has the client id `{client_id}`")
            }
            Self::NoSuchUser { key, login } => write!(f, "{key}: no user has the login `{login}`"),
            Self::Invalid { key, problem } => write!(f, "{key}: {problem}"),
        }
    }
}

impl std::error::Error for WorldError {}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    let text = String::deserialize(deserializer);
    // Serde's own message would repeat the value.
    text.map(Secret)
        .map_err(|_| de::Error::custom("expected a string"))
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
