use std::fmt;
use std::str::FromStr;

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
        if below
            .split('/')
            .any(|segment| matches!(segment, "*" | "**"))
        {
            return Err(InvalidRoutePath(
                "leave out the star; a path stands for all below it, unless it is exact",
            ));
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
            "/*",
            "/a/*",
            "/a/**",
        ] {
            assert!(path.parse::<RoutePath>().is_err(), "{path:?}");
        }
        for path in ["/", "/a", "/.well-known", "/a/...", "/~a/@b", "/a*"] {
            assert_eq!(path.parse::<RoutePath>().unwrap().as_str(), path);
        }
    }
}
