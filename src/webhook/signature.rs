use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The signature of a body that is still arriving, and the claimed one.
pub(super) struct Signing {
    mac: Hmac<Sha256>,
    claimed: [u8; 32],
}

/// A verified signature: the same for the same body, and for no other.
pub(super) type Signature = [u8; 32];

impl Signing {
    /// Reads the claimed signature from `X-Hub-Signature-256`; none if it is malformed.
    pub(super) fn claimed(secret: &SecretString, header: &[u8]) -> Option<Self> {
        let mut claimed = [0; 32];
        let hex = header.strip_prefix(b"sha256=")?;
        let decoded = base16ct::mixed::decode(hex, &mut claimed).ok()?;
        let key = secret.expose_secret().as_bytes();
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of every length");
        (decoded.len() == 32).then_some(Self { mac, claimed })
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.mac.update(piece);
    }

    /// Returns the signature if it matches all pieces.
    ///
    /// The comparison takes the same time wherever the two differ.
    pub(super) fn verify(self) -> Option<Signature> {
        let verified = self.mac.verify_slice(&self.claimed);
        verified.is_ok().then_some(self.claimed)
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From GitHub's page on validating webhook deliveries.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn is_signed_by(secret: &str, body: &[u8], signature: &str) -> bool {
        let secret = SecretString::from(secret);
        let Some(mut signing) = Signing::claimed(&secret, signature.as_bytes()) else {
            return false;
        };
        let (begin, end) = body.split_at(body.len() / 2);
        signing.update(begin);
        signing.update(end);
        signing.verify().is_some()
    }

    #[test]
    fn githubs_example_is_signed() {
        assert!(is_signed_by(SECRET, BODY, SIGNATURE));
    }

    #[test]
    fn nothing_else_is() {
        assert!(!is_signed_by("It's a secret to everybody", BODY, SIGNATURE));
        assert!(!is_signed_by(SECRET, b"Hello, World", SIGNATURE));
        for signature in [
            "",
            "sha256=",
            "sha1=757107ea0eb2509fc211221cce984b8a37570b6d",
            &SIGNATURE[7..],
            &SIGNATURE[..SIGNATURE.len() - 2],
            &SIGNATURE[..SIGNATURE.len() - 1],
            &format!("{SIGNATURE}00"),
            &SIGNATURE.replace("e17", "e18"),
            &SIGNATURE.replace("sha256", "sha512"),
        ] {
            assert!(!is_signed_by(SECRET, BODY, signature), "{signature}");
        }
    }
}
