use std::fmt;

use arc_swap::ArcSwap;
use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// A secret that others prove themselves with, and that may be replaced meanwhile.
///
/// Kept as a digest. The comparison takes the same time wherever two secrets differ, and tells
/// nothing of their length.
pub(crate) struct SharedSecret(ArcSwap<Digest>);

type Digest = CtOutput<Hmac<Sha256>>;

impl SharedSecret {
    pub(crate) fn new(secret: &SecretString) -> Self {
        Self(ArcSwap::from_pointee(digest_of(secret)))
    }

    /// Replaces the secret, for everything that is compared from now on.
    pub(crate) fn replace(&self, secret: &SecretString) {
        self.0.store(digest_of(secret).into());
    }

    /// Tells whether these bytes are the secret.
    pub(crate) fn is(&self, presented: &[u8]) -> bool {
        **self.0.load() == digest(presented)
    }
}

fn digest_of(secret: &SecretString) -> Digest {
    digest(secret.expose_secret().as_bytes())
}

/// The key only keeps this digest apart from others of the same secret.
fn digest(secret: &[u8]) -> Digest {
    let mac = Hmac::<Sha256>::new_from_slice(b"ghes-gatekeeper shared secret");
    let mac = mac.expect("HMAC takes keys of every length");
    mac.chain_update(secret).finalize()
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_the_secret() {
        let secret = SharedSecret::new(&SecretString::from("correct-horse"));
        assert!(secret.is(b"correct-horse"));
        for wrong in [
            "",
            "correct-hors",
            "correct-horsf",
            "correct-horse ",
            "Correct-horse",
        ] {
            assert!(!secret.is(wrong.as_bytes()), "{wrong}");
        }
        secret.replace(&SecretString::from("battery-staple"));
        assert!(secret.is(b"battery-staple") && !secret.is(b"correct-horse"));
        assert_eq!(format!("{secret:?}"), "SharedSecret(..)");
    }
}
