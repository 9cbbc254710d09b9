#[cfg(test)]
mod tests;
mod warnings;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::config::ghes::AppPreset;
use crate::config::ghes::servers::Servers;
use crate::config::reader::duration::Positive;
use crate::config::reader::kind::{Plain, Shape};
use crate::config::reader::secret::{Length, SecretFile};
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::config::reader::table::{Key, keys};
use crate::config::routes::{RouteConfig, RoutePath, parsed, public_url::PublicUrl};
use crate::scope::{Scope, Scopes};

/// `[session]`: how browsers log in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The address by which browsers know this gate, without a path. GHES sends them back to
    /// [`prefix`](Self::prefix) and `/callback` there. Required.
    pub login_url: PublicUrl,
    /// The keys that seal the cookies, from `key_files`: the first seals, all open. At least one.
    pub(crate) keys: Vec<SessionKey>,
    /// The [name](super::GhesConfig::name) of the server that people log in at. Absent: the only
    /// one; required where there are several.
    pub ghes: String,
    /// The app that people log in by. Absent: the only one of the server.
    pub client_id: String,
    /// The scopes that the app asks for. Absent: none.
    pub scopes: Scopes,
    /// How long a person stays logged in at most. Absent: 7 days.
    pub max_age: Duration,
    /// Where the endpoints of the login are. Absent: `/oauth2`.
    pub prefix: RoutePath,
}

/// A key of the cookies, and the file that it is in.
#[derive(Clone, Debug)]
pub(crate) struct SessionKey {
    pub(crate) file: SecretFile,
    pub(crate) key: SecretString,
}

impl SessionConfig {
    /// The keys of `[session]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// this gate, as browsers know it; the app's callback URL is this and /oauth2/callback
        login_url: Shape::Text, shown "https://login.example.com";
        /// one line each, from `openssl rand -base64 32`; the first seals, all open, so that a new
        /// one comes first and the old one goes a week later; read again when they change
        key_files: Shape::List(&Shape::Text), shown ["/run/secrets/session.key"];
        /// the server to log in at; may be left out if there is one
        ghes: Shape::Text, shown "ghes.example.com";
        /// may be left out if the server has one app
        client_id: Shape::Text, shown "Iv1.8a61f9b3a7aba766";
        /// what the app asks for; read:org where routes ask for organizations or teams
        scopes: Shape::List(&Shape::Text), default [];
        /// a person logs in again after it, whatever the life of the token
        max_age: Shape::Duration, default "168h";
        /// the path of start, callback, sign_out, auth and userinfo
        prefix: Shape::Text, default "/oauth2";
    };

    pub(super) fn read(session: &mut Section<'_>, servers: Servers<'_>) -> Option<Self> {
        let example = "login_url = \"https://login.example.com\"";
        let login_url = session.required("login_url", example, login_url);
        let keys = keys(session);
        let ghes = servers.pick(session, "people log in at one server");
        let apps = ghes.map(|ghes| {
            let apps = ghes.apps.iter().filter(|app| app.preset.is_none());
            apps.map(|app| app.client_id.as_str()).collect::<Vec<_>>()
        });
        let client_id = client_id(session, apps.as_deref());
        let scopes = session.list("scopes", Node::items, parsed::<Scope>);
        let max_age = session.optional("max_age", SessionAge::read);
        let prefix = session.optional("prefix", prefix);
        Some(Self {
            login_url: login_url?,
            keys: keys?,
            ghes: ghes?.name.clone(),
            client_id: client_id?,
            scopes: scopes.into_iter().flatten().collect(),
            max_age: max_age.unwrap_or(WEEK),
            prefix: prefix.unwrap_or_else(|| {
                let prefix = "/oauth2".parse();
                prefix.expect("a plain path")
            }),
        })
    }

    /// Returns the first route that sends browsers to log in by an app whose tokens it refuses: they
    /// would come back, and be sent again.
    pub(super) fn refused_by<'r>(
        &self,
        mut routes: impl Iterator<Item = (usize, &'r RouteConfig)>,
    ) -> Option<usize> {
        let takes = |route: &RouteConfig| {
            let tokens = route.tokens.as_ref();
            tokens.is_some_and(|tokens| {
                tokens.ghes == self.ghes && tokens.apps.contains(&self.client_id)
            })
        };
        let found = routes.find(|(_, route)| route.login && !takes(route));
        found.map(|(at, _)| at)
    }
}

/// Reads what stands before the path of the endpoints.
fn login_url(node: Node) -> Result<PublicUrl, String> {
    let url = parsed::<PublicUrl>(node)?;
    match url.has_path() {
        false => Ok(url),
        true => Err("has a path; leave it out, the endpoints are below prefix".to_owned()),
    }
}

fn prefix(node: Node) -> Result<RoutePath, String> {
    let prefix = parsed::<RoutePath>(node)?;
    let is_good = prefix.as_str().len() > 1 && !prefix.as_str().ends_with('/');
    let cure = "must have a name and no slash at its end, like /oauth2";
    is_good.then_some(prefix).ok_or_else(|| cure.to_owned())
}

/// Reads the files in order. Each mistake has its place.
fn keys(session: &mut Section<'_>) -> Option<Vec<SessionKey>> {
    if !session.has("key_files") {
        session.refuse_missing("key_files", "key_files = [\"/run/secrets/session.key\"]");
        return None;
    }
    let items = |node: Node| match node.items_or_one()? {
        none if none.is_empty() => Err(NO_KEY.to_owned()),
        some => Ok(some),
    };
    session.list("key_files", items, |node| {
        let (file, key) = SecretFile::open(&node.text()?, Length::Any);
        let key = key?;
        match key.expose_secret().len() {
            0..SessionKey::LEAST_BYTES => Err(SHORT_KEY.to_owned()),
            _ => Ok(SessionKey { file, key }),
        }
    })
}

impl SessionKey {
    /// As many as the keys of the cipher have.
    pub(crate) const LEAST_BYTES: usize = 32;
}

fn client_id(session: &mut Section<'_>, apps: Option<&[&str]>) -> Option<String> {
    let given = session.optional("client_id", Node::text);
    let apps = apps?;
    let is_refused = session.is_refused("client_id");
    let message = match (&given, apps) {
        (Some(id), apps) if apps.contains(&id.as_str()) => return given,
        (None, [only]) if !is_refused => return Some((*only).to_owned()),
        _ if is_refused => return None,
        (Some(id), _) if id == AppPreset::GhCli.client_id() => GH_CLI.to_owned(),
        (_, []) => GH_CLI.to_owned(),
        (Some(_), apps) => format!("is no app of the server; there are {}", apps.join(", ")),
        (None, [first, ..]) => format!("missing; write client_id = \"{first}\""),
    };
    session.refuse("client_id", message);
    None
}

const NO_KEY: &str = "names no file; make one with openssl rand -base64 32";

const SHORT_KEY: &str = "has less than 32 characters; make another with openssl rand -base64 32";

const GH_CLI: &str = "people cannot log in by the app of the gh command, whose callback is fixed; \
 add an app of your own";

/// A cookie that is older than a quarter of a year belongs to nobody who still works with it.
type SessionAge = Positive<{ 90 * 24 * 3600 }>;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
