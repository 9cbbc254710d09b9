//! Documents that describe routes and GHES to clients without a token.
//!
//! A challenge names the document in which the route describes itself (RFC 9728). That document
//! names where to get a token. Since GHES publishes none, the proxy also serves a description of
//! GHES (RFC 8414). Clients of the Model Context Protocol follow this way.
//!
//! Every document is made once, from the configuration alone: no header of a request can lead a
//! client elsewhere. A request for one needs no token, and any `Host` will do; only where two share
//! a path does the host decide.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue,
};
use http::{Method, Response, StatusCode};
use serde::Serialize;

use crate::authority::bare_host;
use crate::config::{
    AuthorizationServerConfig, Config, GhesConfig, PublicUrl, ResourceConfig, RouteConfig,
};
use crate::scope::Scope;
use crate::upstream::body::Body;

/// The well-known name of a route's description (RFC 9728 §3).
pub(crate) const PROTECTED_RESOURCE: &str = "oauth-protected-resource";

/// The well-known name of a description of GHES (RFC 8414 §3).
const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";

/// The prefix of all document paths.
const PREFIX: &str = "/.well-known/oauth-";

/// The methods of a document.
pub(crate) static ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// All documents.
#[derive(Debug)]
pub(crate) struct Metadata(Vec<Document>);

#[derive(Debug)]
pub(crate) struct Document {
    path: String,
    host: String,
    json: Bytes,
}

impl Metadata {
    pub(crate) fn new(config: &Config) -> Self {
        let server = config.authorization_server.as_ref();
        let of_ghes = server.and_then(|server| {
            let mut known = config.ghes.iter();
            let ghes = known.find(|ghes| ghes.name == server.ghes)?;
            let described = describe_ghes(server, &ghes.url.to_string());
            Some(Document::new(
                &server.issuer,
                AUTHORIZATION_SERVER,
                &described,
            ))
        });
        let of_routes = config.routes.iter().filter_map(|route| {
            let resource = route.resource.as_ref()?;
            let (ghes, _) = config.issuer_of(route)?;
            let described = describe(resource, route, &login_of(ghes, server));
            Some(Document::new(&resource.url, PROTECTED_RESOURCE, &described))
        });
        Self(of_ghes.into_iter().chain(of_routes).collect())
    }

    /// Finds a document by its exact path. A similar path is left to the routes.
    pub(crate) fn find(&self, host: Option<&HeaderValue>, path: &str) -> Option<&Document> {
        if self.0.is_empty() || !path.starts_with(PREFIX) {
            return None;
        }
        let mut named = self.0.iter().filter(|document| document.path == path);
        let first = named.next()?;
        let Some(second) = named.next() else {
            return Some(first);
        };
        let host = bare_host(host?.to_str().ok()?);
        let mut several = [first, second].into_iter().chain(named);
        several.find(|document| document.host == host)
    }
}

impl Document {
    fn new(url: &PublicUrl, name: &str, described: &impl Serialize) -> Self {
        Self {
            path: url.well_known_path(name),
            host: url.host().into_owned(),
            // Words and lists of words always serialise; a failure is not worth a panic.
            json: serde_json::to_vec(described).unwrap_or_default().into(),
        }
    }

    /// Answers a request for the document; none if documents do not have the method.
    pub(crate) fn answer(&self, method: &Method) -> Option<Response<Body>> {
        let mut response = Response::new(Body::default());
        let headers = response.headers_mut();
        // Nothing in it depends on the client, so all pages may read it.
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        match *method {
            Method::GET | Method::HEAD => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
                *response.body_mut() = self.json.clone().into();
            }
            Method::OPTIONS => {
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, ALLOW.clone());
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
                headers.insert(http::header::ALLOW, ALLOW.clone());
                *response.status_mut() = StatusCode::NO_CONTENT;
            }
            _ => return None,
        }
        Some(response)
    }
}

/// Returns where clients get a token of a server: the configured authorization server, or GHES
/// itself.
fn login_of(ghes: &GhesConfig, told: Option<&AuthorizationServerConfig>) -> String {
    match told {
        Some(server) if server.ghes == ghes.name => server.issuer.to_string(),
        Some(_) | None => ghes.url.to_string(),
    }
}

/// RFC 9728 §2.
#[derive(Serialize)]
struct ProtectedResource<'c> {
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'c str>,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'c str>,
    bearer_methods_supported: [&'static str; 1],
}

fn describe<'c>(
    resource: &'c ResourceConfig,
    route: &'c RouteConfig,
    default_server: &str,
) -> ProtectedResource<'c> {
    let servers = &resource.authorization_servers;
    ProtectedResource {
        resource: resource.url.to_string(),
        resource_name: resource.name.as_deref(),
        authorization_servers: match &servers[..] {
            [] => vec![default_server.to_owned()],
            some => some.iter().map(PublicUrl::to_string).collect(),
        },
        scopes_supported: match &resource.scopes_supported {
            Some(scopes) => scopes.iter().map(Scope::as_str).collect(),
            None => route
                .scopes
                .iter()
                .chain(&route.scopes_any)
                .map(Scope::as_str)
                .collect(),
        },
        bearer_methods_supported: ["header"],
    }
}

/// RFC 8414 §2, and RFC 8628 §4 for the device flow.
#[derive(Serialize)]
struct AuthorizationServer<'c> {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    device_authorization_endpoint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<&'c str>,
    response_types_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 3],
    token_endpoint_auth_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    code_challenge_methods_supported: Option<[&'static str; 1]>,
}

fn describe_ghes<'c>(server: &'c AuthorizationServerConfig, ghes: &str) -> AuthorizationServer<'c> {
    AuthorizationServer {
        issuer: server.issuer.to_string(),
        authorization_endpoint: format!("{ghes}/login/oauth/authorize"),
        token_endpoint: format!("{ghes}/login/oauth/access_token"),
        device_authorization_endpoint: format!("{ghes}/login/device/code"),
        scopes_supported: server.scopes_supported.iter().map(Scope::as_str).collect(),
        response_types_supported: ["code"],
        grant_types_supported: [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        token_endpoint_auth_methods_supported: ["client_secret_post"],
        code_challenge_methods_supported: server.pkce.then_some(["S256"]),
    }
}
