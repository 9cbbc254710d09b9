use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A key for verifying signatures, with its one algorithm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicKey {
    Ed25519([u8; 32]),
    /// An uncompressed point (SEC 1 §2.3.3): 4, x and y.
    P256([u8; 65]),
}

/// The members of a JWK that matter here (RFC 7517 §4, RFC 7518 §6.2, RFC 8037 §2).
#[derive(Deserialize, Serialize)]
pub(super) struct Jwk {
    pub(super) kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<String>,
    /// The private half, or a shared secret; neither may be published.
    #[serde(skip_serializing)]
    pub(super) d: Option<serde::de::IgnoredAny>,
    #[serde(skip_serializing)]
    pub(super) k: Option<serde::de::IgnoredAny>,
}

impl PublicKey {
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&dyn VerificationAlgorithm, &[u8]) = match self {
            Self::Ed25519(key) => (&ED25519, key),
            Self::P256(point) => (&ECDSA_P256_SHA256_FIXED, point),
        };
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(message, signature).is_ok()
    }

    /// RFC 7638 §3: the hash of the required members, in the order of their names.
    pub(super) fn thumbprint(&self) -> String {
        let members = match self {
            Self::Ed25519(key) => format!(
                r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
                URL_SAFE_NO_PAD.encode(key)
            ),
            Self::P256(point) => format!(
                r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                URL_SAFE_NO_PAD.encode(&point[1..33]),
                URL_SAFE_NO_PAD.encode(&point[33..])
            ),
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(members))
    }

    pub(super) fn to_jwk(&self, kid: &str) -> Jwk {
        let (kty, crv, x, y) = match self {
            Self::Ed25519(key) => ("OKP", "Ed25519", &key[..], None),
            Self::P256(point) => ("EC", "P-256", &point[1..33], Some(&point[33..])),
        };
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Jwk {
            kty: kty.to_owned(),
            crv: Some(crv.to_owned()),
            x: Some(encoded(x)),
            y: y.map(encoded),
            alg: Some(self.algorithm().to_owned()),
            usage: Some("sig".to_owned()),
            kid: Some(kid.to_owned()),
            d: None,
            k: None,
        }
    }

    /// None if the key is of another kind, or for another use.
    pub(super) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let coordinate = |text: &Option<String>| -> Option<[u8; 32]> {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
            bytes.try_into().ok()
        };
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()?) {
            ("OKP", "Ed25519") => Self::Ed25519(coordinate(&jwk.x)?),
            ("EC", "P-256") => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(&coordinate(&jwk.x)?);
                point[33..].copy_from_slice(&coordinate(&jwk.y)?);
                Self::P256(point)
            }
            _ => return None,
        };
        let says =
            |member: &Option<String>, ours| member.as_deref().is_none_or(|said| said == ours);
        (says(&jwk.alg, key.algorithm()) && says(&jwk.usage, "sig")).then_some(key)
    }
}
