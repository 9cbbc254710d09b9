//! The secret and its hash.
//!
//! 1. [`AccessToken`] owns the secret: it never shows it, and overwrites it when dropped.
//! 2. [`TokenHash`] stands for the token everywhere else: in the caches, in flights, in logs.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// An access token that somebody presented, not yet known to be good.
///
/// `Debug` prints the type name only; there is no `Display` and no `Serialize`. The memory is
/// overwritten on drop, and so is the body of the request to the issuer. What implementations of
/// HTTP and TLS copy of it into their buffers is not.
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    /// Takes over a token as it stood in a request.
    pub fn new(token: impl Into<String>) -> Self {
        Self(SecretString::from(token.into()))
    }

    /// Returns the secret itself, to be sent to its issuer and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the hash under which the answer about this token is kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// SHA-256 of a token: the key of caches and flights.
///
/// It equals GitHub's `hashed_token`, which the REST API writes as hex and the [audit log] as
/// base64, so what an operator finds there can be matched with what is kept here. Plain rather
/// than keyed: tokens carry more than 128 random bits, so the digest cannot be reversed.
///
/// `Debug` shows the first 12 hex digits, which is what logs may show of it.
///
/// [audit log]: https://docs.github.com/en/enterprise-server/admin/monitoring-activity-in-your-enterprise/reviewing-audit-logs-for-your-enterprise/identifying-audit-log-events-performed-by-an-access-token
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes the complete token, prefix included.
    #[must_use]
    pub fn of(token: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Returns the 32 bytes of the digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(")?;
        for byte in &self.0[..6] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_githubs_hashed_token() {
        // The `hashed_token` of GitHub's documents is the hash of this string.
        let hash = TokenHash::of("abcdefgh12345678");
        let hex: String = hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8"
        );
    }

    #[test]
    fn debug_shows_no_secret_and_at_most_twelve_digits() {
        let token = AccessToken::new("abcdefgh12345678");
        assert_eq!(format!("{token:?}"), "AccessToken(..)");
        assert_eq!(format!("{:?}", token.hash()), "TokenHash(25f94a2a5c7f..)");
    }
}
