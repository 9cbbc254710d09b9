use std::fmt;

use super::{Decision, Facts, Policy};
use crate::path::{InvalidPath, NamedPath, Readings, is_plain};

/// Applies the policy of the longest matching path.
///
/// A path matches itself and what lies below it: `/notes` matches `/notes` and `/notes/1`, and
/// not `/notesy`. A path without a match is for the policy given to [`otherwise`](Self::otherwise),
/// which should be the strictest.
///
/// A path is no pattern: `/notes/{id}` and `/notes/*` are refused, as neither would match what a
/// router matches with it. A letter that looks like a pattern is written percent-encoded.
///
/// Servers read some paths in several ways: those with percent-encoding, and those with empty or
/// dotted segments. A request for one must satisfy the policies of all its readings, whichever way
/// the service behind the gate reads it. If the readings cannot all be known, it must satisfy the
/// policies of all paths.
///
/// ```
/// use ghes_gatekeeper::policy::{AnyUser, ByPath, RequireSiteAdmin};
///
/// let policy = ByPath::otherwise(RequireSiteAdmin).with("/notes", AnyUser::default());
/// ```
#[must_use]
pub struct ByPath {
    /// The longest path first.
    paths: Vec<(NamedPath, Box<dyn Policy>)>,
    otherwise: Box<dyn Policy>,
}

impl ByPath {
    /// Sets the policy for requests that match no path.
    pub fn otherwise(policy: impl Policy) -> Self {
        Self {
            paths: Vec::new(),
            otherwise: Box::new(policy),
        }
    }

    /// Sets the policy for `path` and everything below it.
    ///
    /// A slash at its end changes nothing.
    ///
    /// # Panics
    ///
    /// Panics where [`try_with`](Self::try_with) returns an error.
    pub fn with(self, path: &str, policy: impl Policy) -> Self {
        match self.try_with(path, policy) {
            Ok(policy) => policy,
            Err(error) => panic!("the path {path:?} of a policy {error}"),
        }
    }

    /// Does the same with a path that may be invalid.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPolicyPath`] if the path does not begin with a slash, has a letter that is
    /// a pattern elsewhere, or could be read in two ways.
    pub fn try_with(mut self, path: &str, policy: impl Policy) -> Result<Self, InvalidPolicyPath> {
        let path = NamedPath::new(path).map_err(InvalidPolicyPath)?;
        self.paths.push((path, Box::new(policy)));
        self.paths
            .sort_by_key(|(path, _)| std::cmp::Reverse(path.compared().len()));
        Ok(self)
    }

    fn policy(&self, covers: impl Fn(&NamedPath) -> bool) -> &dyn Policy {
        let matching = self.paths.iter().find(|(path, _)| covers(path));
        matching.map_or(&*self.otherwise, |(_, policy)| &**policy)
    }

    #[cold]
    fn authorize_readings(&self, facts: &Facts<'_>) -> Decision {
        let readings = Readings::of(facts.path());
        if !readings.are_certain() {
            let everywhere = self.paths.iter().map(|(_, policy)| &**policy);
            return all(everywhere.chain([&*self.otherwise]), facts);
        }
        // axum compares paths without decoding them.
        let undecoded = self.policy(|path| path.covers_undecoded(facts.path()));
        let mut several = vec![undecoded];
        for reading in readings.iter() {
            let policy = self.policy(|path| path.covers(reading));
            if !several
                .iter()
                .any(|known| std::ptr::addr_eq(*known, policy))
            {
                several.push(policy);
            }
        }
        all(several, facts)
    }
}

/// Lets in the people that every one of some policies lets in; there is at least one policy.
fn all<'p>(policies: impl IntoIterator<Item = &'p dyn Policy>, facts: &Facts<'_>) -> Decision {
    policies
        .into_iter()
        .map(|policy| policy.authorize(facts))
        .reduce(Decision::and)
        .expect("a path has a reading")
}

impl Policy for ByPath {
    fn authorize(&self, facts: &Facts<'_>) -> Decision {
        let path = facts.path();
        match is_plain(path) {
            true => self.policy(|named| named.covers(path)).authorize(facts),
            false => self.authorize_readings(facts),
        }
    }

