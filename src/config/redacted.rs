use std::fmt;
use std::num::NonZeroU32;

use http::{HeaderName, Method};
use toml::Value;

use super::cache::Cache;
use super::decisions::Decisions;
use super::ghes::limits::GhesLimits;
use super::ghes::proxy::NONE;
use super::reader::duration::friendly;
use super::reader::secret::REDACTED;
use super::reader::table::Table;
use super::routes::upstream::RouteTimeouts;
use super::server::Server;
use super::server::front::{ServerLimits, ServerTimeouts};
use super::{
    Admittance, AssertionConfig, AuthorizationServerConfig, Combination, Config, Cors, CorsAnswers,
    DecisionsConfig, GhesConfig, PeopleConfig, ResourceConfig, RouteConfig, RouteHost, RouteMatch,
    ServerConfig, SessionConfig, UpstreamTls, UpstreamUrl, WebhookConfig,
};
use crate::ghes::ProxyUrl;
use crate::membership::Group;
use crate::scope::{Scope, Scopes};
use crate::server::CertificateFiles;

/// Prints a configuration as TOML, with defaults and without secrets.
pub(super) struct Redacted<'c>(pub(super) &'c Config);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config {
            server,
            admin,
            ghes,
            cache,
            routes,
            decisions,
            session,
            authorization_server,
            webhook,
            assertion,
            files: _,
        } = self.0;
        write_server(f, server)?;
        if admin.is_some() {
            writeln!(f, "\n[admin]")?;
            write_key(f, "secret", REDACTED)?;
        }
        let header = match ghes.len() {
            1 => "[ghes]",
            _ => "[[ghes]]",
        };
        ghes.iter()
            .try_for_each(|ghes| write_ghes(f, header, ghes))?;
        write_table::<Cache>(f, "[cache]", cache)?;
        routes.iter().try_for_each(|route| write_route(f, route))?;
        decisions
            .iter()
            .try_for_each(|decisions| write_decisions(f, decisions))?;
        session
            .iter()
            .try_for_each(|session| write_session(f, session))?;
        authorization_server
            .iter()
            .try_for_each(|server| write_authorization_server(f, server))?;
        webhook
            .iter()
            .try_for_each(|webhook| write_webhook(f, webhook))?;
        assertion
            .iter()
            .try_for_each(|assertion| write_assertion(f, assertion))
    }
}

fn write_server(f: &mut fmt::Formatter<'_>, server: &ServerConfig) -> fmt::Result {
    writeln!(f, "[server]")?;
    write_keys::<Server>(f, server)?;
    write_limits(f, server)?;
    write_table::<ServerTimeouts>(f, "[server.timeouts]", &server.timeouts)?;
    write_certificate(f, "[server.tls]", server.tls.as_ref())
}

fn write_certificate(
    f: &mut fmt::Formatter<'_>,
    header: &str,
    files: Option<&CertificateFiles>,
) -> fmt::Result {
    let Some(files) = files else {
        return Ok(());
    };
    writeln!(f, "\n{header}")?;
    write_key(f, "cert_file", files.cert_file.to_string_lossy().as_ref())?;
    write_key(f, "key_file", files.key_file.to_string_lossy().as_ref())
}

fn write_decisions(f: &mut fmt::Formatter<'_>, decisions: &DecisionsConfig) -> fmt::Result {
    write_table::<Decisions>(f, "[decisions]", decisions)?;
    write_certificate(f, "[decisions.tls]", decisions.tls.as_ref())?;
    if decisions.callers.is_empty() {
        return Ok(());
    }
    for caller in &decisions.callers {
        writeln!(f, "\n[[decisions.callers]]")?;
        write_key(f, "id", caller.id.as_str())?;
        write_key(f, "secret", REDACTED)?;
        write_admittance(f, &caller.admittance)?;
    }
    let review = &decisions.token_review;
    writeln!(f, "\n[decisions.token_review]")?;
    let groups: Vec<String> = review.groups.iter().map(ToString::to_string).collect();
    write_key(f, "groups", groups)?;
    write_key(f, "username_prefix", review.username_prefix.as_str())?;
    write_key(f, "groups_prefix", review.groups_prefix.as_str())
}

