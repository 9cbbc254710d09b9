use std::fmt;
use std::str::FromStr;

use crate::path::{InvalidPath, NamedPath};

/// A path and all that is below it.
///
/// ```
/// use ghes_gatekeeper::config::RoutePath;
///
/// let path: RoutePath = "/api/".parse()?;
/// assert_eq!(path.as_str(), "/api");
/// assert!(path.matches("/api") && path.matches("/api/users"));
/// assert!(!path.matches("/apis"));
/// # Ok::<_, ghes_gatekeeper::config::InvalidRoutePath>(())
/// ```
///
/// It holds nothing that two readers of a path could read in two ways: no parameters, no encoded
/// slashes, no empty or dot segments. There are no patterns, and what is one elsewhere is refused:
/// `*`, `?`, `{id}`, `:id`, regular expressions. A path that really has such a letter is written
/// percent-encoded:
///
/// ```
/// use ghes_gatekeeper::config::RoutePath;
///
/// assert!("/admin/{id}".parse::<RoutePath>().is_err());
/// let path: RoutePath = "/admin/%7Bid%7D".parse()?;
/// assert!(path.matches("/admin/{id}"));
/// # Ok::<_, ghes_gatekeeper::config::InvalidRoutePath>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoutePath(NamedPath);

impl RoutePath {
    /// Returns the path, percent-encoded, without a slash at the end unless it is `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Tells whether a request's decoded path is this one or below it. `/` matches every path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.0.covers(path)
    }

    /// Returns the path as requests are compared with it: decoded, and empty for `/`.
    pub(crate) fn compared(&self) -> &str {
        self.0.compared()
    }
}

impl FromStr for RoutePath {
    type Err = InvalidRoutePath;

    fn from_str(path: &str) -> Result<Self, InvalidRoutePath> {
        NamedPath::new(path).map(Self).map_err(InvalidRoutePath)
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a path that a route cannot have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidRoutePath(InvalidPath);

impl fmt::Display for InvalidRoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for InvalidRoutePath {}
