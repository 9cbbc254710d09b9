use std::str::FromStr;

/// `preset`: an app that nobody has to register, because its client secret is public.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AppPreset {
    /// `"gh-cli"`: that of the `gh` command, on every server.
    ///
    /// Its client id is public, so any program can ask people for a token of it. Such a
    /// token says whose it is and no more; it does not say which program it was made for.
    GhCli,
}

impl AppPreset {
    /// Returns the word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GhCli => "gh-cli",
        }
    }

    /// Returns the app's client id.
    #[must_use]
    pub const fn client_id(self) -> &'static str {
        match self {
            Self::GhCli => "178c6fc778ccc68e1d6a",
        }
    }

    /// As it is published: `oauthClientSecret` in `internal/authflow/flow.go` of
    /// <https://github.com/cli/cli>, "safe to be embedded in version control".
    pub(super) const fn client_secret(self) -> &'static str {
        match self {
            Self::GhCli => "34ddeff2b558a23d38fba8a6de74f086ede1cc0b",
        }
    }
}

impl FromStr for AppPreset {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, &'static str> {
        match word {
            "gh-cli" => Ok(Self::GhCli),
            _ => Err("not known; there is \"gh-cli\""),
        }
    }
}
