mod forged;
mod keys;
mod layer;
mod round_trip;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, Method};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};

use super::*;
use crate::identity::{Identity, User};
use crate::membership::Groups;
use crate::scope::Scopes;

const ISSUER: &str = "https://gate.example.com";
const AUDIENCE: &str = "http://tool.internal:3000";

/// The key of RFC 8037 §A.1, in PKCS#8.
const RFC_8037_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";

/// Its name, from RFC 8037 §A.3.
const RFC_8037_KID: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

fn new_key(algorithm: &'static SignatureAlgorithm) -> String {
    KeyPair::generate_for(algorithm).unwrap().serialize_pem()
}

fn signer(pem: &str) -> Signer {
    Signer::new(ISSUER, SigningKeys::from_pem(pem.as_bytes()).unwrap())
}

/// One signer for each algorithm.
fn signers() -> [Signer; 2] {
    [&PKCS_ED25519, &PKCS_ECDSA_P256_SHA256].map(|algorithm| signer(&new_key(algorithm)))
}

fn verifier(signer: &Signer) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, signer.key_set())
}

fn octocat() -> Identity {
    let scopes = Scopes::parse(["read:org", "gist"]).unwrap();
    Identity::new(User::new("octocat", 1), "Iv1.8a61f9b3a7aba766", 1, scopes).unwrap()
}

fn claims(signer: &Signer) -> Claims {
    signer.claims(
        &octocat(),
        &Groups::default(),
        AUDIENCE,
        &Method::GET,
        "/notes",
    )
}

fn signed(signer: &Signer) -> String {
    let value = signer.sign_claims(&claims(signer)).unwrap();
    value.to_str().unwrap().to_owned()
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// The result of a verifier for this text, about a request that it would be valid for.
fn verify(verifier: &Verifier, assertion: impl AsRef<[u8]>) -> Result<Claims, InvalidAssertion> {
    let value = HeaderValue::from_bytes(assertion.as_ref()).unwrap();
    let headers = HeaderMap::from_iter([(HEADER, value)]);
    verifier.verify(&headers, &Method::GET, "/notes")
}