    fn needs_memberships(&self) -> bool {
        let mut all = self.paths.iter().map(|(_, policy)| policy);
        self.otherwise.needs_memberships() || all.any(|policy| policy.needs_memberships())
    }
}

impl fmt::Debug for ByPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.paths.iter().map(|(path, _)| path.as_str());
        f.debug_list().entries(paths).finish()
    }
}

/// The error for a path that a policy cannot have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidPolicyPath(InvalidPath);

impl fmt::Display for InvalidPolicyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for InvalidPolicyPath {}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::identity::{Identity, User};
    use crate::policy::{AnyUser, Denial};

    /// Names the paths of the policies that are asked, in order; `-` is otherwise.
    fn asked(paths: &[&'static str], path: &str) -> Vec<&'static str> {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let policy = |name: &'static str| {
            let seen = std::sync::Arc::clone(&seen);
            move |_: &Identity, _: &Method, _: &str| {
                seen.lock().unwrap().push(name);
                Ok::<(), Denial>(())
            }
        };
        let by_path = paths
            .iter()
            .fold(ByPath::otherwise(policy("-")), |by_path, path| {
                by_path.with(path, policy(path))
            });
        let octocat = Identity::new(User::new("octocat", 1), "app", 1, Default::default()).unwrap();
        let facts = Facts::new(&octocat, &Method::GET, path);
        assert_eq!(by_path.authorize(&facts), Decision::Allowed);
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_unstable();
        seen
    }

    #[test]
    fn paths_match_at_the_boundaries_of_segments() {
        for (path, top) in [
            ("/notes", "/notes"),
            ("/notes/", "/notes"),
            ("/notes/1", "/notes"),
            ("/notes/mine/1", "/notes/mine"),
            ("/notesy", "-"),
            ("/Notes", "-"),
            ("*", "-"),
            ("", "-"),
        ] {
            assert_eq!(asked(&["/notes", "/notes/mine"], path), [top], "{path}");
        }
        assert_eq!(asked(&["/"], "/anything"), ["/"]);
    }

    #[test]
    fn every_reading_must_be_let_in() {
        for path in [
            "/notes/../admin",
            "/notes%2f..%2f/x",
            "/%6eotes",
            "/x%2f%2e%2e/notes",
            "/x/..\\notes",
            "//notes",
            "//x/notes",
            "/notes;a",
            "/notes%3bb",
            "/notes.",
            "/notes%20",
            "/%256eotes",
            "/%ef%bd%8eotes",
            "/%zz",
            "/notes/%ff",
            "/notes/a%00",
        ] {
            assert_eq!(asked(&["/notes"], path), ["-", "/notes"], "{path}");
        }
    }

    #[test]
    fn readings_that_lead_to_one_policy_ask_it_alone() {
        for path in [
            "/notes/a%2fb",
            "/notes/%61",
            "/notes//a",
            "/notes/./a",
            "/notes/a;b",
            "/notes/a.",
            "/notes/100%25",
            "/notes/a%20b",
            "/notes/caf%C3%A9",
        ] {
            assert_eq!(asked(&["/notes", "/admin"], path), ["/notes"], "{path}");
        }
        assert_eq!(asked(&["/notes"], "/a%2fb;c"), ["-"]);
        assert_eq!(asked(&["/a%7Bb"], "/a%7bb/c"), ["/a%7Bb"]);
        assert_eq!(asked(&["/a%7Bb"], "/a{b"), ["/a%7Bb"]);
    }

    #[test]
    fn a_pattern_is_no_path_of_a_policy() {
        for path in [
            "/notes/*",
            "/notes/{id}",
            "/notes/:id",
            "^/notes",
            "/notes/.*",
            "/(a|b)",
            "notes",
            "",
            "/notes/..",
            "/a%2fb",
        ] {
            let by_path = ByPath::otherwise(AnyUser::default());
            assert!(
                by_path.try_with(path, AnyUser::default()).is_err(),
                "{path}"
            );
        }
    }

    #[test]
    #[should_panic(expected = "there are no patterns here, and { would be a letter")]
    fn a_pattern_is_a_mistake_of_the_program() {
        let _ = ByPath::otherwise(AnyUser::default()).with("/notes/{id}", AnyUser::default());
    }
}
