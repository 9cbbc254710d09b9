//! The configuration of the proxy: one TOML file, and the environment over it.
//!
//! 1. Every key is also an environment variable: `GHES_GATEKEEPER_` and the path in capitals,
//!    with `__` between levels and items of arrays counted from 0, as in
//!    `GHES_GATEKEEPER_SERVER__LISTEN` and `GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID`. The
//!    environment wins. What is no string is written as TOML: `true`, `5`, `["read:org"]`.
//! 2. A secret is given by its key or by the file that its `_file` twin names, never by both.
//! 3. Nothing is guessed. An unknown key, a secret that is missing or empty, an age without an
//!    end: each refuses the whole configuration.
//! 4. All mistakes are reported at once, each with its place and its cure, none with a secret.
//!
//! Paths of files are relative to the directory that the proxy was started in. All are read again
//! when they change, the configuration itself as well: see
//! [`Reloader`](crate::proxy::Reloader).
//!
//! This is all that can be configured:
//!
#![doc = concat!("```toml\n", include_str!("example.toml"), "```")]
//!
//! ```
//! use ghes_gatekeeper::config::Config;
//!
//! let file = r#"
//!     [ghes]
//!     url = "https://ghes.example.com"
//!     [[ghes.apps]]
//!     client_id = "Iv1.8a61f9b3a7aba766"
//!     [[routes]]
//!     path = "/"
//!     upstrem = "http://127.0.0.1:3000"
//! "#;
//! let environment = [
//!     ("GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET", "3ef4ad510c59ad37bac6"),
//!     ("GHES_GATEKEEPER_ROUTES__0__UPSTREAM", "http://127.0.0.1:3000"),
//! ];
//! let environment = environment.map(|(name, text)| (name.to_owned(), text.to_owned()));
//!
//! let errors = Config::parse(file, environment.clone()).unwrap_err();
//! assert_eq!(
//!     errors.to_string(),
//!     "configuration:8: routes[0].upstrem: unknown key; did you mean upstream?"
//! );
//! let config = Config::parse(&file.replace("upstrem", "upstream"), environment)?;
//! assert_eq!(config.routes[0].matches.path.as_str(), "/");
//! # Ok::<_, ghes_gatekeeper::config::ConfigErrors>(())
//! ```

mod admin;
mod assertion;
mod authorization_server;
mod cache;
mod decisions;
mod descriptors;
mod differences;
mod ghes;
mod include;
mod keys;
mod reader;
mod redacted;
mod restart;
mod route_defaults;
mod routes;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod warnings;
mod webhook;

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use self::cache::Cache;
use self::ghes::servers::{self, Servers};
use self::include::Included;
use self::reader::environment;
use self::reader::error::Place;
use self::reader::kind::Shape;
use self::reader::path::KeyPath;
use self::reader::report::Report;
use self::reader::section::Section;
use self::reader::source::{self, Node};
use self::reader::table::{Key, Table, keys};
use self::redacted::Redacted;
use crate::connect::ProxyVariables;
use crate::validator::CacheOptions;
use crate::watched::WatchedFiles;

pub use self::admin::AdminConfig;
pub use self::assertion::AssertionConfig;
pub use self::authorization_server::AuthorizationServerConfig;
pub(crate) use self::decisions::RESERVED;
pub use self::decisions::{CallerConfig, DecisionsConfig, TokenReviewConfig};
pub use self::ghes::{AppConfig, AppPreset, GhesConfig};
pub use self::reader::error::{ConfigError, ConfigErrors};
#[cfg(test)]
pub(crate) use self::reader::secret::Length;
pub(crate) use self::reader::secret::SecretFile;
pub use self::routes::public_url::{InvalidPublicUrl, PublicUrl};
pub use self::routes::{
    Admittance, AmbiguousPaths, Combination, Cors, CorsAnswers, IdentityHeaders, InvalidRouteHost,
    InvalidRoutePath, PeopleConfig, ResourceConfig, RouteBasic, RouteConfig, RouteHost, RouteMatch,
    RouteMode, RouteName, RoutePath, TokensConfig, UnknownIdentityHeaders,
};
pub use self::server::{DEFAULT_LISTEN, ServerConfig};
pub use self::session::SessionConfig;
pub use self::webhook::WebhookConfig;
pub use crate::fronts::{Dialect, UnknownDialect};
pub use crate::hygiene::allowed_hosts::{AllowedHost, AllowedHosts, InvalidAllowedHost};
pub use crate::hygiene::stripped_header::{InvalidStrippedHeader, StrippedHeader};
pub use crate::hygiene::trusted_proxies::{InvalidTrustedProxy, TrustedProxies, TrustedProxy};
pub use crate::upstream::{
    InvalidUpstreamUrl, UnknownUpstreamHost, UpstreamHost, UpstreamTimeouts, UpstreamTls,
    UpstreamUrl,
};

