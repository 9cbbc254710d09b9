use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::assertion;
use super::cache::max_age;
use super::error::Place;
use super::section::Section;
use super::source::Node;
use super::upstream::{self, UpstreamUrl};
use super::upstream_tls::{self, UpstreamTls};
use crate::scope::{Scope, Scopes};

/// `[[routes]]`: which paths go to which upstream, and who may.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteConfig {
    /// The paths that this route is for. Required; no two routes have the same.
    pub path: RoutePath,
    /// Where their requests go, from `upstream`: at least one address. Required.
    pub upstreams: Vec<UpstreamUrl>,
    /// `[routes.upstream_tls]`: how `https://` is spoken there. None if nowhere.
    pub upstream_tls: Option<UpstreamTls>,
    /// The scopes a token needs, all of them. Absent: none, so every good token will do.
    pub scopes: Scopes,
    /// The longest that a revoked token still works here. Absent: as long as everywhere.
    pub max_age: Option<Duration>,
    /// Whether requests pass without a token. Absent: no.
    pub anonymous: bool,
    /// Whether the upstream sees the token. Absent: no, for it could act as the user with it.
    pub forward_token: bool,
    /// What the upstream is called in [assertions](crate::assertion). Absent: its address, if there
    /// is only one. None if nothing is signed for it.
    pub audience: Option<String>,
}

/// Reads all routes and holds their paths against each other.
pub(super) fn read(root: &mut Section<'_>) -> Vec<RouteConfig> {
    let mut taken = Vec::new();
    let signs = root.has("assertion");
    root.sections("routes", "path", |route| {
        RouteConfig::read(route, &mut taken, signs)
    })
}

impl RouteConfig {
    fn read(
        route: &mut Section<'_>,
        taken: &mut Vec<(RoutePath, Place)>,
        signs: bool,
    ) -> Option<Self> {
        let path = read_path(route, taken);
        let example = "upstream = \"http://127.0.0.1:3000\"";
        let upstreams = route.required("upstream", example, upstream::addresses);
        let upstream_tls = upstream_tls::read(route, upstreams.as_deref());
        let scopes = route.list("scopes", Node::items, parsed::<Scope>);
        let scopes: Scopes = scopes.into_iter().flatten().collect();
        let max_age = route.optional("max_age", max_age);
        let anonymous = route.flag("anonymous");
        let forward_token = route.flag("forward_token");
        let audience = assertion::audience(route, upstreams.as_deref(), signs, anonymous);
        if anonymous && !scopes.is_empty() {
            route.refuse(
                "scopes",
                "nobody is asked for a token; drop scopes or anonymous",
            );
        }
        if anonymous && max_age.is_some() {
            route.refuse(
                "max_age",
                "nobody is asked for a token; drop max_age or anonymous",
            );
        }
        if anonymous && forward_token {
            route.refuse(
                "forward_token",
                "nobody is asked for one; drop it or anonymous",
            );
        }
        Some(Self {
            path: path?,
            upstreams: upstreams?,
            upstream_tls: upstream_tls?,
            scopes,
            max_age,
            anonymous,
            forward_token,
            audience,
        })
    }
}

/// `taken` holds the paths of the routes before this one, and where they stand.
fn read_path(route: &mut Section<'_>, taken: &mut Vec<(RoutePath, Place)>) -> Option<RoutePath> {
    let path = route.required("path", "path = \"/\"", parsed::<RoutePath>)?;
    if let Some((_, place)) = taken.iter().find(|(other, _)| *other == path) {
        route.refuse(
            "path",
            format!("the route at {place} has this path already"),
        );
    }
    taken.push((path.clone(), route.place_of("path").clone()));
    Some(path)
}

/// A path and all that is below it.
///
/// ```
/// use ghes_gatekeeper::proxy::config::RoutePath;
///
/// let path: RoutePath = "/api/".parse()?;
/// assert_eq!(path.as_str(), "/api");
/// assert!(path.matches("/api") && path.matches("/api/users"));
/// assert!(!path.matches("/apis"));
/// # Ok::<_, ghes_gatekeeper::proxy::config::InvalidRoutePath>(())
/// ```
///
/// It holds nothing that two readers of a path could read in two ways: no escapes, no
/// parameters, no empty or dot segments. Requests are compared byte by byte, so their paths
/// have to be as plain for the answer to mean anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePath(Box<str>);

impl RoutePath {
    /// Returns the path, without a slash at the end unless it is `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a request's path is this one or below it. `/` matches every path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.as_str() == "/" || path.strip_prefix(self.as_str()).is_some_and(below)
    }
}

impl FromStr for RoutePath {
    type Err = InvalidRoutePath;

    fn from_str(path: &str) -> Result<Self, InvalidRoutePath> {
        let Some(below) = path.strip_prefix('/') else {
            return Err(InvalidRoutePath("must start with a slash"));
        };
        let legal = |b: u8| b.is_ascii_graphic() && !b"?#%\\;".contains(&b);
        if !path.bytes().all(legal) {
            return Err(InvalidRoutePath(
                "must be visible ASCII without query, #, %, ; and backslash",
            ));
        }
        let below = below.strip_suffix('/').unwrap_or(below);
        let clear = |segment: &str| !matches!(segment, "" | "." | "..");
        if path != "/" && !below.split('/').all(clear) {
            return Err(InvalidRoutePath("leave out empty and dot segments"));
        }
        Ok(Self(format!("/{below}").into()))
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a path that a route cannot have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidRoutePath(&'static str);

impl fmt::Display for InvalidRoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidRoutePath {}

fn parsed<T: FromStr<Err: fmt::Display>>(node: Node) -> Result<T, String> {
    node.text()?
        .parse()
        .map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_itself_and_what_is_below() {
        for (path, request, matches) in [
            ("/", "/", true),
            ("/", "/a/b", true),
            ("/", "*", true),
            ("/a", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/a/b", true),
            ("/a/", "/a", true),
            ("/a", "/ab", false),
            ("/a", "/a;b", false),
            ("/a", "/A", false),
            ("/a", "/", false),
            ("/a", "a", false),
            ("/a/b", "/a", false),
            ("/a/b", "/a/b/c", true),
        ] {
            let route: RoutePath = path.parse().unwrap();
            assert_eq!(route.matches(request), matches, "{path} {request}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for path in [
            "",
            "a",
            "//",
            "/a//",
            "/a//b",
            "/.",
            "/a/.",
            "/a/../b",
            "/a?b",
            "/a#b",
            "/a%2fb",
            "/a;b",
            "/a\\b",
            "/a b",
            "/a\n",
            "/é",
            "http://a/b",
        ] {
            assert!(path.parse::<RoutePath>().is_err(), "{path:?}");
        }
        for path in ["/", "/a", "/.well-known", "/a/...", "/~a/@b"] {
            assert_eq!(path.parse::<RoutePath>().unwrap().as_str(), path);
        }
    }
}
