//! The secret, its kind and its hash.
//!
//! 1. [`AccessToken`] owns the secret: it never shows it, and overwrites it when dropped.
//! 2. [`TokenHash`] stands for the token everywhere else: in the caches, in flights, in logs.
//! 3. [`TokenKind`] is what the token's prefix says about it.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// An access token that a client sent; it may be good or not.
///
/// `Debug` prints the type name only; there is no `Display` and no `Serialize`. A handle: clones
/// share one copy of the secret, and its hash once that is known. The memory is overwritten when the
/// last of them is dropped, and so is the body of the request to the issuer. What implementations of
/// HTTP and TLS copy of it into their buffers is not.
#[derive(Clone)]
pub struct AccessToken(Arc<Secret>);

struct Secret {
    text: SecretString,
    hash: OnceLock<TokenHash>,
}

impl AccessToken {
    /// Takes over a token as it stood in a request.
    pub fn new(token: impl Into<String>) -> Self {
        Self(Arc::new(Secret {
            text: SecretString::from(token.into()),
            hash: OnceLock::new(),
        }))
    }

    /// Takes over a token whose hash is known.
    pub(crate) fn hashed(token: impl Into<String>, hash: TokenHash) -> Self {
        Self(Arc::new(Secret {
            text: SecretString::from(token.into()),
            hash: hash.into(),
        }))
    }

    /// Returns the secret itself, to be sent to its issuer and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// Returns the hash under which the answer about this token is kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        *self.0.hash.get_or_init(|| TokenHash::of(self.expose()))
    }

    /// Returns what the token's prefix says that it is.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        TokenKind::of(self.expose())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// What kind of token a prefix announces.
///
/// See [GitHub's list]. A client can write any prefix, so a kind is a reason to refuse a token and
/// never one to trust it.
///
/// [GitHub's list]: https://docs.github.com/en/enterprise-server/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenKind {
    /// `gho_`: of an OAuth app.
    OAuth,
    /// No known prefix, such as the 40 hexadecimal digits of older servers.
    Other,
    /// `ghp_` or `github_pat_`: made by a person for their own use.
    PersonalAccess,
    /// `ghr_`: renews another token.
    Refresh,
    /// `ghs_`: of an installation of a GitHub App, behind which there is no user.
    ServerToServer,
    /// `ghu_`: of a GitHub App on behalf of a user.
    UserToServer,
}

impl TokenKind {
    /// Reads the prefix of a token.
    #[must_use]
    pub fn of(token: impl AsRef<[u8]>) -> Self {
        // Each hit comes by here, and patterns are compared as numbers.
        match token.as_ref() {
            [b'g', b'h', b'o', b'_', ..] => Self::OAuth,
            [b'g', b'h', b'u', b'_', ..] => Self::UserToServer,
            [b'g', b'h', b'p', b'_', ..] => Self::PersonalAccess,
            [b'g', b'h', b'r', b'_', ..] => Self::Refresh,
            [b'g', b'h', b's', b'_', ..] => Self::ServerToServer,
            token if token.starts_with(b"github_pat_") => Self::PersonalAccess,
            _ => Self::Other,
        }
    }

    /// Returns the kind as one lower-case word, as it stands in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::Other => "other",
            Self::PersonalAccess => "personal_access",
            Self::Refresh => "refresh",
            Self::ServerToServer => "server_to_server",
            Self::UserToServer => "user_to_server",
        }
    }

    /// Tells whether such a token can be the token of an app on behalf of a user, the only ones
    /// that *check a token* knows.
    #[must_use]
    pub const fn may_be_checked(self) -> bool {
        matches!(self, Self::OAuth | Self::Other | Self::UserToServer)
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

    /// Returns all 64 hexadecimal digits, as the REST API writes them. Not for logs.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut digits = [0; 64];
        let hex = base16ct::lower::encode_str(&self.0, &mut digits);
        hex.expect("two digits for each byte").to_owned()
    }

    /// Writes the first 12 hexadecimal digits, which is what logs may show.
    pub(crate) fn write_start<'d>(&self, digits: &'d mut [u8; 12]) -> &'d str {
        let start = base16ct::lower::encode_str(&self.0[..6], digits);
        start.expect("two digits for each byte")
    }

    /// Returns the base64 of the digest, as the audit log writes it. Not for logs.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

