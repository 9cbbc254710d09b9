use std::fmt;

use serde::{Deserialize, Serialize};

use super::public_key::{Jwk, PublicKey};

/// The public halves of a gate's keys: a JWK Set (RFC 7517 §5).
///
/// A gate publishes it as `/.well-known/jwks.json`, and a [`Verifier`](super::Verifier) checks
/// signatures with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySet(Vec<NamedKey>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct NamedKey {
    kid: Box<str>,
    key: PublicKey,
}

#[derive(Deserialize, Serialize)]
struct Document {
    keys: Vec<Jwk>,
}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// Keys of other kinds, for other algorithms or for encryption are left out, as RFC 7517 §5
    /// requires.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidKeySet`] if it is not one, holds a private key, two keys of one name, or no
    /// usable key.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidKeySet> {
        let document: Document =
            serde_json::from_slice(json).map_err(|_| InvalidKeySet::NotJwks)?;
        let mut set = Self::default();
        for jwk in &document.keys {
            if jwk.d.is_some() || jwk.k.is_some() {
                return Err(InvalidKeySet::PrivateKey);
            }
            let (Some(key), Some(kid)) = (PublicKey::from_jwk(jwk), &jwk.kid) else {
                continue;
            };
            if set.find(kid).is_some() {
                return Err(InvalidKeySet::SameKid);
            }
            set.push(kid, key);
        }
        if set.0.is_empty() {
            return Err(InvalidKeySet::NoKey);
        }
        Ok(set)
    }

    /// Writes the JWK Set, as `application/jwk-set+json`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let keys = self.0.iter().map(|named| named.key.to_jwk(&named.kid));
        let document = Document {
            keys: keys.collect(),
        };
        // Strings always serialise; a failure is not worth a panic.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// Returns the names of the keys, in their order.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|named| &*named.kid)
    }

    pub(super) fn push(&mut self, kid: &str, key: PublicKey) {
        let kid = kid.into();
        self.0.push(NamedKey { kid, key });
    }

    pub(super) fn find(&self, kid: &str) -> Option<&PublicKey> {
        let named = self.0.iter().find(|named| *named.kid == *kid);
        named.map(|named| &named.key)
    }
}

/// The error for a JWK Set that cannot verify assertions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidKeySet {
    /// It is not a JSON object with `keys`.
    NotJwks,
    /// It holds no Ed25519 or P-256 key for signatures that has a `kid`.
    NoKey,
    /// It holds a private key or a shared secret.
    PrivateKey,
    /// Two keys have the same `kid`.
    SameKid,
}

impl fmt::Display for InvalidKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJwks => "not a JWK Set; take the gate's /.well-known/jwks.json",
            Self::NoKey => "holds no Ed25519 or P-256 key for signatures with a kid",
            Self::PrivateKey => "holds a private key; take the gate's /.well-known/jwks.json",
            Self::SameKid => "two keys have the same kid",
        })
    }
}

impl std::error::Error for InvalidKeySet {}
