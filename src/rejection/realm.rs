use std::fmt;

use http::HeaderValue;

use crate::scope::Scopes;

/// The protected space in challenges: its name, and where it describes itself.
///
/// Both are safe to stand between quotes.
#[derive(Clone, Eq, PartialEq)]
pub struct Realm {
    name: Box<str>,
    resource_metadata: Option<Box<str>>,
    /// The challenges that name no scope, made once: floods of bad tokens are answered with them.
    challenges: [HeaderValue; ERRORS.len()],
}

impl Realm {
    /// Takes a name without quotes and backslashes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] if the name holds anything but visible ASCII and spaces, or a
    /// quote or a backslash, which clients unquote in different ways (RFC 9110 §5.6.4).
    pub fn new(name: &str) -> Result<Self, InvalidRealm> {
        Ok(Self::described(quotable(name)?, None))
    }

    /// Adds the address of the space's description, by which clients find out where to get a
    /// token (RFC 9728 §5.1). There must be one at this address, as §3 has it.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] on the same terms as [`Realm::new`].
    pub fn with_resource_metadata(self, url: &str) -> Result<Self, InvalidRealm> {
        Ok(Self::described(self.name, Some(quotable(url)?)))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    fn described(name: Box<str>, resource_metadata: Option<Box<str>>) -> Self {
        let challenge = |error| challenge(&name, error, None, resource_metadata.as_deref());
        Self {
            challenges: ERRORS.map(challenge),
            name,
            resource_metadata,
        }
    }

    /// Returns the challenge of the scheme Basic (RFC 7617 §2), which has no error codes.
    pub(crate) fn basic_challenge(&self) -> HeaderValue {
        let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", self.name);
        HeaderValue::try_from(challenge).expect(QUOTABLE)
    }

    /// Returns the challenge for an error code of RFC 6750 §3.1, empty for a challenge without one.
    pub(super) fn challenge(&self, error: &str, required: Option<&Scopes>) -> HeaderValue {
        let made = ERRORS.iter().position(|made| *made == error);
        match (required, made) {
            (None, Some(made)) => self.challenges[made].clone(),
            _ => challenge(
                &self.name,
                error,
                required,
                self.resource_metadata.as_deref(),
            ),
        }
    }
}

/// The error codes of [`RejectionKind`](super::RejectionKind)s that need no more than another token.
const ERRORS: [&str; 3] = ["", "invalid_request", "invalid_token"];

fn challenge(
    name: &str,
    error: &str,
    required: Option<&Scopes>,
    resource_metadata: Option<&str>,
) -> HeaderValue {
    let mut challenge = format!("Bearer realm=\"{name}\"");
    if !error.is_empty() {
        challenge.push_str(&format!(", error=\"{error}\""));
    }
    if let Some(required) = required {
        challenge.push_str(&format!(", scope=\"{}\"", required.join(" ")));
    }
    if let Some(url) = resource_metadata {
        challenge.push_str(&format!(", resource_metadata=\"{url}\""));
    }
    HeaderValue::try_from(challenge).expect(QUOTABLE)
}

const QUOTABLE: &str = "all that it is made of is visible ASCII and spaces";

fn quotable(text: &str) -> Result<Box<str>, InvalidRealm> {
    let legal = |b: u8| (b == b' ' || b.is_ascii_graphic()) && b != b'"' && b != b'\\';
    if text.bytes().all(legal) {
        Ok(text.into())
    } else {
        Err(InvalidRealm(()))
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self::described("ghes".into(), None)
    }
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm")
            .field("name", &self.name)
            .field("resource_metadata", &self.resource_metadata)
            .finish()
    }
}

/// The error for a name that cannot stand in a challenge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidRealm(());

impl fmt::Display for InvalidRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a realm is visible ASCII and spaces without quote or backslash")
    }
}

impl std::error::Error for InvalidRealm {}