/// Reads a hash as GitHub writes it: 64 hexadecimal digits, or base64 with its padding.
impl FromStr for TokenHash {
    type Err = InvalidTokenHash;

    fn from_str(text: &str) -> Result<Self, InvalidTokenHash> {
        let mut hash = [0; 32];
        let read = if text.len() == 2 * hash.len() {
            base16ct::mixed::decode(text, &mut hash)
                .map(<[u8]>::len)
                .ok()
        } else {
            BASE64_STANDARD.decode_slice(text, &mut hash).ok()
        };
        match read {
            Some(32) => Ok(Self(hash)),
            _ => Err(InvalidTokenHash(())),
        }
    }
}

/// The error for a text that is not the SHA-256 of anything.
#[derive(Debug)]
pub struct InvalidTokenHash(());

impl fmt::Display for InvalidTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a SHA-256 in 64 hexadecimal digits or in base64")
    }
}

impl std::error::Error for InvalidTokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}..)", self.write_start(&mut [0; 12]))
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
    fn a_hash_is_read_as_github_writes_it() {
        let hash = TokenHash::of("abcdefgh12345678");
        for text in [
            "25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8",
            "25F94A2A5C7FBAF499C665BC73D67C1C87E496DA8985131633EE0A95819DB2E8",
            "JflKKlx/uvSZxmW8c9Z8HIfkltqJhRMWM+4KlYGdsug=",
        ] {
            assert_eq!(text.parse::<TokenHash>().ok(), Some(hash), "{text}");
        }
        assert_eq!(hash.to_hex().parse::<TokenHash>().ok(), Some(hash));
        assert_eq!(hash.to_hex(), hash.to_hex().to_ascii_lowercase());
        assert_eq!(
            hash.to_base64(),
            "JflKKlx/uvSZxmW8c9Z8HIfkltqJhRMWM+4KlYGdsug="
        );
        for text in ["", "25f94a", "JflKKlx/", &"g".repeat(64), &"A".repeat(48)] {
            assert!(text.parse::<TokenHash>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_names_the_kind_and_only_a_prefix() {
        for (token, kind, may_be_checked) in [
            ("gho_16C7e42F", TokenKind::OAuth, true),
            ("ghu_16C7e42F", TokenKind::UserToServer, true),
            ("e72e16c7e42f292c", TokenKind::Other, true),
            ("GHP_16C7e42F", TokenKind::Other, true),
            ("xghp_", TokenKind::Other, true),
            ("ghp_16C7e42F", TokenKind::PersonalAccess, false),
            ("github_pat_11A", TokenKind::PersonalAccess, false),
            ("ghr_16C7e42F", TokenKind::Refresh, false),
            ("ghs_16C7e42F", TokenKind::ServerToServer, false),
        ] {
            assert_eq!(TokenKind::of(token), kind, "{token}");
            assert_eq!(kind.may_be_checked(), may_be_checked, "{token}");
        }
    }

    #[test]
    fn clones_share_one_copy_of_the_secret_and_its_hash() {
        let token = AccessToken::new("abcdefgh12345678");
        let clone = token.clone();
        assert_eq!(clone.expose().as_ptr(), token.expose().as_ptr());
        assert_eq!(token.hash(), TokenHash::of("abcdefgh12345678"));
        assert_eq!(clone.0.hash.get(), Some(&token.hash()));
        let other = TokenHash::of("other");
        assert_eq!(
            AccessToken::hashed("a", other).hash(),
            other,
            "not hashed again"
        );
    }

    #[test]
    fn debug_shows_no_secret_and_at_most_twelve_digits() {
        let token = AccessToken::new("abcdefgh12345678");
        assert_eq!(format!("{token:?}"), "AccessToken(..)");
        assert_eq!(format!("{:?}", token.hash()), "TokenHash(25f94a2a5c7f..)");
    }
}
