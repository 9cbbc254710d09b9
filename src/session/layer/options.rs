use std::fmt;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use secrecy::{ExposeSecret, SecretString};

use crate::authority::{bare_host, is_connectable, is_loopback};
use crate::path::is_plain;
use crate::scope::Scopes;
use crate::session::{Keys, Options};

/// How people log in to an app of yours.
///
/// ```
/// use ghes_gatekeeper::session::SessionOptions;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = "0123456789abcdef0123456789abcdef".to_owned();
/// let options = SessionOptions::new("https://tool.example.com", key)?
///     .with_scopes(["read:org"].into_iter().collect());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SessionOptions {
    scheme: String,
    login_host: String,
    keys: Vec<SecretString>,
    hosts: Vec<Box<str>>,
    scopes: Scopes,
    max_age: Duration,
    prefix: String,
}

impl SessionOptions {
    /// Logs people in at `url`, the app as browsers know it, such as `https://tool.example.com`.
    /// Its callback URL at GHES is this and `/oauth2/callback`.
    ///
    /// The cookies are sealed with `key`, of 32 bytes or more, as `openssl rand -base64 32` makes
    /// it. All instances of the app need the same.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSession`] if the URL is not `https`, but for loopback, if it has more than a
    /// host and a port, or if the key is too short.
    pub fn new(url: &str, key: impl Into<SecretString>) -> Result<Self, InvalidSession> {
        let parts = url.parse::<Uri>().map_err(|_| URL)?.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(URL);
        };
        let is_root = parts.path_and_query.is_none_or(|path| path == "/");
        if !is_root || !is_connectable(&authority) {
            return Err(URL);
        }
        if scheme != Scheme::HTTPS && !(scheme == Scheme::HTTP && is_loopback(authority.host())) {
            return Err(InvalidSession("the URL must be https://"));
        }
        let options = Self {
            scheme: scheme.to_string(),
            login_host: authority.as_str().to_ascii_lowercase(),
            keys: Vec::new(),
            hosts: Vec::new(),
            scopes: Scopes::default(),
            max_age: WEEK,
            prefix: "/oauth2".to_owned(),
        };
        options.with_old_key(key)
    }

    /// Opens cookies that were sealed with another key as well, so that a key can be replaced
    /// without logging anybody out.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSession`] if the key is too short.
    pub fn with_old_key(mut self, key: impl Into<SecretString>) -> Result<Self, InvalidSession> {
        let key = key.into();
        if key.expose_secret().len() < Keys::LEAST_BYTES {
            return Err(KEY);
        }
        self.keys.push(key);
        Ok(self)
    }

    /// Logs people in on more hosts, to which this one hands over. Others are none of ours: no
    /// redirect goes there, and no cookie of theirs is read.
    #[must_use]
    pub fn with_hosts<'h>(mut self, hosts: impl IntoIterator<Item = &'h str>) -> Self {
        let hosts = hosts.into_iter().map(|host| bare_host(host).into());
        self.hosts.extend(hosts);
        self
    }

    /// Asks people for these scopes; for none by default. `read:org` is needed where a policy asks
    /// for organizations or teams.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Sets after how long a person logs in again, whatever the life of the token; 7 days by
    /// default.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the path of the endpoints; `/oauth2` by default.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSession`] if it is no plain path with a name, like `/login`.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, InvalidSession> {
        if !is_plain(prefix)
            || !prefix.starts_with('/')
            || prefix.len() < 2
            || prefix.ends_with('/')
        {
            return Err(PREFIX);
        }
        prefix.clone_into(&mut self.prefix);
        Ok(self)
    }

    pub(super) fn keys(&self) -> Keys {
        let keys = self.keys.iter();
        let keys = keys.map(|key| key.expose_secret().as_bytes().to_vec());
        Keys::new(keys).expect("each was long enough when it came")
    }

    /// Returns the options of the logins by the app `client_id` of the server at `ghes`.
    pub(super) fn at(self, ghes: &str, client_id: &str) -> Options {
        Options {
            scheme: self.scheme,
            login_host: self.login_host,
            hosts: self.hosts,
            server: ghes.to_owned(),
            authorize: format!("{ghes}/login/oauth/authorize"),
            client_id: client_id.to_owned(),
            scopes: self
                .scopes
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect(),
            max_age: self.max_age,
            prefix: self.prefix,
        }
    }
}

/// The error for options with which nobody could log in safely.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidSession(&'static str);

impl fmt::Display for InvalidSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidSession {}

const URL: InvalidSession =
    InvalidSession("the URL is not like https://tool.example.com, with a host and no path");

const KEY: InvalidSession =
    InvalidSession("the key has less than 32 bytes; make one with openssl rand -base64 32");

const PREFIX: InvalidSession = InvalidSession("the prefix is not a plain path, like /login");

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
