//! Which requests a route is for, and whether two routes are for the same.

use std::fmt;

use http::Method;

use super::host::RouteHost;
use super::parsed;
use super::path::RoutePath;
use super::public_url::PublicUrl;
use super::resource::ResourceConfig;
use crate::config::reader::error::Place;
use crate::config::reader::pattern::refuse_pattern;
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;

/// What a route is called, wherever it is told apart from others.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RouteName(Box<str>);

impl RouteName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(node: Node) -> Result<Self, String> {
        let text = node.text()?;
        let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
        let is_good = text.trim() == text && !text.is_empty() && text.chars().all(is_plain);
        match is_good && text.len() <= Self::MOST_BYTES {
            true => Ok(Self(text.into())),
            false => Err(PLAIN_NAME.to_owned()),
        }
    }

    /// It stands in every line of the log, and in every series of metrics.
    const MOST_BYTES: usize = 256;
}

const PLAIN_NAME: &str = "must be a short name without quotes and backslashes, like wiki";

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The requests that a route is for.
///
/// Several routes may match one request; which one it goes to is decided in this order:
///
/// 1. A route that names the request's host comes before one for all hosts.
/// 2. A path that is `exact` comes before one that stands for all below it, and
/// 3. a longer path before a shorter one.
/// 4. Of the routes that have this one path in common, one that names the method comes before one
///    for all methods. If none has the method, the request is refused with 405: it does not fall
///    through to a shorter path, which may be open to more people.
///
/// No two routes are equal in all of this; a configuration with such routes is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RouteMatch {
    /// A path and all that is below it, or with `exact` the path alone. Required.
    pub path: RoutePath,
    /// Whether nothing below the path is meant. Absent: no. With or without a slash at its end,
    /// it is the same path.
    pub exact: bool,
    /// The hosts. Absent: all.
    pub hosts: Vec<RouteHost>,
    /// The methods; GET brings HEAD with it (RFC 9110 §9.3.2). Absent: all.
    pub methods: Vec<Method>,
}

/// The routes that were read so far, and where each stands.
#[derive(Default)]
pub(super) struct Taken {
    matches: Vec<(RouteMatch, Place)>,
    resources: Vec<(PublicUrl, Place)>,
    names: Vec<Named>,
}

struct Named {
    name: RouteName,
    is_given: bool,
    place: Place,
}

impl RouteMatch {
    /// Reads the keys. What cannot be read is left out, so that the rest is still held against
    /// the other routes.
    pub(super) fn read(route: &mut Section<'_>, taken: &mut Taken) -> Option<Self> {
        let path = route.required("path", "path = \"/\"", parsed::<RoutePath>);
        let exact = route.flag("exact");
        let hosts = read_hosts(route);
        let methods = read_methods(route);
        let read = Self {
            path: path?,
            exact,
            hosts,
            methods,
        };
        taken.add(route, &read);
        Some(read)
    }

    /// Returns what a route without a name of its own is called. No other is called so: the first
    /// host, the path and the methods are those of no rival.
    fn name(&self) -> RouteName {
        let methods = self.methods.iter().map(Method::as_str);
        let has_get = self.methods.contains(&Method::GET);
        let methods: Vec<&str> = methods.filter(|name| !has_get || *name != "HEAD").collect();
        let space = if methods.is_empty() { "" } else { " " };
        let host = self.hosts.first().map_or("", RouteHost::as_str);
        let alone = if self.exact { " alone" } else { "" };
        let path = &self.path;
        let name = format!("{}{space}{host}{path}{alone}", methods.join(","));
        RouteName(name.into())
    }

    /// Tells whether there is a request that neither of the two has a better right to.
    pub(crate) fn is_rival_of(&self, other: &Self) -> bool {
        let is_same_path = self.path == other.path && self.exact == other.exact;
        is_same_path && meet(&self.hosts, &other.hosts) && meet(&self.methods, &other.methods)
    }
}

/// Where one names something and the other does not, the first is preferred.
fn meet<T: PartialEq>(some: &[T], others: &[T]) -> bool {
    match (some, others) {
        ([], []) => true,
        _ => some.iter().any(|one| others.contains(one)),
    }
}