/// A configuration that holds together.
///
/// Plain data, checked when it comes from [`Config::load`] or [`Config::parse`]. `Debug` shows no
/// secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where clients come in.
    pub server: ServerConfig,
    /// Who may change something at `server.admin_listen`. Absent: whoever reaches it.
    pub admin: Option<AdminConfig>,
    /// The servers that are asked about tokens, in the order of the file; at least one.
    pub ghes: Vec<GhesConfig>,
    /// How long and how many of its answers are remembered.
    pub cache: CacheOptions,
    /// Which requests go to which upstream, in the order of the file; at least one.
    pub routes: Vec<RouteConfig>,
    /// Where other people's proxies ask about the requests that they hold. Absent: nowhere.
    pub decisions: Option<DecisionsConfig>,
    /// How browsers log in. Absent: not at all.
    pub session: Option<SessionConfig>,
    /// What clients are told about GHES. Absent: nothing.
    pub authorization_server: Option<AuthorizationServerConfig>,
    /// Where GHES reports revocations. Absent: nowhere.
    pub webhook: Option<WebhookConfig>,
    /// How the proxy signs an identity for upstreams. Absent: identities come in plain headers
    /// only.
    pub assertion: Option<AssertionConfig>,
    /// The files that it was read from, but for secrets and certificates, as they were before.
    pub(crate) files: WatchedFiles,
}

impl Config {
    /// The keys before the first table.
    const KEYS: &[Key] = keys! {
        /// files with further [[routes]], from the directory of this one
        include: Shape::OneOrMany(&Shape::Text), aside ["routes.d/*.toml"];
    };

    /// An example of every key, with the defaults where there are any.
    pub const EXAMPLE: &str = include_str!("example.toml");

    /// The variables that say how GHES is reached where `ghes.proxy` does not.
    pub const PROXY_VARIABLES: &[&str] = &ProxyVariables::NAMES;

