use std::fmt;

/// The name of the protected space in challenges, safe to stand between quotes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Realm(Box<str>);

impl Realm {
    /// Takes a name without quotes and backslashes.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRealm`] if the name holds anything but visible ASCII and spaces, or a
    /// quote or a backslash, which clients unquote in different ways (RFC 9110 §5.6.4).
    pub fn new(name: &str) -> Result<Self, InvalidRealm> {
        let legal = |b: u8| (b == b' ' || b.is_ascii_graphic()) && b != b'"' && b != b'\\';
        if name.bytes().all(legal) {
            Ok(Self(name.into()))
        } else {
            Err(InvalidRealm(()))
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Realm {
    fn default() -> Self {
        Self("ghes".into())
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