impl Taken {
    fn add(&mut self, route: &Section<'_>, new: &RouteMatch) {
        if let Some((_, place)) = self
            .matches
            .iter()
            .find(|(other, _)| other.is_rival_of(new))
        {
            let cure = "keep one, or tell them apart by hosts or methods";
            route.refuse(
                "path",
                format!("the route at {place} is for the same requests; {cure}"),
            );
        }
        self.matches
            .push((new.clone(), route.place_of("path").clone()));
    }

    /// Reads the name of a route that is for these requests: each has another.
    pub(super) fn name(&mut self, route: &mut Section<'_>, matches: &RouteMatch) -> RouteName {
        let given = route.optional("name", RouteName::read);
        let is_given = given.is_some();
        let name = given.unwrap_or_else(|| matches.name());
        let mut others = self.names.iter();
        // Two that are called by the same requests are rivals, which is said already.
        let is_taken = |other: &&Named| other.name == name && (is_given || other.is_given);
        if let Some(other) = others.find(is_taken) {
            let message = format!("the route at {} has this name, too", other.place);
            route.refuse("name", format!("{message}; give each its own"));
        }
        self.names.push(Named {
            name: name.clone(),
            is_given,
            place: route.place_of("path").clone(),
        });
        name
    }

    /// Holds a route's description against those of the others: one address has one.
    pub(super) fn describe(&mut self, route: &Section<'_>, resource: Option<&ResourceConfig>) {
        let Some(ResourceConfig { url, .. }) = resource else {
            return;
        };
        let mut others = self.resources.iter();
        if let Some((_, place)) = others.find(|(other, _)| other.is_asked_for_like(url)) {
            let message = format!("the route at {place} is described at this address already");
            route.refuse("resource", format!("{message}; keep one"));
        }
        self.resources
            .push((url.clone(), route.place_of("path").clone()));
    }
}

fn read_hosts(route: &mut Section<'_>) -> Vec<RouteHost> {
    let hosts = route.list("hosts", at_least_one("hosts"), parsed::<RouteHost>);
    let hosts = hosts.unwrap_or_default();
    if let Some(twice) = twice(&hosts) {
        route.refuse("hosts", format!("{twice} is listed twice; keep one"));
    }
    hosts
}

fn read_methods(route: &mut Section<'_>) -> Vec<Method> {
    let methods = route.list("methods", at_least_one("methods"), method);
    let mut methods = methods.unwrap_or_default();
    if let Some(twice) = twice(&methods) {
        route.refuse("methods", format!("{twice} is listed twice; keep one"));
    }
    if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
        methods.push(Method::HEAD);
    }
    methods
}

/// An empty list would say "none" to one reader and "all" to another.
fn at_least_one(what: &'static str) -> impl FnOnce(Node) -> Result<Vec<Node>, String> {
    move |node| match node.items()? {
        items if items.is_empty() => Err(format!("is empty; leave it out to mean all {what}")),
        items => Ok(items),
    }
}

fn twice<T: PartialEq>(items: &[T]) -> Option<&T> {
    let mut rest = items.iter().enumerate();
    rest.find_map(|(at, item)| items[..at].contains(item).then_some(item))
}

/// Methods are case-sensitive (RFC 9110 §9.1), and no registered one has a small letter.
fn method(node: Node) -> Result<Method, String> {
    let text = node.text()?;
    let is_upper = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b);
    if matches!(&*text, "CONNECT" | "TRACE" | "TRACK" | "PRI") {
        return Err("is never forwarded; drop it".to_owned());
    }
    refuse_pattern(&text, EACH_METHOD)?;
    if matches!(&*text, "ANY" | "ALL") {
        return Err(format!("is no method of HTTP; {EACH_METHOD}"));
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if text.bytes().all(is_upper) => Ok(method),
        _ => Err("not a method; write it in capitals, like GET".to_owned()),
    }
}

const EACH_METHOD: &str = "name each method, or leave methods out to mean all";