/// Of a key, there is nothing to show: the path may be one, written in the wrong place.
fn write_session(f: &mut fmt::Formatter<'_>, session: &SessionConfig) -> fmt::Result {
    writeln!(f, "\n[session]")?;
    write_key(f, "login_url", session.login_url.to_string())?;
    write_key(f, "key_files", vec![REDACTED; session.keys.len()])?;
    write_key(f, "ghes", session.ghes.as_str())?;
    write_key(f, "client_id", session.client_id.as_str())?;
    write_key(f, "scopes", names(&session.scopes))?;
    write_key(f, "max_age", friendly(session.max_age))?;
    write_key(f, "prefix", session.prefix.as_str())
}

/// What follows from other limits is written out.
fn write_limits(f: &mut fmt::Formatter<'_>, server: &ServerConfig) -> fmt::Result {
    let mut server = server.clone();
    server.limits.h2_head_bytes = NonZeroU32::new(server.limits.h2_list_bytes());
    write_table::<ServerLimits>(f, "[server.limits]", &server)
}

fn write_ghes(f: &mut fmt::Formatter<'_>, header: &str, ghes: &GhesConfig) -> fmt::Result {
    writeln!(f, "\n{header}")?;
    write_key(f, "url", ghes.url.to_string())?;
    write_key(f, "name", ghes.name.as_str())?;
    if let Some(path) = &ghes.ca_file {
        write_key(f, "ca_file", path.to_string_lossy().as_ref())?;
    }
    let proxy = ghes.proxy.as_ref();
    write_key(f, "proxy", proxy.map_or_else(|| NONE.to_owned(), address))?;
    if let Some(version) = &ghes.api_version {
        write_key(f, "api_version", version.as_str())?;
    }
    write_key(f, "allow_insecure_http", ghes.allow_insecure_http)?;
    write_table::<GhesLimits>(f, "[ghes.limits]", &ghes.limits)?;
    for app in &ghes.apps {
        writeln!(f, "\n[[ghes.apps]]")?;
        if let Some(preset) = app.preset {
            write_key(f, "preset", preset.as_str())?;
            continue;
        }
        write_key(f, "client_id", app.client_id.as_str())?;
        write_key(f, "client_secret", REDACTED)?;
        if app.client_secret_next.is_some() {
            write_key(f, "client_secret_next", REDACTED)?;
        }
    }
    Ok(())
}

/// The address of a proxy. One with credentials is printed as no valid address, so that the print
/// cannot be used as it is.
fn address(proxy: &ProxyUrl) -> String {
    match proxy.to_string().split_once("://") {
        Some((scheme, host)) if proxy.has_credentials() => format!("{scheme}://{REDACTED}@{host}"),
        _ => proxy.to_string(),
    }
}

