//! Access tokens in the form GHES has given them since 3.2.
//!
//! Four characters of prefix, 30 of body and six of checksum: the CRC-32 of the body in base 62.
use sha2::{Digest, Sha256};

use super::world::AppKind;

/// Makes the `serial`-th token of an emulator; the same serial gives the same token.
pub(super) fn generate(kind: AppKind, serial: u64) -> String {
    let body = body(serial);
    let checksum = checksum(&body);
    format!("{}{body}{checksum}", prefix(kind))
}

/// Returns the SHA-256 of a token in lower-case hex, GitHub's `hashed_token`.
pub(super) fn hashed(token: &str) -> String {
    Sha256::digest(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Returns the last eight characters of a token, GitHub's `token_last_eight`.
pub(super) fn last_eight(token: &str) -> &str {
    // A world's tokens are ASCII, so every index is a boundary.
    &token[token.len().saturating_sub(8)..]
}

const fn prefix(kind: AppKind) -> &'static str {
    match kind {
        AppKind::GitHubApp => "ghu_",
        AppKind::OAuthApp => "gho_",
    }
}

fn body(serial: u64) -> String {
    let mut hash = Sha256::new();
    hash.update(b"an access token of the GHES emulator");
    hash.update(serial.to_be_bytes());
    hash.finalize()
        .iter()
        .take(BODY_LENGTH)
        .map(|&byte| digit(u32::from(byte)))
        .collect()
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = ['0'; CHECKSUM_LENGTH];
    for place in digits.iter_mut().rev() {
        *place = digit(rest);
        rest /= 62;
    }
    digits.iter().collect()
}

fn digit(value: u32) -> char {
    char::from(ALPHABET[(value % 62) as usize])
}

const BODY_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_crc32_in_base62_padded_to_six() {
        assert_eq!(checksum(&"0".repeat(30)), "2C8GjS");
        assert_eq!(checksum(&"A".repeat(30)), "0uCPlr");
        assert_eq!(checksum("abcdefghijklmnopqrstuvwxyz0123"), "2LolCm");
    }

    #[test]
    fn generated_tokens_have_githubs_form() {
        let token = generate(AppKind::OAuthApp, 7);
        assert_eq!(token.len(), 40);
        assert_eq!(checksum(&token[4..34]), token[34..]);
        assert_eq!(generate(AppKind::OAuthApp, 7), token);
        assert_ne!(generate(AppKind::OAuthApp, 8), token);
    }

    #[test]
    fn hashed_token_is_hex_sha256() {
        // The pair in GitHub's documents: their example hash is of this text.
        let hash = "25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8";
        assert_eq!(hashed("abcdefgh12345678"), hash);
    }

    #[test]
    fn short_tokens_are_their_own_last_eight() {
        assert_eq!(last_eight("abc"), "abc");
        assert_eq!(last_eight("0123456789"), "23456789");
    }
}
