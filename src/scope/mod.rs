//! OAuth scopes and which scope contains which.
//!
//! Containment is GitHub's, as [Scopes for OAuth apps] describes it: a token with `repo` may do
//! what `public_repo` allows. GitHub keeps only the widest of the granted scopes on a token, so a
//! comparison by name alone would turn away people who hold more than was asked.
//!
//! [Scopes for OAuth apps]: https://docs.github.com/en/enterprise-server/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps

mod github;
mod set;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use self::github::{contained_in, known};

pub use self::set::Scopes;

/// One OAuth scope, such as `read:org`.
///
/// Holds only characters that RFC 6749 §3.3 allows in a scope, so it can stand in a header and
/// in a challenge as it is.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Scope(Cow<'static, str>);

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
        // GitHub's own take no allocation.
        Ok(known(scope).map_or_else(
            || Self(Cow::Owned(scope.to_owned())),
            |(_, scope)| scope.clone(),
        ))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
}
