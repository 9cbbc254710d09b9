pub(super) mod alone;
pub(super) mod limits;
mod preset;
pub(super) mod proxy;
pub(super) mod servers;

use std::path::PathBuf;

use rustls::RootCertStore;
use secrecy::{ExposeSecret, SecretString};

pub use self::preset::AppPreset;

use self::limits::GhesLimits;
use super::reader::kind::Shape;
use super::reader::secret::{self, Length, Secret, SecretFile};
use super::reader::section::Section;
use super::reader::source::Node;
use super::reader::table::{Key, Table, keys};
use crate::connect::{Contents, ProxyVariables, certificates};
use crate::ghes::{GhesUrl, ProxyUrl, is_client_id};
use crate::protection::Limits;

/// `[ghes]`, or one of several `[[ghes]]`: a server that is asked about tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GhesConfig {
    /// What routes call it; no other server has this name. Absent: the host of `url`, with its
    /// port if there is one.
    pub name: String,
    /// The host that people open in a browser. Required.
    pub url: GhesUrl,
    /// Certificates to trust besides the system's roots. Absent: the system's roots only.
    pub ca_file: Option<PathBuf>,
    /// The HTTP proxy by which the server is reached, from `proxy` or the file `proxy_file`. Absent
    /// there: from `HTTPS_PROXY` and `NO_PROXY`, as [`ProxyUrl::from_environment`] has them. None if
    /// the server is reached directly.
    pub proxy: Option<ProxyUrl>,
    /// Whether `url` may be `http://` beyond loopback. Absent: no, for it shows every token
    /// and the app's secret to the network.
    pub allow_insecure_http: bool,
    /// The value of `X-GitHub-Api-Version`. Absent: no such header, and the server's own
    /// default, which suits every release that has the endpoint.
    pub api_version: Option<String>,
    /// The apps whose tokens are good, each with a client id of its own, in the order of the
    /// file: in a [`Config`](super::Config) at least one, in what [`GhesConfig::load`] reads
    /// perhaps none.
    pub apps: Vec<AppConfig>,
    /// What was in `ca_file`.
    pub(crate) ca_contents: Contents,
    /// `[ghes.limits]`: how much the server is asked at most, about all its apps together.
    pub limits: Limits,
}

/// `[[ghes.apps]]`: an OAuth app or GitHub App of the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppConfig {
    /// The well-known app that it is. Absent: none, one of your own.
    pub preset: Option<AppPreset>,
    /// The app's client id. Required, unless there is a preset.
    pub client_id: String,
    /// The app's client secret, from `client_secret` or the file `client_secret_file`. Required,
    /// unless there is a preset.
    pub client_secret: SecretString,
    /// Another client secret of the app, from `client_secret_next` or the file
    /// `client_secret_next_file`: what GHES is asked with once it refuses the first. Absent: none.
    pub client_secret_next: Option<SecretString>,
    /// Where the secrets are read again, if they come from files.
    pub(crate) client_secret_file: Option<SecretFile>,
    pub(crate) client_secret_next_file: Option<SecretFile>,
}

impl GhesConfig {
    /// Tells whether it is the same server under the same name, reached in the same way and within
    /// the same limits; whatever its apps.
    pub(crate) fn is_same_server(&self, other: &Self) -> bool {
        self.name == other.name
            && self.url == other.url
            && self.ca_file == other.ca_file
            && self.ca_contents == other.ca_contents
            && self.proxy == other.proxy
            && self.api_version == other.api_version
            && self.limits == other.limits
    }
}

impl AppConfig {
    /// Tells whether it is a GitHub App, whose tokens have no scopes.
    pub(in crate::config) fn is_github_app(&self) -> bool {
        let id = self.client_id.as_str();
        id.starts_with("Iv1.") || id.starts_with("Iv23")
    }

    /// Tells whether it is the same app with the same secrets. Where they come from files, the
    /// files decide: what is in them is read again anyway.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let text =
            |secret: Option<&SecretString>| secret.map(|text| text.expose_secret().to_owned());
        let is_same = |ours, theirs, our_file: &Option<SecretFile>, their_file| {
            let is_in_files = our_file.is_some();
            our_file == their_file && (is_in_files || text(ours) == text(theirs))
        };
        let (ours, theirs) = (Some(&self.client_secret), Some(&other.client_secret));
        let (our_next, their_next) = (&self.client_secret_next, &other.client_secret_next);
        let (file, next_file) = (&other.client_secret_file, &other.client_secret_next_file);
        self.client_id == other.client_id
            && is_same(ours, theirs, &self.client_secret_file, file)
            && is_same(
                our_next.as_ref(),
                their_next.as_ref(),
                &self.client_secret_next_file,
                next_file,
            )
    }
}