fn write_route(f: &mut fmt::Formatter<'_>, route: &RouteConfig) -> fmt::Result {
    writeln!(f, "\n[[routes]]")?;
    write_key(f, "name", route.name.as_str())?;
    write_match(f, &route.matches)?;
    write_upstreams(f, &route.upstreams)?;
    write_key(f, "host", route.host.as_str())?;
    write_key(f, "rewrite_redirects", route.rewrite_redirects)?;
    write_admittance(f, &Admittance::of(route))?;
    write_key(f, "anonymous", route.anonymous)?;
    write_key(f, "mode", route.mode.as_str())?;
    write_key(f, "basic", route.basic)?;
    write_key(f, "websocket_protocol", route.websocket_protocol)?;
    write_key(f, "login", route.login)?;
    write_key(f, "forward_token", route.forward_token)?;
    write_key(f, "identity_headers", route.identity_headers.as_str())?;
    if !route.strip_headers.is_empty() {
        let names = route.strip_headers.iter().map(ToString::to_string);
        write_key(f, "strip_headers", names.collect::<Vec<_>>())?;
    }
    if let Some(audience) = &route.audience {
        write_key(f, "audience", audience.as_str())?;
    }
    write_key(f, "strip_prefix", route.strip_prefix)?;
    write_key(f, "ambiguous_paths", route.ambiguous_paths.as_str())?;
    match &route.cors {
        Cors::Gate => write_key(f, "cors", "gate")?,
        Cors::Upstream => write_key(f, "cors", "upstream")?,
        Cors::Answer(answers) => write_cors(f, answers)?,
    }
    write_table::<RouteTimeouts>(f, "[routes.timeouts]", &route.timeouts)?;
    route
        .resource
        .iter()
        .try_for_each(|resource| write_resource(f, resource))?;
    route
        .upstream_tls
        .iter()
        .try_for_each(|tls| write_tls(f, tls))
}

fn write_admittance(f: &mut fmt::Formatter<'_>, admittance: &Admittance) -> fmt::Result {
    if let Some(tokens) = &admittance.tokens {
        write_key(f, "ghes", tokens.ghes.as_str())?;
        write_key(f, "apps", tokens.apps.clone())?;
    }
    write_key(f, "scopes", names(&admittance.scopes))?;
    let scopes_any: Vec<&str> = admittance.scopes_any.iter().map(Scope::as_str).collect();
    write_key(f, "scopes_any", scopes_any)?;
    if admittance.exempt_github_apps {
        write_key(f, "exempt_github_apps", true)?;
    }
    write_people(f, &admittance.people)?;
    match admittance.max_age {
        Some(age) => write_key(f, "max_age", friendly(age)),
        None => Ok(()),
    }
}

fn write_cors(f: &mut fmt::Formatter<'_>, answers: &CorsAnswers) -> fmt::Result {
    let names = |names: &[HeaderName]| -> Vec<String> {
        names.iter().map(|name| name.as_str().to_owned()).collect()
    };
    let origins = answers.allow_origins.iter();
    let origins = origins.map(|origin| String::from_utf8_lossy(origin.as_bytes()).into_owned());
    writeln!(f, "\n[routes.cors]")?;
    write_key(f, "allow_origins", origins.collect::<Vec<_>>())?;
    write_key(f, "allow_headers", names(&answers.allow_headers))?;
    write_key(f, "expose_headers", names(&answers.expose_headers))?;
    write_key(f, "allow_credentials", answers.allow_credentials)?;
    write_key(f, "max_age", friendly(answers.max_age))
}

fn write_resource(f: &mut fmt::Formatter<'_>, resource: &ResourceConfig) -> fmt::Result {
    writeln!(f, "\n[routes.resource]")?;
    write_key(f, "url", resource.url.to_string())?;
    if let Some(name) = &resource.name {
        write_key(f, "name", name.as_str())?;
    }
    let servers = resource.authorization_servers.iter();
    let servers: Vec<String> = servers.map(ToString::to_string).collect();
    write_key(f, "authorization_servers", servers)?;
    match &resource.scopes_supported {
        Some(scopes) => write_key(f, "scopes_supported", names(scopes)),
        None => Ok(()),
    }
}

fn write_authorization_server(
    f: &mut fmt::Formatter<'_>,
    server: &AuthorizationServerConfig,
) -> fmt::Result {
    writeln!(f, "\n[authorization_server]")?;
    write_key(f, "issuer", server.issuer.to_string())?;
    write_key(f, "ghes", server.ghes.as_str())?;
    write_key(f, "scopes_supported", names(&server.scopes_supported))?;
    write_key(f, "pkce", server.pkce)
}

