use std::fmt;

/// The protected space in challenges: its name, and where it describes itself.
///
/// Both are safe to stand between quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Realm {
    name: Box<str>,
    resource_metadata: Option<Box<str>>,
}

impl Realm {
    /// Takes a name without quotes and backslashes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] if the name holds anything but visible ASCII and spaces, or a
    /// quote or a backslash, which clients unquote in different ways (RFC 9110 §5.6.4).
    pub fn new(name: &str) -> Result<Self, InvalidRealm> {
        Ok(Self {
            name: quotable(name)?,
            resource_metadata: None,
        })
    }

    /// Adds the address of the space's description, by which clients find out where to get a
    /// token (RFC 9728 §5.1). There must be one at this address, as §3 has it.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] on the same terms as [`Realm::new`].
    pub fn with_resource_metadata(self, url: &str) -> Result<Self, InvalidRealm> {
        Ok(Self {
            resource_metadata: Some(quotable(url)?),
            ..self
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    pub(super) fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }
}

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
        Self {
            name: "ghes".into(),
            resource_metadata: None,
        }
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