impl GhesConfig {
    /// The keys of `[ghes]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// the host that people open in a browser; the gate finds the API
        url: Shape::Text, shown "https://ghes.example.com";
        /// what routes call it; absent: the host of url
        name: Shape::Text, shown "ghes.example.com";
        /// PEM, added to the system's roots
        ca_file: Shape::Text, shown "/etc/ssl/corp-ca.pem";
        /// CONNECT, also https://; with user:password@ if it requires one, or in
        /// proxy_file = "/run/secrets/ghes-proxy"; "none" for none;
        /// absent: HTTPS_PROXY and NO_PROXY of the environment
        proxy: Shape::Text, shown "http://proxy.corp:3128";
        proxy_file: Shape::Text;
        /// sent as X-GitHub-Api-Version; absent: the server's default
        api_version: Shape::Text, shown "2022-11-28";
        /// true: url may be http:// beyond loopback; for tests only
        allow_insecure_http: Shape::Boolean, default false;
    };

    /// Reads the section for the proxy, which is of no use without an app.
    pub(super) fn read_with_apps(
        ghes: &mut Section<'_>,
        variables: &ProxyVariables,
    ) -> Option<Self> {
        Self::read(ghes, variables, |ghes, read| {
            ghes.sections("apps", "client_id", read)
        })
    }

    /// Reads the section for a command that only calls the server, with an app or without.
    pub(super) fn read_with_any_apps(
        ghes: &mut Section<'_>,
        variables: &ProxyVariables,
    ) -> Option<Self> {
        Self::read(ghes, variables, |ghes, read| {
            ghes.sections_if_any("apps", read)
        })
    }

    fn read(
        ghes: &mut Section<'_>,
        variables: &ProxyVariables,
        sections: impl FnOnce(&mut Section<'_>, &mut ReadApp<'_>) -> Vec<AppConfig>,
    ) -> Option<Self> {
        let url = ghes.required("url", "url = \"https://ghes.example.com\"", url);
        let allow_insecure_http = ghes.flag("allow_insecure_http");
        if url.as_ref().is_some_and(GhesUrl::is_exposed) && !allow_insecure_http {
            ghes.refuse("url", EXPOSED);
        }
        let ca_file = ghes.optional("ca_file", ca_file);
        let proxy = proxy::read(ghes, url.as_ref(), variables);
        let api_version = ghes.optional("api_version", api_version);
        let is_named = ghes.has("name");
        let name = ghes.optional("name", name);
        let apps = apps(ghes, sections);
        let limits = ghes.section("limits", GhesLimits::read);
        let url = url?;
        let host = (!is_named).then(|| url.host_and_port());
        Some(Self {
            name: name.or(host)?,
            url,
            ca_contents: Contents::of(&ca_file),
            ca_file,
            proxy,
            allow_insecure_http,
            api_version,
            apps: apps?,
            limits: limits?,
        })
    }
}

