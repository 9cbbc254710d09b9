//! `[route_defaults]`: what routes have in common, written once.
//!
//! Spread before anything is read, so that a default is read and refused as what stands at a route.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::reader::error::{ConfigError, Place};
use super::reader::path::KeyPath;
use super::reader::source::{Node, Value};
use super::routes::Admittance;

/// Where the defaults stand. A mistake there is one mistake, however many routes have it.
#[derive(Default)]
pub(super) struct Shared(BTreeSet<Place>);

type Entries = BTreeMap<String, Node>;

/// Gives each route the defaults that it does not have itself, and that mean something there.
/// Returns what may not be one.
pub(super) fn spread(root: &mut Node) -> (Shared, Vec<ConfigError>) {
    let Value::Table(root) = &mut root.value else {
        return Default::default();
    };
    let Some(Value::Table(defaults)) = root.get_mut(HEADER).map(|node| &mut node.value) else {
        return Default::default();
    };
    let (own, defaults): (Entries, Entries) = mem::take(defaults)
        .into_iter()
        .partition(|(key, _)| OWN.contains(&&**key));
    if let Some(Value::Array(routes)) = root.get_mut("routes").map(|node| &mut node.value) {
        for route in routes {
            if let Value::Table(route) = &mut route.value {
                fill(route, &defaults);
            }
        }
    }
    let mut shared = Shared::default();
    defaults.values().for_each(|node| shared.note(node));
    (shared, own.into_iter().map(refused).collect())
}

fn refused((key, node): (String, Node)) -> ConfigError {
    let path = KeyPath::default().key(HEADER).key(&key);
    let message = match &*key {
        "anonymous" => "would open each route that does not say otherwise; write it there",
        _ => "is each route's own; write it there",
    };
    ConfigError::new(node.place, path, message)
}

fn fill(route: &mut Entries, defaults: &Entries) {
    let missing: Vec<_> = defaults
        .iter()
        .filter(|(key, _)| has_meaning(key, route, defaults))
        .collect();
    for (key, default) in missing {
        match (
            route.get_mut(key).map(|node| &mut node.value),
            &default.value,
        ) {
            (None, _) => {
                route.insert(key.clone(), default.clone());
            }
            (Some(Value::Table(own)), Value::Table(defaults)) if key == "timeouts" => {
                for (key, default) in defaults {
                    own.entry(key.clone()).or_insert_with(|| default.clone());
                }
            }
            _ => {}
        }
    }
}

/// Tells whether a default has a meaning at a route, by the keys that the route has.
fn has_meaning(key: &str, route: &Entries, defaults: &Entries) -> bool {
    let names = |keys: &[&str]| keys.iter().any(|key| route.contains_key(*key));
    let is = |key: &str| route.get(key).is_some_and(Node::is_true);
    match key {
        _ if is_of_tokens(key) && is("anonymous") => false,
        // In one of them, others would let in more people than the route names.
        _ if PEOPLE.contains(&key) => !names(PEOPLE),
        // They are those of the default's server.
        "apps" => !names(&["ghes"]),
        "exempt_github_apps" => {
            let needs_scopes = |of: &Entries| SCOPES.iter().any(|key| of.contains_key(*key));
            needs_scopes(route) || needs_scopes(defaults)
        }
        "strip_prefix" => !is("exact") && route.get("path").is_none_or(|path| !path.is_text("/")),
        "upstream_tls" => {
            let upstream = route.get("upstream").or_else(|| defaults.get("upstream"));
            upstream.is_some_and(|node| node.has_text(|url| url.starts_with("https://")))
        }
        _ => true,
    }
}

impl Shared {
    fn note(&mut self, node: &Node) {
        self.0.insert(node.place.clone());
        match &node.value {
            Value::Array(items) => items.iter().for_each(|item| self.note(item)),
            Value::Table(entries) => entries.values().for_each(|entry| self.note(entry)),
            _ => {}
        }
    }

    /// Names the defaults in place of the routes that have them, and each mistake once.
    pub(super) fn named(&self, errors: Vec<ConfigError>) -> Vec<ConfigError> {
        let mut named: Vec<ConfigError> = Vec::new();
        for error in errors {
            let error = match self.0.contains(error.place()) {
                true => error.of_shared("routes", HEADER),
                false => error,
            };
            if !named.contains(&error) {
                named.push(error);
            }
        }
        named
    }
}

const HEADER: &str = "route_defaults";

/// What tells routes apart, and what opens one.
pub(super) const OWN: &[&str] = &["name", "path", "exact", "hosts", "methods", "anonymous"];

/// They name people together.
const PEOPLE: &[&str] = &[
    "users",
    "user_ids",
    "site_admins",
    "orgs",
    "teams",
    "people",
];

const SCOPES: &[&str] = &["scopes", "scopes_any"];

/// Tells whether a key has no meaning where no token is asked for.
fn is_of_tokens(key: &str) -> bool {
    let mut admittance = Admittance::KEYS.iter();
    admittance.any(|known| known.name == key) || OF_TOKENS.contains(&key)
}

/// Beside those of [`Admittance`].
const OF_TOKENS: &[&str] = &[
    "audience",
    "basic",
    "forward_token",
    "identity_headers",
    "login",
    "mode",
    "resource",
    "websocket_protocol",
];