    /// Reads a file, if there is one, and the environment.
    ///
    /// Of `environment`, only variables that begin with `GHES_GATEKEEPER_` are looked at, and of
    /// these not the ones that Kubernetes sets beside a Service of our name; and those of
    /// [`PROXY_VARIABLES`](Self::PROXY_VARIABLES). Take them from [`std::env::vars_os`]:
    /// [`std::env::vars`] panics if any variable is no UTF-8.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigErrors`] with every mistake in both, or with one if the file cannot be
    /// read.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let least = "ghes.url, one [[ghes.apps]] and one [[routes]]";
        let files = WatchedFiles::new(file.map(Path::to_owned));
        let directory = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        Self::build(tree(file, least)?, environment, directory, files)
    }

    /// Reads the text of a file, which reports call `configuration`, and the environment.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigErrors`] with every mistake in both.
    pub fn parse(
        toml: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let files = WatchedFiles::new(None);
        Self::build(tree_of_text(toml)?, environment, Path::new(""), files)
    }

    /// Writes out what is in force, defaults included, with `[redacted]` for every secret.
    #[must_use]
    pub fn to_redacted_toml(&self) -> String {
        Redacted(self).to_string()
    }

    /// Returns the server and the apps whose tokens are good on a route of this configuration;
    /// none where the route needs no token.
    #[must_use]
    pub fn issuer_of(&self, route: &RouteConfig) -> Option<(&GhesConfig, Vec<&AppConfig>)> {
        self.issuer_of_tokens(route.tokens.as_ref()?)
    }

    /// Returns the server and the apps that some tokens are of.
    pub(crate) fn issuer_of_tokens(
        &self,
        tokens: &TokensConfig,
    ) -> Option<(&GhesConfig, Vec<&AppConfig>)> {
        let mut servers = self.ghes.iter();
        let ghes = servers.find(|ghes| ghes.name == tokens.ghes)?;
        let is_taken = |app: &&AppConfig| tokens.apps.contains(&app.client_id);
        Some((ghes, ghes.apps.iter().filter(is_taken).collect()))
    }

    fn build(
        mut root: Node,
        environment: impl IntoIterator<Item = (String, String)>,
        directory: &Path,
        mut files: WatchedFiles,
    ) -> Result<Self, ConfigErrors> {
        let environment: Vec<_> = environment.into_iter().collect();
        let proxies = ProxyVariables::of(environment.iter().cloned());
        let mut errors = environment::overlay(&mut root, environment);
        let included = Included::find(&root, directory);
        files.add(included.watched());
        errors.extend(included.read_into(&mut root));
        let (shared, refused) = route_defaults::spread(&mut root);
        errors.extend(refused);
        let report = Report::new(errors);
        let place = root.place.clone();
        let config = Section::read(KeyPath::default(), root, &place, &report, |root| {
            Self::read(root, &proxies)
        });
        let errors = shared.named(report.into_errors());
        match config {
            Some(config) if errors.is_empty() => Ok(Self { files, ..config }),
            // A reader that returns `None` has already recorded the error.
            _ => Err(ConfigErrors::new(errors)),
        }
    }

    fn read(root: &mut Section<'_>, proxies: &ProxyVariables) -> Option<Self> {
        let server = root.section("server", ServerConfig::read);
        let admin = root.optional_section("admin", AdminConfig::read);
        let ghes = servers::read(root, |ghes| GhesConfig::read_with_apps(ghes, proxies));
        let servers = Servers::new(ghes.as_ref());
        let cache = root.section("cache", Cache::read);
        // Both are done with before the routes are read: see `build`.
        root.list("include", Node::items_or_one, Node::text);
        root.optional_section("route_defaults", |_| Some(()));
        let routes = routes::read(root, servers);
        let authorization_server = root.optional_section("authorization_server", |section| {
            AuthorizationServerConfig::read(section, servers)
        });
        let decisions = root.optional_section("decisions", |decisions| {
            DecisionsConfig::read(decisions, servers)
        });
        if let (Some(server), Some(decisions)) = (&server, &decisions)
            && let Some(twin) = decisions.twin_of(server)
        {
            root.refuse(
                "decisions",
                format!("listens on {twin} of server.listen, too; give it another port"),
            );
        }
        let session =
            root.optional_section("session", |session| SessionConfig::read(session, servers));
        if let Some(session) = &session
            && let Some(at) = session.refused_by(routes.iter().enumerate())
        {
            let id = &session.client_id;
            let message = format!(
                "routes[{at}] has login = true, and refuses tokens of {id}; add it to its apps"
            );
            root.refuse("session", message);
        }
        let webhook = root.optional_section("webhook", WebhookConfig::read);
        let assertion = root.optional_section("assertion", AssertionConfig::read);
        Some(Self {
            server: server?,
            admin,
            ghes: ghes?,
            cache: cache?,
            routes,
            decisions,
            session,
            authorization_server,
            webhook,
            assertion,
            files: WatchedFiles::new(None),
        })
    }
}

/// Reads a file, if there is one; `least` is what a new one has to begin with.
fn tree(file: Option<&Path>, least: &str) -> Result<Node, ConfigErrors> {
    let Some(file) = file else {
        return Ok(Node::empty(Place::Nowhere));
    };
    let name: Arc<str> = file.display().to_string().into();
    let text = fs::read_to_string(file).map_err(|error| unreadable(&name, &error, least))?;
    source::parse(&text, &name).map_err(ConfigErrors::new)
}

fn tree_of_text(toml: &str) -> Result<Node, ConfigErrors> {
    source::parse(toml, &"configuration".into()).map_err(ConfigErrors::new)
}

fn unreadable(name: &Arc<str>, error: &Error, least: &str) -> ConfigErrors {
    let cure = match error.kind() {
        ErrorKind::NotFound => format!("; create it with at least {least}"),
        _ => String::new(),
    };
    let message = format!("cannot be read: {error}{cure}");
    let place = Place::File(Arc::clone(name));
    ConfigErrors::new(vec![ConfigError::new(place, KeyPath::default(), message)])
}
