use super::is_in_any_case;

/// What is accepted as a bearer token.
#[derive(Clone, Copy, Debug)]
pub struct BearerOptions {
    token_scheme: bool,
    pub(super) basic: BasicScheme,
    pub(super) max_length: usize,
}

impl BearerOptions {
    /// Decides whether GitHub's `Authorization: token …` is read like `Bearer`.
    ///
    /// On by default: Octokit's clients and `curl` lines from GitHub's older documents send it.
    #[must_use]
    pub fn with_token_scheme(mut self, accepted: bool) -> Self {
        self.token_scheme = accepted;
        self
    }

    /// Decides whether the [gate](crate::gatekeeper) also takes a token as the password of
    /// `Authorization: Basic …` (RFC 7617), and names that scheme in its challenges; off by default.
    ///
    /// For git, pip, npm, Maven and whatever else reads a `.netrc`. The user name may be any; or it
    /// is the token, and the password is empty or `x-oauth-basic`, as GitHub has it. Browsers ask
    /// their users for a password where this is on, and remember it.
    ///
    /// [`bearer`](super::bearer) lends a token from the headers, where this one does not lie, and has
    /// [`BearerError::Basic`](super::BearerError::Basic) for it in any case.
    #[must_use]
    pub fn with_basic(mut self, accepted: bool) -> Self {
        self.basic = match accepted {
            true => BasicScheme::Accepted,
            false => BasicScheme::Refused,
        };
        self
    }

    /// Does the same as [`with_basic`](Self::with_basic), and where a client is asked who it is
    /// (401), the challenge names Basic alone.
    ///
    /// For clients of container registries, such as docker: they take the realm of a challenge for
    /// `Bearer` for the address of a server that gives out tokens, and go there. Bearer tokens are
    /// accepted all the same.
    #[must_use]
    pub fn with_basic_only(mut self) -> Self {
        self.basic = BasicScheme::Only;
        self
    }

    /// Returns what becomes of the scheme Basic.
    pub(crate) const fn basic(&self) -> BasicScheme {
        self.basic
    }

    /// The longest token, in bytes, that is looked at by default.
    ///
    /// GitHub's user tokens have 40 bytes today, and it has announced some of 520. A token is
    /// hashed before anything is known of it, so this stays near.
    pub const DEFAULT_MAX_LENGTH: usize = 1024;

    /// Sets the longest token, in bytes, that is looked at;
    /// [`DEFAULT_MAX_LENGTH`](Self::DEFAULT_MAX_LENGTH) by default.
    ///
    /// A longer one is no token of GitHub's, and is answered like any that the issuer does not
    /// know. A longer limit costs hashing time on hostile input, a shorter one might refuse a
    /// future format.
    #[must_use]
    pub fn with_max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    pub(super) fn is_accepted_scheme(&self, scheme: &[u8]) -> bool {
        is_in_any_case(scheme, b"bearer") || (self.token_scheme && is_in_any_case(scheme, b"token"))
    }
}

/// What becomes of the scheme Basic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BasicScheme {
    /// It is no credential.
    Refused,
    /// It is read, and challenges name it beside Bearer.
    Accepted,
    /// It is read, and challenges name it in place of Bearer.
    Only,
}

impl Default for BearerOptions {
    fn default() -> Self {
        Self {
            token_scheme: true,
            basic: BasicScheme::Refused,
            max_length: Self::DEFAULT_MAX_LENGTH,
        }
    }
}
