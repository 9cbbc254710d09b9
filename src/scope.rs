//! OAuth scopes and which scope contains which.
//!
//! Containment is GitHub's, as [Scopes for OAuth apps] describes it: whoever was granted `repo`
//! may do what `public_repo` allows. GitHub keeps only the widest of the granted scopes on a
//! token, so a comparison by name alone would turn away people who hold more than was asked.
//!
//! [Scopes for OAuth apps]: https://docs.github.com/en/enterprise-server/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One OAuth scope, such as `read:org`.
///
/// Holds only characters that RFC 6749 §3.3 allows in a scope, so it can stand in a header and
/// in a challenge as it is.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Scope(Box<str>);

impl Scope {
    /// Returns the scope's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether holding this scope also grants `other`.
    ///
    /// ```
    /// use ghes_gatekeeper::scope::Scope;
    ///
    /// let admin: Scope = "admin:org".parse()?;
    /// assert!(admin.grants(&"read:org".parse()?));
    /// assert!(!admin.grants(&"repo".parse()?));
    /// # Ok::<_, ghes_gatekeeper::scope::InvalidScope>(())
    /// ```
    #[must_use]
    pub fn grants(&self, other: &Self) -> bool {
        self == other
            || contained_in(self.as_str())
                .iter()
                .any(|contained| *contained == other.as_str())
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(scope: &str) -> Result<Self, InvalidScope> {
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). GitHub joins scopes by
        // commas in X-OAuth-Scopes, so a comma inside one could not be told from two.
        let legal = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b',');
        if scope.is_empty() || scope.len() > MAX_LENGTH || !scope.bytes().all(legal) {
            return Err(InvalidScope(()));
        }
        Ok(Self(scope.into()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of scopes: those a token carries, or those a route asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Scopes(Box<[Scope]>);

impl Scopes {
    /// Parses every item, sorts them and drops repetitions.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidScope`] if one of them is no scope.
    pub fn parse<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        scopes.into_iter().map(str::parse).collect()
    }

    /// Tells whether these scopes, with all that they contain, grant `required`.
    #[must_use]
    pub fn grant(&self, required: &Scope) -> bool {
        self.0.iter().any(|scope| scope.grants(required))
    }

    /// Tells whether these scopes grant every one of `required`.
    #[must_use]
    pub fn grant_all(&self, required: &Self) -> bool {
        required.iter().all(|scope| self.grant(scope))
    }

    /// Tells whether these scopes grant one of `accepted`; never if there are none.
    #[must_use]
    pub fn grant_any(&self, accepted: &Self) -> bool {
        accepted.iter().any(|scope| self.grant(scope))
    }

    /// Returns the scope that grants the least besides itself; none if there are none.
    pub(crate) fn narrowest(&self) -> Option<&Scope> {
        self.0
            .iter()
            .min_by_key(|scope| contained_in(scope.as_str()).len())
    }

    /// Returns the scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Tells whether there are none, as for every token of a GitHub App.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Joins the names with `separator`: a comma and a space in `X-OAuth-Scopes`, a space in a
    /// challenge (RFC 6750 §3).
    #[must_use]
    pub fn join(&self, separator: &str) -> String {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        names.join(separator)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.into_boxed_slice())
    }
}

/// The error for a string that cannot be a scope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidScope(());

impl fmt::Display for InvalidScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a scope is 1 to {MAX_LENGTH} visible ASCII characters without comma, quote or backslash"
        )
    }
}

impl std::error::Error for InvalidScope {}

/// The scopes that holding `scope` grants besides itself, with all levels written out.
fn contained_in(scope: &str) -> &'static [&'static str] {
    match scope {
        // GHES has two names for one scope: `admin:business` is the older.
        "admin:business" => &[
            "admin:enterprise",
            "manage_billing:enterprise",
            "manage_runners:enterprise",
            "read:enterprise",
        ],
        "admin:enterprise" => &[
            "admin:business",
            "manage_billing:enterprise",
            "manage_runners:enterprise",
            "read:enterprise",
        ],
        "admin:gpg_key" => &["read:gpg_key", "write:gpg_key"],
        "admin:org" => &["manage_runners:org", "read:org", "write:org"],
        "admin:public_key" => &["read:public_key", "write:public_key"],
        "admin:repo_hook" => &["read:repo_hook", "write:repo_hook"],
        "admin:ssh_signing_key" => &["read:ssh_signing_key", "write:ssh_signing_key"],
        "audit_log" => &["read:audit_log"],
        // This and the next one only github.com has.
        "codespace" => &["codespace:secrets"],
        "copilot" => &["manage_billing:copilot"],
        "manage_billing:enterprise" => &["read:enterprise"],
        "project" => &["read:project"],
        "repo" => &[
            "public_repo",
            "repo:invite",
            "repo:status",
            "repo_deployment",
            "security_events",
        ],
        "user" => &["read:user", "user:email", "user:follow"],
        "write:discussion" => &["read:discussion"],
        "write:gpg_key" => &["read:gpg_key"],
        "write:org" => &["read:org"],
        "write:packages" => &["read:packages"],
        "write:public_key" => &["read:public_key"],
        "write:repo_hook" => &["read:repo_hook"],
        "write:ssh_signing_key" => &["read:ssh_signing_key"],
        _ => &[],
    }
}

