//! Assertions that were not made with the right key, or were made for another request.

use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use ring::signature::Ed25519KeyPair;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::Sha256;

use super::*;

/// Signs any header and any payload with the key of RFC 8037.
fn forge(header: &str, payload: &str) -> String {
    let der = PrivatePkcs8KeyDer::from_pem_slice(RFC_8037_KEY.as_bytes()).unwrap();
    let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).unwrap();
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(key.sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn payload(signer: &Signer) -> String {
    serde_json::to_string(&claims(signer)).unwrap()
}

fn header(alg: &str, kid: &str) -> String {
    format!(r#"{{"alg":"{alg}","typ":"gatekeeper-assertion+jwt","kid":"{kid}"}}"#)
}

#[test]
fn the_forgery_itself_is_good() {
    let signer = signer(RFC_8037_KEY);
    let good = forge(&header("EdDSA", RFC_8037_KID), &payload(&signer));
    assert!(verify(&verifier(&signer), good).is_ok());
}

#[test]
fn no_algorithm_is_talked_into_another() {
    use InvalidAssertion::WrongAlgorithm;
    let signer = signer(RFC_8037_KEY);
    let verifier = verifier(&signer);
    let payload = payload(&signer);
    for alg in [
        "none", "None", "nOnE", "", "HS256", "HS512", "ES256", "ES384", "RS256", "PS256", "eddsa",
        "Ed25519",
    ] {
        let header = header(alg, RFC_8037_KID);
        let forged = forge(&header, &payload);
        assert_eq!(verify(&verifier, forged), Err(WrongAlgorithm), "{alg}");
        let unsigned = format!("{}.{}.", encode(&header), encode(&payload));
        assert_eq!(verify(&verifier, unsigned), Err(WrongAlgorithm), "{alg}");
    }
    let unsigned = format!(
        "{}.{}.",
        encode(header("EdDSA", RFC_8037_KID)),
        encode(&payload)
    );
    assert_eq!(
        verify(&verifier, unsigned),
        Err(InvalidAssertion::BadSignature)
    );
}

/// The key of such a MAC would be public, in every form that a verifier could have it.
#[test]
fn a_public_key_is_no_secret_to_a_mac() {
    for signer in signers() {
        let json = signer.key_set().to_json();
        let set: serde_json::Value = serde_json::from_str(&json).unwrap();
        let x = set["keys"][0]["x"].as_str().unwrap();
        let kid = set["keys"][0]["kid"].as_str().unwrap();
        for secret in [
            json.as_bytes(),
            x.as_bytes(),
            &URL_SAFE_NO_PAD.decode(x).unwrap(),
        ] {
            let message = format!(
                "{}.{}",
                encode(header("HS256", kid)),
                encode(payload(&signer))
            );
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
            mac.update(message.as_bytes());
            let forged = format!("{message}.{}", encode(mac.finalize().into_bytes()));
            assert_eq!(
                verify(&verifier(&signer), forged),
                Err(InvalidAssertion::WrongAlgorithm)
            );
        }
    }
}

#[test]
fn a_key_of_another_gate_does_not_sign() {
    let [ed25519, p256] = signers();
    for (gate, other) in [(&ed25519, &p256), (&p256, &ed25519)] {
        let unknown = verify(&verifier(gate), signed(other));
        assert_eq!(unknown, Err(InvalidAssertion::UnknownKey));
    }
    // The right name on the wrong key.
    let rfc = signer(RFC_8037_KEY);
    let mut claimed = KeySet::default();
    let json: serde_json::Value = serde_json::from_str(&ed25519.key_set().to_json()).unwrap();
    let jwk = serde_json::from_value(json["keys"][0].clone()).unwrap();
    claimed.push(RFC_8037_KID, public_key::PublicKey::from_jwk(&jwk).unwrap());
    let verifier = Verifier::new(ISSUER, AUDIENCE, claimed);
    let wrong = verify(&verifier, signed(&rfc));
    assert_eq!(wrong, Err(InvalidAssertion::BadSignature));
}

#[test]
fn a_header_says_nothing_but_what_ours_say() {
    let signer = signer(RFC_8037_KEY);
    let verifier = verifier(&signer);
    let good = header("EdDSA", RFC_8037_KID);
    let with = |member: &str| good.replacen('}', &format!(",{member}}}"), 1);
    for bad in [
        with(r#""crit":["exp"]"#),
        with(r#""b64":false"#),
        with(r#""jku":"https://evil.example/jwks.json""#),
        with(r#""jwk":{"kty":"OKP"}"#),
        with(r#""alg":"EdDSA""#),
        good.replace("gatekeeper-assertion+jwt", "JWT"),
        good.replace("gatekeeper-assertion+jwt", "at+jwt"),
        good.replace(&format!(r#","kid":"{RFC_8037_KID}""#), ""),
        good.replace(r#""EdDSA""#, "null"),
        format!("{good} {good}"),
        "{}".to_owned(),
        String::new(),
    ] {
        let forged = forge(&bad, &payload(&signer));
        let error = verify(&verifier, forged);
        assert_eq!(error, Err(InvalidAssertion::Malformed), "{bad}");
    }
    let unknown = forge(&header("EdDSA", "another"), &payload(&signer));
    assert_eq!(
        verify(&verifier, unknown),
        Err(InvalidAssertion::UnknownKey)
    );
}

#[test]
fn a_payload_is_read_in_one_way() {
    let signer = signer(RFC_8037_KEY);
    let verifier = verifier(&signer);
    let good = payload(&signer);
    for (from, to) in [
        (r#""sub":"1""#, r#""sub":1"#),
        (r#""sub":"1""#, r#""sub":"01""#),
        (r#""sub":"1""#, r#""sub":"+1""#),
        (r#""sub":"1""#, r#""sub":"octocat""#),
        (r#""sub":"1","#, ""),
        (r#""sub":"1""#, r#""sub":"1","sub":"2""#),
        (r#""exp":"#, r#""exp":1,"exp":"#),
        (r#""exp":"#, r#""exp":-"#),
        (r#""htm":"GET","#, ""),
    ] {
        assert!(good.contains(from), "{from}");
        let forged = forge(&header("EdDSA", RFC_8037_KID), &good.replacen(from, to, 1));
        let error = verify(&verifier, forged);
        assert_eq!(error, Err(InvalidAssertion::Malformed), "{to}");
    }
}

#[test]
fn what_is_no_jwt_is_refused() {
    let signer = signer(RFC_8037_KEY);
    let verifier = verifier(&signer);
    let good = signed(&signer);
    let (message, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        message.to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good}=="),
        format!("{good}\n").replace('\n', " "),
        format!("Bearer {good}"),
        good.replace('.', ".."),
        good.replace('_', "/").replace('-', "+") + "/",
    ] {
        let error = verify(&verifier, &bad).unwrap_err();
        assert_eq!(error, InvalidAssertion::Malformed, "{bad}");
    }
    assert!(verify(&verifier, good).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// For every byte of header, claims or signature.
    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), byte in 0x21_u8..0x7f) {
        for signer in signers() {
            let mut assertion = signed(&signer).into_bytes();
            let verifier = verifier(&signer);
            prop_assert!(verify(&verifier, &assertion).is_ok());
            let at = at.index(assertion.len());
            prop_assume!(assertion[at] != byte);
            assertion[at] = byte;
            prop_assert!(verify(&verifier, &assertion).is_err());
        }
    }

    #[test]
    fn a_lost_or_added_byte_is_noticed(at in any::<prop::sample::Index>(), byte in 0x21_u8..0x7f) {
        let signer = signer(RFC_8037_KEY);
        let verifier = verifier(&signer);
        let assertion = signed(&signer).into_bytes();
        let at = at.index(assertion.len());
        let mut longer = assertion.clone();
        longer.insert(at, byte);
        prop_assert!(verify(&verifier, &longer).is_err());
        let mut shorter = assertion;
        shorter.remove(at);
        prop_assert!(verify(&verifier, &shorter).is_err());
    }

    #[test]
    fn nothing_makes_it_panic(text in "[ -~]{0,64}(\\.[ -~]{0,64}){0,3}") {
        let verifier = verifier(&signer(RFC_8037_KEY));
        prop_assert!(verify(&verifier, text).is_err());
    }
}
