use http::Method;
use serde::Serialize;

use crate::config::RouteConfig;

/// A route, and what made it the one for the request.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RouteTrace {
    /// Its place in the configuration, from 0.
    pub index: usize,
    /// What it is called.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Whether nothing below the path is meant.
    pub exact: bool,
    /// Its hosts; none if it is for all.
    pub hosts: Vec<String>,
    /// Its methods; none if it is for all.
    pub methods: Vec<String>,
    /// Whether requests pass without a token.
    pub anonymous: bool,
    /// What becomes of what the gate decides: `enforce` or `observe`.
    pub mode: &'static str,
    /// The name of the server whose tokens are good here; none if no token is asked for.
    pub ghes: Option<String>,
    /// The client ids of the apps whose tokens are good here, in the order in which they are asked.
    pub apps: Vec<String>,
    /// Where its requests go.
    pub upstreams: Vec<String>,
}

impl RouteTrace {
    pub(in crate::proxy) fn new(index: usize, route: &RouteConfig) -> Self {
        let (matches, tokens) = (&route.matches, route.tokens.as_ref());
        Self {
            index,
            name: route.name.to_string(),
            path: matches.path.to_string(),
            exact: matches.exact,
            hosts: matches.hosts.iter().map(ToString::to_string).collect(),
            methods: matches.methods.iter().map(Method::to_string).collect(),
            anonymous: route.anonymous,
            mode: route.mode.as_str(),
            ghes: tokens.map(|tokens| tokens.ghes.clone()),
            apps: tokens.map_or_else(Vec::new, |tokens| tokens.apps.clone()),
            upstreams: route.upstreams.iter().map(ToString::to_string).collect(),
        }
    }
}