/// Twice the length of GitHub's longest scope; bounds what a broken reply can put in a header.
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Scopes {
        Scopes::parse(names.iter().copied()).unwrap()
    }

    #[test]
    fn a_wider_scope_grants_the_narrower_and_not_the_reverse() {
        for (wide, narrow) in [
            ("repo", "public_repo"),
            ("admin:org", "read:org"),
            ("admin:business", "admin:enterprise"),
            ("admin:enterprise", "admin:business"),
            ("user", "user:email"),
        ] {
            assert!(scopes(&[wide]).grant_all(&scopes(&[narrow])), "{wide}");
        }
        assert!(!scopes(&["public_repo"]).grant_all(&scopes(&["repo"])));
        assert!(!scopes(&["read:org", "gist"]).grant_all(&scopes(&["write:org"])));
    }

    /// The scopes that GitHub's documents list, each with what they say that it contains.
    #[test]
    fn each_scope_contains_what_github_says() {
        let table = "
            repo: repo:status repo_deployment public_repo repo:invite security_events
            admin:org: write:org read:org manage_runners:org
            write:org: read:org
            admin:public_key: write:public_key read:public_key
            write:public_key: read:public_key
            admin:repo_hook: write:repo_hook read:repo_hook
            write:repo_hook: read:repo_hook
            user: read:user user:email user:follow
            project: read:project
            write:packages: read:packages
            admin:gpg_key: write:gpg_key read:gpg_key
            write:gpg_key: read:gpg_key
            admin:ssh_signing_key: write:ssh_signing_key read:ssh_signing_key
            write:ssh_signing_key: read:ssh_signing_key
            write:discussion: read:discussion
            admin:enterprise: manage_runners:enterprise manage_billing:enterprise read:enterprise admin:business
            admin:business: manage_runners:enterprise manage_billing:enterprise read:enterprise admin:enterprise
            manage_billing:enterprise: read:enterprise
            audit_log: read:audit_log
            codespace: codespace:secrets
            copilot: manage_billing:copilot
            admin:org_hook:
            admin:pre_receive_hook:
            gist:
            notifications:
            delete_repo:
            delete:packages:
            workflow:
            site_admin:
            read:org:";
        let rows = table.lines().map(str::trim).filter(|row| !row.is_empty());
        for row in rows {
            let (scope, contained) = row
                .split_once(": ")
                .unwrap_or_else(|| (row.trim_end_matches(':'), ""));
            let mut expected: Vec<&str> = contained.split_whitespace().collect();
            let mut written = contained_in(scope).to_vec();
            expected.sort_unstable();
            written.sort_unstable();
            assert_eq!(written, expected, "{scope}");
        }
    }

    #[test]
    fn containment_is_written_out_over_all_levels() {
        for scope in ["admin:org", "admin:enterprise", "admin:gpg_key", "repo"] {
            for child in contained_in(scope) {
                for grandchild in contained_in(child) {
                    let reached = contained_in(scope).contains(grandchild) || *grandchild == scope;
                    assert!(reached, "{scope} > {child} > {grandchild}");
                }
            }
        }
    }

    #[test]
    fn no_scope_is_granted_by_none() {
        assert!(!Scopes::default().grant(&"repo".parse().unwrap()));
        assert!(Scopes::default().grant_all(&Scopes::default()));
    }

    #[test]
    fn what_could_break_a_header_is_no_scope() {
        for bad in [
            "",
            "a b",
            "a,b",
            "a\"b",
            "a\\b",
            "a\r\nb",
            "é",
            &"a".repeat(65),
        ] {
            assert!(bad.parse::<Scope>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn joining_sorts_and_drops_repetitions() {
        assert_eq!(scopes(&["user", "gist", "user"]).join(", "), "gist, user");
    }
}
