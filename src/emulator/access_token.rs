//! Access tokens in the form GHES has given them since 3.2.
//!
//! Four characters of prefix, 30 of body and six of checksum: the CRC-32 of the body in base 62.
use sha2::{Digest, Sha256};

/// Appends its checksum to the body of a token; `prefix` is one such as `gho_`.
pub(super) fn of(prefix: &str, body: &str) -> String {
    format!("{prefix}{body}{}", checksum(body))
}

/// Returns the SHA-256 of a token in lower-case hex, GitHub's `hashed_token`.
pub(super) fn hashed(token: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(token) {
        for digit in [byte >> 4, byte & 15] {
            hex.push(char::from(HEX[usize::from(digit)]));
        }
    }
    hex
}

/// Returns the last eight characters of a token, GitHub's `token_last_eight`.
pub(super) fn last_eight(token: &str) -> &str {
    // A world's tokens are ASCII, so every index is a boundary.
    &token[token.len().saturating_sub(8)..]
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

const CHECKSUM_LENGTH: usize = 6;
const HEX: &[u8; 16] = b"0123456789abcdef";
pub(super) const ALPHABET: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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
    fn checksum_covers_the_body_alone() {
        let token = of("gho_", &"0".repeat(30));
        assert_eq!(token, format!("gho_{}2C8GjS", "0".repeat(30)));
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
