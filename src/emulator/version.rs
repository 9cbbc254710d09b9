//! The releases of GHES the emulator can stand for, and all that differs between them.
use std::fmt;
use std::str::FromStr;

use super::api::operation::Operation;

/// A feature release of GHES, such as 3.19.
///
/// ```
/// use ghes_gatekeeper::emulator::Version;
///
/// let version: Version = "3.8".parse()?;
/// assert_eq!(version.to_string(), "3.8");
/// assert!("2.22".parse::<Version>().is_err());
/// # Ok::<(), ghes_gatekeeper::emulator::ParseVersionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    minor: u8,
}

impl Version {
    /// The oldest release the emulator can stand for.
    pub const OLDEST: Self = Self { minor: 8 };
    /// The newest release the emulator can stand for.
    pub const NEWEST: Self = Self { minor: 22 };

    /// Returns the API versions of this release, most recent first.
    ///
    /// Empty before 3.9, where the REST API has no versions and ignores the header.
    pub(super) const fn api_versions(self) -> &'static [&'static str] {
        match self.minor {
            ..=8 => &[],
            9..=20 => &[DEFAULT_API_VERSION],
            21.. => &["2026-03-10", DEFAULT_API_VERSION],
        }
    }

    /// Returns the API version that answers a request, or `None` if the release has none.
    pub(super) fn default_api_version(self) -> Option<&'static str> {
        (!self.api_versions().is_empty()).then_some(DEFAULT_API_VERSION)
    }

    /// Says whether error bodies carry `"status"`: samples of 3.15 do, those of 3.9 do not.
    pub(super) const fn has_status_member(self) -> bool {
        self.minor >= 15
    }

    /// Says whether `GET /user` tells which view of the user it is: the schema of 3.15 has it,
    /// and that of 3.10 forbids it.
    pub(super) const fn has_user_view_type(self) -> bool {
        self.minor >= 15
    }

    /// Returns the URL of a page of GitHub's documents.
    pub(super) fn documentation(self, path: &str) -> String {
        format!("https://docs.github.com/enterprise-server@{self}{path}")
    }

    pub(super) fn documentation_root(self) -> String {
        self.documentation("/rest")
    }

    /// Returns the page of an operation; the pages moved after 3.9.
    pub(super) fn documentation_url(self, operation: Operation) -> String {
        let root = self.documentation_root();
        let place = operation.documentation();
        if self.minor <= 9 {
            format!("{root}/reference/{}#{}", place.category, place.anchor)
        } else {
            format!("{root}/{}/{}#{}", place.category, place.page, place.anchor)
        }
    }

    /// Returns the patch release, as the header `X-GitHub-Enterprise-Version` has it.
    pub(super) fn patch_release(self) -> String {
        format!("{self}.0")
    }
}

impl Default for Version {
    /// 3.19, the newest release with an OpenAPI description on npm.
    fn default() -> Self {
        Self { minor: 19 }
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        (Self::OLDEST.minor..=Self::NEWEST.minor)
            .map(|minor| Self { minor })
            .find(|version| version.to_string() == text)
            .ok_or(ParseVersionError(()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}", self.minor)
    }
}

/// The error of a text that is no [`Version`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseVersionError(());

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (oldest, newest) = (Version::OLDEST, Version::NEWEST);
        write!(f, "not a GHES version from {oldest} to {newest}")
    }
}

impl std::error::Error for ParseVersionError {}

/// The API version of a request that names none; the first that GHES had.
const DEFAULT_API_VERSION: &str = "2022-11-28";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_in_range_reads_back() {
        for minor in 8..=22 {
            let text = format!("3.{minor}");
            assert_eq!(text.parse::<Version>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_range() {
        for text in [
            "", "3", "3.7", "3.23", "3.08", "3.19.0", "v3.19", "4.0", " 3.19",
        ] {
            let error = text.parse::<Version>().unwrap_err().to_string();
            assert_eq!(error, "not a GHES version from 3.8 to 3.22");
        }
    }

    #[test]
    fn documentation_moved_after_3_9() {
        let url = |text: &str| {
            text.parse::<Version>()
                .unwrap()
                .documentation_url(Operation::CheckToken)
        };
        assert_eq!(
            url("3.9"),
            "https://docs.github.com/enterprise-server@3.9/rest/reference/apps#check-a-token"
        );
        assert_eq!(
            url("3.10"),
            "https://docs.github.com/enterprise-server@3.10/rest/apps/oauth-applications#check-a-token"
        );
    }
}