impl AppConfig {
    /// The keys of `[[ghes.apps]]`.
    pub(in crate::config) const KEYS: &'static [Key] = keys! {
        /// in place of all below: the app of the gh command, whose secret is public
        preset: Shape::Words(&["gh-cli"]), aside "gh-cli";
        client_id: Shape::Text, shown "Iv1.8a61f9b3a7aba766";
        /// read again when it changes; or client_secret = "..."
        client_secret_file: Shape::Text, shown "/run/secrets/ghes-client-secret";
        client_secret: Shape::Text;
        /// tried if GHES rejects the first
        client_secret_next_file: Shape::Text, shown "/run/secrets/ghes-next-client-secret";
        client_secret_next: Shape::Text;
    };

    fn read(app: &mut Section<'_>) -> Option<Self> {
        let is_preset = app.has("preset");
        let preset = app.optional("preset", preset);
        if is_preset {
            return Self::of_preset(app, preset);
        }
        let example = "client_id = \"Iv1.8a61f9b3a7aba766\"";
        let client_id = app.required("client_id", example, client_id);
        let client_secret =
            secret::required(app, "client_secret", "client_secret_file", Length::Any);
        let (next, next_file) = ("client_secret_next", "client_secret_next_file");
        let client_secret_next = secret::optional(app, next, next_file);
        if let (Some(secret), Some(next)) = (&client_secret, &client_secret_next)
            && secret.text.expose_secret() == next.text.expose_secret()
        {
            app.refuse_whole("both client secrets are the same; leave out client_secret_next");
        }
        let Secret {
            text: client_secret,
            file: client_secret_file,
        } = client_secret?;
        let (client_secret_next, client_secret_next_file) = match client_secret_next {
            Some(next) => (Some(next.text), next.file),
            None => (None, None),
        };
        Some(Self {
            preset: None,
            client_id: client_id?,
            client_secret,
            client_secret_next,
            client_secret_file,
            client_secret_next_file,
        })
    }

    fn of_preset(app: &mut Section<'_>, preset: Option<AppPreset>) -> Option<Self> {
        let own = [
            "client_id",
            "client_secret",
            "client_secret_file",
            "client_secret_next",
            "client_secret_next_file",
        ];
        let given: Vec<&str> = own
            .into_iter()
            .filter(|key| app.take(key).is_some())
            .collect();
        if !given.is_empty() {
            let cure = format!("drop {}, or preset", given.join(" and "));
            app.refuse("preset", format!("names the app and its secret; {cure}"));
            return None;
        }
        let preset = preset?;
        Some(Self {
            preset: Some(preset),
            client_id: preset.client_id().to_owned(),
            client_secret: preset.client_secret().into(),
            client_secret_next: None,
            client_secret_file: None,
            client_secret_next_file: None,
        })
    }
}

type ReadApp<'a> = dyn FnMut(&mut Section<'_>) -> Option<AppConfig> + 'a;

/// Reads all apps; none if one of them cannot be read.
fn apps(
    ghes: &mut Section<'_>,
    sections: impl FnOnce(&mut Section<'_>, &mut ReadApp<'_>) -> Vec<AppConfig>,
) -> Option<Vec<AppConfig>> {
    let mut taken: Vec<Option<String>> = Vec::new();
    let apps = sections(ghes, &mut |section| {
        let app = AppConfig::read(section);
        let id = app.as_ref().map(|app| app.client_id.clone());
        let twin = taken.iter().position(|other| id.is_some() && *other == id);
        if let Some(at) = twin {
            let message = format!("is that of apps[{at}] too; keep one of them");
            section.refuse("client_id", message);
        }
        taken.push(id);
        app
    });
    (apps.len() == taken.len()).then_some(apps)
}

/// What `[[ghes]]` is called in logs, on the command line and by routes.
fn name(node: Node) -> Result<String, String> {
    let name = node.text()?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    match name.bytes().all(legal) && (1..=255).contains(&name.len()) {
        true => Ok(name),
        false => Err("not a name; write letters, digits, dots and hyphens, like ghes-eu".into()),
    }
}

fn url(node: Node) -> Result<GhesUrl, String> {
    node.text()?
        .parse()
        .map_err(|error: crate::ghes::InvalidGhesUrl| error.to_string())
}

fn preset(node: Node) -> Result<AppPreset, String> {
    node.text()?.parse().map_err(str::to_owned)
}

fn client_id(node: Node) -> Result<String, String> {
    let client_id = node.text()?;
    if !is_client_id(&client_id) {
        return Err("not a client id; copy it from the app's settings page on GHES".to_owned());
    }
    if client_id.len() < 16 && client_id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(
            "is the number of an app; write its client id, which stands below it".to_owned(),
        );
    }
    Ok(client_id)
}

fn api_version(node: Node) -> Result<String, String> {
    let version = node.text()?;
    let digit_or_dash = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if version.len() != 10 || !version.bytes().enumerate().all(digit_or_dash) {
        return Err("not a version; write it as a date, like 2022-11-28".to_owned());
    }
    Ok(version)
}

/// Takes a file in which every certificate can be a root. One that cannot is refused here,
/// because leaving it out would surface as a failed handshake much later.
pub(super) fn ca_file(node: Node) -> Result<PathBuf, String> {
    let path = PathBuf::from(node.text()?);
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&path)? {
        roots
            .add(certificate)
            .map_err(|_| format!("{path:?} holds a certificate that cannot be a root"))?;
    }
    Ok(path)
}

const EXPOSED: &str = "http:// would show every token and the app's secret to the network; \
     use https://, or set ghes.allow_insecure_http = true for a test";
