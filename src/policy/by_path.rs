use std::fmt;

use super::{Decision, Facts, Policy};

/// Lets in whom the policy of the longest matching path lets in.
///
/// A path matches itself and what lies below it: `/notes` matches `/notes` and `/notes/1`, and
/// not `/notesy`. What matches no path is for the policy given to [`otherwise`](Self::otherwise),
/// which should be the strictest.
///
/// A request whose path can be read in more than one way, because something that may decide is
/// percent-encoded, or because it has empty or dotted segments, must satisfy the policies of all
/// paths: whichever way the service behind the gate reads it, its reader may go there.
///
/// ```
/// use ghes_gatekeeper::policy::{AnyUser, ByPath, RequireSiteAdmin};
///
/// let policy = ByPath::otherwise(RequireSiteAdmin).with("/notes", AnyUser::default());
/// ```
#[must_use]
pub struct ByPath {
    /// The longest path first.
    paths: Vec<(Box<str>, Box<dyn Policy>)>,
    otherwise: Box<dyn Policy>,
}

impl ByPath {
    /// Sets who may go where no path matches.
    pub fn otherwise(policy: impl Policy) -> Self {
        Self {
            paths: Vec::new(),
            otherwise: Box::new(policy),
        }
    }

    /// Sets who may go to `path` and below; a slash at its end changes nothing.
    pub fn with(mut self, path: &str, policy: impl Policy) -> Self {
        let path = path.trim_end_matches('/');
        self.paths.push((path.into(), Box::new(policy)));
        self.paths
            .sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        self
    }

    fn all(&self, facts: &Facts<'_>) -> Decision {
        let everywhere = self.paths.iter().map(|(_, policy)| policy);
        everywhere.fold(self.otherwise.authorize(facts), |joined, policy| {
            joined.and(policy.authorize(facts))
        })
    }
}

impl Policy for ByPath {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        if is_ambiguous(facts.path()) {
            return self.all(facts);
        }
        let matching = self
            .paths
            .iter()
            .find(|(path, _)| is_at_or_below(facts.path(), path));
        match matching {
            Some((_, policy)) => policy.authorize(facts),
            None => self.otherwise.authorize(facts),
        }
    }
}

impl fmt::Debug for ByPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.paths.iter().map(|(path, _)| path);
        f.debug_list().entries(paths).finish()
    }
}

fn is_at_or_below(path: &str, top: &str) -> bool {
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// RFC 3986 §6.2.2 and §6.2.3 list what readers make equal; beyond it, some read `\` as `/`, drop
/// what follows a `;`, or decode twice.
fn is_ambiguous(path: &str) -> bool {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_empty = segment.is_empty() && segments.peek().is_some();
        if is_empty || segment == "." || segment == ".." || !is_plain(segment) {
            return true;
        }
    }
    false
}

/// Tells whether nothing in a segment decodes to what could stand in a route's path.
fn is_plain(segment: &str) -> bool {
    let mut parts = segment.split('%');
    let literal = parts.next().unwrap_or_default();
    !literal.contains(['\\', ';'])
        && parts.all(|part| {
            let byte = part
                .get(..2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let harmless =
                |b: u8| !b.is_ascii_alphanumeric() && !b"-._~/\\%;".contains(&b) && b > 0x1f;
            byte.is_some_and(harmless) && !part.contains(['\\', ';'])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_at_the_boundaries_of_segments() {
        for (path, top, matches) in [
            ("/notes", "/notes", true),
            ("/notes/", "/notes", true),
            ("/notes/1", "/notes", true),
            ("/notesy", "/notes", false),
            ("/Notes", "/notes", false),
            ("/anything", "", true),
        ] {
            assert_eq!(is_at_or_below(path, top), matches, "{path} {top}");
        }
    }

    #[test]
    fn what_readers_may_disagree_about_is_ambiguous() {
        for path in [
            "/notes/../admin",
            "/notes/..",
            "/./a",
            "//a",
            "/a//b",
            "/%61dmin",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/%2e%2e/a",
            "/a%252f",
            "/a%zz",
            "/a%",
            "/a%4",
            "/a;b",
            "/a%3bb",
            "/a%00",
            "/a%20;b",
        ] {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in [
            "/", "/a", "/a/", "/a%20b/c", "/%C3%A9", "/a.b/-_~", "/...", "*", "",
        ] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }
}
