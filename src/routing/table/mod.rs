//! From a request to its route, without a scan of all routes.
//!
//! Routes are preferred in the order of [`RouteMatch`]. The host is looked up, then the request's
//! path and the paths above it, the longest first, each in a sorted list. The time depends on the
//! depth of routes, and hardly on their number. Nothing is allocated, unless a host has capitals.

use std::collections::HashMap;

use http::Method;
use http::header::HeaderValue;

use crate::authority::bare_host;
use crate::config::{RouteHost, RouteMatch};
use crate::rejection::{Rejection, RejectionKind};

/// All routes, known by their place in the configuration.
#[derive(Debug)]
pub(crate) struct RouteTable {
    by_host: HashMap<RouteHost, PathTable>,
    any_host: PathTable,
    reads_paths: bool,
}

/// Why a request has no route.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Miss<'t> {
    Rejected(Rejection),
    /// There are routes for the path; this is `Allow` (RFC 9110 §15.5.6).
    MethodNotAllowed(&'t HeaderValue),
}

impl Miss<'_> {
    pub(crate) fn rejection(&self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection.clone(),
            Self::MethodNotAllowed(_) => RejectionKind::MethodNotAllowed.into(),
        }
    }

    pub(crate) fn rejected(why: impl Into<Rejection>) -> Self {
        Self::Rejected(why.into())
    }
}

/// The paths of routes that name one host, or none; sorted.
#[derive(Debug, Default)]
struct PathTable {
    places: Vec<Place>,
    longest: usize,
}

/// A path without a slash at its end: `/` is empty here.
#[derive(Debug)]
struct Place {
    path: Box<str>,
    exact: Option<ByMethod>,
    below: Option<ByMethod>,
}

/// Routes that differ only in their methods.
#[derive(Debug)]
struct ByMethod {
    named: Vec<(Method, usize)>,
    any: Option<usize>,
    allow: HeaderValue,
}

impl RouteTable {
    pub(crate) fn new<'m>(routes: impl IntoIterator<Item = &'m RouteMatch>) -> Self {
        let mut table = Self {
            by_host: HashMap::new(),
            any_host: PathTable::default(),
            reads_paths: false,
        };
        for (route, matches) in routes.into_iter().enumerate() {
            table.reads_paths |= matches.exact || matches.path.as_str() != "/";
            if matches.hosts.is_empty() {
                table.any_host.add(matches, route);
            }
            for host in &matches.hosts {
                table
                    .by_host
                    .entry(host.clone())
                    .or_default()
                    .add(matches, route);
            }
        }
        table
    }

    /// Tells whether any path is for other routes than another.
    pub(crate) fn reads_paths(&self) -> bool {
        self.reads_paths
    }

    /// Tells whether any host is for other routes than another.
    pub(crate) fn reads_hosts(&self) -> bool {
        !self.by_host.is_empty()
    }

    /// Finds the route of a request whose path has this reading.
    pub(crate) fn find(
        &self,
        host: Option<&HeaderValue>,
        reading: &str,
        method: &Method,
    ) -> Result<usize, Miss<'_>> {
        let of_host = host.and_then(|host| self.of_host(host));
        let found = of_host.and_then(|paths| paths.find(reading));
        let found = found.or_else(|| self.any_host.find(reading));
        let found = found.ok_or_else(|| Miss::rejected(RejectionKind::NoRoute))?;
        found
            .find(method)
            .ok_or(Miss::MethodNotAllowed(&found.allow))
    }

    fn of_host(&self, host: &HeaderValue) -> Option<&PathTable> {
        if self.by_host.is_empty() {
            return None;
        }
        self.by_host.get(&*bare_host(host.to_str().ok()?))
    }
}

impl PathTable {
    fn add(&mut self, matches: &RouteMatch, route: usize) {
        let path = matches.path.compared();
        let at = match self.search(path) {
            Ok(at) => at,
            Err(at) => {
                self.places.insert(at, Place::new(path));
                at
            }
        };
        self.longest = self.longest.max(path.len());
        let place = &mut self.places[at];
        let group = match matches.exact {
            true => &mut place.exact,
            false => &mut place.below,
        };
        group
            .get_or_insert_with(ByMethod::default)
            .add(&matches.methods, route);
    }

    fn find(&self, path: &str) -> Option<&ByMethod> {
        let path = path.strip_suffix('/').unwrap_or(path);
        upwards(path, self.longest).find_map(|above| {
            let place = self.place(above)?;
            let exact = place.exact.as_ref().filter(|_| above == path);
            exact.or(place.below.as_ref())
        })
    }

    fn place(&self, path: &str) -> Option<&Place> {
        self.search(path).ok().map(|at| &self.places[at])
    }

    fn search(&self, path: &str) -> Result<usize, usize> {
        self.places
            .binary_search_by(|place| (*place.path).cmp(path))
    }
}

impl Place {
    fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            exact: None,
            below: None,
        }
    }
}

impl ByMethod {
    fn add(&mut self, methods: &[Method], route: usize) {
        if methods.is_empty() {
            self.any = Some(route);
            return;
        }
        let named = methods.iter().map(|method| (method.clone(), route));
        self.named.extend(named);
        let names: Vec<&str> = self
            .named
            .iter()
            .map(|(method, _)| method.as_str())
            .collect();
        // Methods are tokens, so this cannot fail.
        if let Ok(allow) = HeaderValue::try_from(names.join(", ")) {
            self.allow = allow;
        }
    }

    fn find(&self, method: &Method) -> Option<usize> {
        let mut named = self.named.iter();
        let named = named.find(|(name, _)| name == method);
        named.map(|(_, route)| *route).or(self.any)
    }
}

impl Default for ByMethod {
    fn default() -> Self {
        Self {
            named: Vec::new(),
            any: None,
            allow: HeaderValue::from_static(""),
        }
    }
}

/// The path and those above it, up to the root, without those that are longer than `longest`.
pub(crate) fn upwards(path: &str, longest: usize) -> impl Iterator<Item = &str> {
    let first = match path.len() <= longest {
        true => Some(path),
        false => above(path, longest + 1),
    };
    std::iter::successors(first, |path| above(path, path.len()))
}

/// The part before the last slash within the first bytes of a path.
fn above(path: &str, bytes: usize) -> Option<&str> {
    let slash = path.as_bytes()[..bytes].iter().rposition(|&b| b == b'/')?;
    Some(&path[..slash])
}

#[cfg(test)]
mod tests;
