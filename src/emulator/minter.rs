//! The secrets the server makes up, each from the seed and its number.
use sha2::{Digest, Sha256};

use super::access_token;

/// Makes tokens and codes; the same seed makes the same ones in the same order.
///
/// They are predictable by design, so they protect nothing.
pub(super) struct Minter {
    seed: u64,
    serial: u64,
}

impl Minter {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, serial: 0 }
    }

    /// Makes a token of GitHub's form: a prefix such as `gho_`, 30 digits and the checksum.
    pub(super) fn token(&mut self, prefix: &str) -> String {
        access_token::of(prefix, &self.digits(30, access_token::ALPHABET))
    }

    /// Makes a refresh token, 80 characters long.
    pub(super) fn refresh_token(&mut self) -> String {
        access_token::of("ghr_", &self.digits(70, access_token::ALPHABET))
    }

    /// Makes a code of the web flow, 20 hexadecimal digits.
    pub(super) fn code(&mut self) -> String {
        self.digits(20, HEX)
    }

    /// Makes a device code, 40 hexadecimal digits.
    pub(super) fn device_code(&mut self) -> String {
        self.digits(40, HEX)
    }

    /// Makes a user code such as `WDJB-MJHT`.
    pub(super) fn user_code(&mut self) -> String {
        let letters = self.digits(8, CONSONANTS);
        format!("{}-{}", &letters[..4], &letters[4..])
    }

    fn digits(&mut self, length: usize, alphabet: &[u8]) -> String {
        self.serial += 1;
        (0..)
            .flat_map(|block| self.block(block))
            .map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
            .take(length)
            .collect()
    }

    fn block(&self, number: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"a secret of the GHES emulator");
        for part in [self.seed, self.serial, number] {
            hash.update(part.to_be_bytes());
        }
        hash.finalize().into()
    }
}

const HEX: &[u8] = b"0123456789abcdef";
/// Letters that spell no word and are not mistaken for digits.
const CONSONANTS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

#[cfg(test)]
mod tests {
    use super::*;

    fn all(seed: u64) -> [String; 5] {
        let mut minter = Minter::new(seed);
        [
            minter.token("gho_"),
            minter.refresh_token(),
            minter.code(),
            minter.device_code(),
            minter.user_code(),
        ]
    }

    #[test]
    fn seed_decides() {
        assert_eq!(all(7), all(7));
        for (one, other) in all(7).iter().zip(all(8)) {
            assert_ne!(*one, other);
        }
        let mut minter = Minter::new(7);
        assert_ne!(minter.token("gho_"), minter.token("gho_"));
    }

    #[test]
    fn secrets_have_githubs_lengths() {
        assert_eq!(all(0).map(|secret| secret.len()), [40, 80, 20, 40, 9]);
    }
}
