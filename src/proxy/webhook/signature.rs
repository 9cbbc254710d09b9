use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Tells whether `signature`, as it stands in `X-Hub-Signature-256`, is that of `body`.
///
/// The comparison takes the same time wherever the two differ.
pub(super) fn is_signed(secret: &SecretString, body: &[u8], signature: &[u8]) -> bool {
    let mut claimed = [0; 32];
    let decoded = signature
        .strip_prefix(b"sha256=")
        .and_then(|hex| base16ct::mixed::decode(hex, &mut claimed).ok());
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(body);
    decoded.is_some_and(|claimed| mac.verify_slice(claimed).is_ok())
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
        is_signed(&SecretString::from(secret), body, signature.as_bytes())
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
