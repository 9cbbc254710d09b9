//! The operations the emulator answers, by their ids in GitHub's OpenAPI description.
use std::fmt;

/// An operation of the REST API that the emulator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `apps/check-token`: `POST /applications/{client_id}/token`.
    CheckToken,
}

impl Operation {
    /// Every operation, in the order of GitHub's documents.
    pub const ALL: &[Self] = &[Self::CheckToken];

    /// Returns the operation's id in GitHub's OpenAPI description.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::CheckToken => "apps/check-token",
        }
    }

    pub(super) const fn documentation(self) -> Documentation {
        match self {
            Self::CheckToken => Documentation {
                category: "apps",
                page: "oauth-applications",
                anchor: "check-a-token",
            },
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Where GitHub's documents describe an operation.
pub(super) struct Documentation {
    pub(super) category: &'static str,
    pub(super) page: &'static str,
    pub(super) anchor: &'static str,
}
