use rcgen::PKCS_ECDSA_P384_SHA384;

use super::public_key::PublicKey;
use super::*;

/// RFC 8037 §A.3.
#[test]
fn a_key_is_named_by_its_thumbprint() {
    let keys = SigningKeys::from_pem(RFC_8037_KEY.as_bytes()).unwrap();
    let json = keys.key_set().to_json();
    assert_eq!(
        json,
        format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"EdDSA","use":"sig","kid":"{RFC_8037_KID}"}}]}}"#
        )
    );
}

fn public_key(jwk: &str) -> PublicKey {
    PublicKey::from_jwk(&serde_json::from_str(jwk).unwrap()).unwrap()
}

/// RFC 9449 §4.1 has the key, §6.1 its thumbprint.
#[test]
fn a_key_of_p_256_is_named_by_its_thumbprint() {
    let key = public_key(
        r#"{"kty":"EC","crv":"P-256","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#,
    );
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    assert_eq!(key.thumbprint(), thumbprint);
}

/// RFC 8037 §A.4.
#[test]
fn the_example_of_rfc_8037_verifies() {
    let key = public_key(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    );
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert!(key.verifies(message, &signature));
    assert!(!key.verifies(&message[1..], &signature));
}

/// RFC 7515 §A.3.
#[test]
fn the_example_of_rfc_7515_verifies() {
    let key = public_key(
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
    );
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    assert!(key.verifies(message, &signature));
    assert!(!key.verifies(&message[1..], &signature));
}

#[test]
fn one_key_follows_another_without_a_gap() {
    let [old, new] = [&PKCS_ED25519, &PKCS_ECDSA_P256_SHA256].map(new_key);
    let read = |pem: &str| SigningKeys::from_pem(pem.as_bytes()).unwrap();
    let signer = signer(&old);
    let before = signer.key_set();
    let verifier = verifier(&signer);

    // The new key is published second, and no assertion needs it yet.
    signer.replace_keys(read(&format!("{old}{new}")));
    let published = signer.key_set();
    assert_eq!(published.kids().count(), 2);
    assert!(verify(&verifier, signed(&signer)).is_ok());

    // It signs. A verifier that has fetched the keys meanwhile accepts it, and the assertions of
    // the old one.
    let signed_before = signed(&signer);
    signer.replace_keys(read(&format!("{new}{old}")));
    let signed_after = signed(&signer);
    assert_eq!(
        verify(&verifier, &signed_after),
        Err(InvalidAssertion::UnknownKey)
    );
    verifier.replace_keys(published);
    assert!(verify(&verifier, &signed_before).is_ok());
    assert!(verify(&verifier, &signed_after).is_ok());

    // The old one is gone.
    signer.replace_keys(read(&new));
    verifier.replace_keys(signer.key_set());
    assert!(verify(&verifier, &signed_after).is_ok());
    assert_eq!(
        verify(&verifier, &signed_before),
        Err(InvalidAssertion::UnknownKey)
    );
    assert_ne!(signer.key_set(), before);
}

#[test]
fn keys_of_several_files_are_joined_without_repetition() {
    let [a, b, c] = [&PKCS_ED25519; 3].map(new_key);
    let read = |pem: String| SigningKeys::from_pem(pem.as_bytes()).unwrap();
    let both = read(format!("{a}{b}{a}"));
    let joined = both.clone().followed_by(read(format!("{b}{c}")));
    let kids = |keys: &SigningKeys| {
        let set = keys.key_set();
        set.kids().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(kids(&both).len(), 2);
    assert_eq!(kids(&joined)[..2], kids(&both));
    assert_eq!(kids(&joined).len(), 3);
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let p384 = new_key(&PKCS_ECDSA_P384_SHA384);
    let good = new_key(&PKCS_ED25519);
    let damaged = good.replacen("MF", "!!", 1).replacen("MC", "!!", 1);
    for (pem, error) in [
        (String::new(), InvalidKey::NoKey),
        (good.replace("PRIVATE", "EC PRIVATE"), InvalidKey::NoKey),
        (damaged, InvalidKey::Damaged),
        (p384.clone(), InvalidKey::Unsupported),
        (format!("{good}{p384}"), InvalidKey::Unsupported),
    ] {
        assert_eq!(
            SigningKeys::from_pem(pem.as_bytes()).unwrap_err(),
            error,
            "{pem}"
        );
    }
}

#[test]
fn a_private_key_is_shown_nowhere() {
    let signer = signer(RFC_8037_KEY);
    let keys = SigningKeys::from_pem(RFC_8037_KEY.as_bytes()).unwrap();
    let shown = format!("{signer:?} {keys:?} {}", signer.key_set().to_json());
    assert!(shown.contains(RFC_8037_KID), "{shown}");
    assert!(
        !shown.contains("nWGxne") && !shown.contains("157, 97"),
        "{shown}"
    );
}

#[test]
fn a_key_set_is_read_as_it_is_written() {
    for signer in signers() {
        let set = signer.key_set();
        assert_eq!(KeySet::from_json(set.to_json().as_bytes()), Ok(set));
    }
}

#[test]
fn a_key_set_is_what_is_public_and_fits() {
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = |members: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}"{members}}}"#);
    let good = key(r#","kid":"a""#);
    let read = |keys: &str| KeySet::from_json(format!(r#"{{"keys":[{keys}]}}"#).as_bytes());
    assert_eq!(read(&good).unwrap().kids().count(), 1);
    for left_out in [
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"r"}"#.to_owned(),
        r#"{"kty":"new"}"#.to_owned(),
        key(""),
        key(r#","kid":"b","use":"enc""#),
        key(r#","kid":"b","alg":"ES256""#),
        good.replace("Ed25519", "X25519"),
        good.replace(X, &X[1..]),
        good.replace(X, &format!("{X}A")),
        format!(r#"{{"kty":"EC","crv":"P-384","x":"{X}","y":"{X}","kid":"b"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","kid":"b"}}"#),
    ] {
        assert_eq!(read(&left_out), Err(InvalidKeySet::NoKey), "{left_out}");
        let set = read(&format!("{left_out},{good}")).unwrap();
        assert_eq!(set.kids().collect::<Vec<_>>(), ["a"], "{left_out}");
    }
    assert_eq!(read(""), Err(InvalidKeySet::NoKey));
    let twice = format!("{good},{good}");
    assert_eq!(read(&twice), Err(InvalidKeySet::SameKid));
    for private in [
        key(r#","kid":"a","d":"AA""#),
        r#"{"kty":"oct","k":"AA"}"#.to_owned(),
    ] {
        assert_eq!(read(&private), Err(InvalidKeySet::PrivateKey), "{private}");
    }
    for none in ["", "[]", "{}", r#"{"keys":1}"#, r#"{"keys":[1]}"#] {
        let error = KeySet::from_json(none.as_bytes());
        assert_eq!(error, Err(InvalidKeySet::NotJwks), "{none}");
    }
}