fn write_people(f: &mut fmt::Formatter<'_>, people: &PeopleConfig) -> fmt::Result {
    let groups = |groups: &[Group]| groups.iter().map(ToString::to_string).collect();
    let lists: [(&str, Vec<String>); 4] = [
        ("users", people.users.clone()),
        ("orgs", groups(&people.orgs)),
        ("teams", groups(&people.teams)),
        ("account_types", people.account_types.clone()),
    ];
    for (key, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
        write_key(f, key, names)?;
    }
    if !people.user_ids.is_empty() {
        writeln!(f, "user_ids = {:?}", people.user_ids)?;
    }
    if people.site_admins {
        write_key(f, "site_admins", true)?;
    }
    if people.combination != Combination::default() {
        write_key(f, "people", people.combination.as_str())?;
    }
    Ok(())
}

fn names(scopes: &Scopes) -> Vec<&str> {
    scopes.iter().map(Scope::as_str).collect()
}

fn write_match(f: &mut fmt::Formatter<'_>, matches: &RouteMatch) -> fmt::Result {
    write_key(f, "path", matches.path.as_str())?;
    write_key(f, "exact", matches.exact)?;
    let hosts: Vec<&str> = matches.hosts.iter().map(RouteHost::as_str).collect();
    let methods: Vec<&str> = matches.methods.iter().map(Method::as_str).collect();
    for (key, values) in [("hosts", hosts), ("methods", methods)] {
        if !values.is_empty() {
            write_key(f, key, values)?;
        }
    }
    Ok(())
}

/// One is written as people write it.
fn write_upstreams(f: &mut fmt::Formatter<'_>, upstreams: &[UpstreamUrl]) -> fmt::Result {
    match upstreams {
        [] => Ok(()),
        [only] => write_key(f, "upstream", only.to_string()),
        several => {
            let several: Vec<String> = several.iter().map(ToString::to_string).collect();
            write_key(f, "upstream", several)
        }
    }
}

fn write_tls(f: &mut fmt::Formatter<'_>, tls: &UpstreamTls) -> fmt::Result {
    writeln!(f, "\n[routes.upstream_tls]")?;
    for (key, path) in [
        ("ca_file", &tls.ca_file),
        ("client_cert_file", &tls.client_cert_file),
        ("client_key_file", &tls.client_key_file),
    ] {
        if let Some(path) = path {
            write_key(f, key, path.to_string_lossy().as_ref())?;
        }
    }
    if let Some(name) = &tls.server_name {
        write_key(f, "server_name", name.to_str().as_ref())?;
    }
    let key = "danger_accept_invalid_certs";
    write_key(f, key, tls.danger_accept_invalid_certs)
}

fn write_webhook(f: &mut fmt::Formatter<'_>, webhook: &WebhookConfig) -> fmt::Result {
    writeln!(f, "\n[webhook]")?;
    write_key(f, "listen", webhook.listen.to_string())?;
    write_key(f, "secret", REDACTED)
}

fn write_assertion(f: &mut fmt::Formatter<'_>, assertion: &AssertionConfig) -> fmt::Result {
    let paths = assertion.key_files.paths().iter();
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    writeln!(f, "\n[assertion]")?;
    write_key(f, "issuer", assertion.issuer.as_str())?;
    write_key(f, "key_files", paths)?;
    write_key(f, "max_age", friendly(assertion.max_age))?;
    write_key(f, "publish", assertion.publish)
}

fn write_table<T: Table>(f: &mut fmt::Formatter<'_>, header: &str, values: &T::Of) -> fmt::Result {
    writeln!(f, "\n{header}")?;
    write_keys::<T>(f, values)
}

fn write_keys<T: Table>(f: &mut fmt::Formatter<'_>, values: &T::Of) -> fmt::Result {
    let keys = T::printed(values);
    keys.into_iter()
        .try_for_each(|(key, value)| write_key(f, key, value))
}

/// `Value` knows how TOML quotes.
fn write_key(f: &mut fmt::Formatter<'_>, key: &str, value: impl Into<Value>) -> fmt::Result {
    writeln!(f, "{key} = {}", value.into())
}
