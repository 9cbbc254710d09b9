use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::error::Unspecified;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::jws;
use super::key_set::KeySet;
use super::public_key::PublicKey;

/// The private keys of a gate: the first signs, and all public halves are published.
///
/// A handle: clones share the keys. `Debug` shows their names alone.
#[derive(Clone)]
pub struct SigningKeys {
    first: Arc<SigningKey>,
    others: Vec<Arc<SigningKey>>,
}

pub(super) struct SigningKey {
    pair: Pair,
    public: PublicKey,
    kid: String,
    /// The encoded header, which is the same for all assertions of this key.
    header: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(Box<EcdsaKeyPair>, SystemRandom),
}

impl SigningKeys {
    /// Reads one or more keys in PKCS#8 and PEM, as `openssl genpkey` writes them.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidKey`] if there is none, or one is not Ed25519 or P-256.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidKey> {
        let mut keys = PrivatePkcs8KeyDer::pem_slice_iter(pem).map(|der| {
            let der = der.map_err(|_| InvalidKey::Damaged)?;
            SigningKey::from_pkcs8(der.secret_pkcs8_der()).map(Arc::new)
        });
        let first = keys.next().ok_or(InvalidKey::NoKey)??;
        let mut read = Self {
            first,
            others: Vec::new(),
        };
        for key in keys {
            read.push(key?);
        }
        Ok(read)
    }

    /// Appends more keys. A key that is there already is not repeated.
    #[must_use]
    pub fn followed_by(mut self, more: Self) -> Self {
        self.push(more.first);
        more.others.into_iter().for_each(|key| self.push(key));
        self
    }

    /// Returns the public halves.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        let mut set = KeySet::default();
        for key in self.iter() {
            set.push(&key.kid, key.public.clone());
        }
        set
    }

    pub(super) fn first(&self) -> &SigningKey {
        &self.first
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<SigningKey>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn push(&mut self, key: Arc<SigningKey>) {
        if !self.iter().any(|known| known.kid == key.kid) {
            self.others.push(key);
        }
    }
}

impl SigningKey {
    fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        let pair = Pair::from_pkcs8(der)?;
        let public = pair.public().ok_or(InvalidKey::Unsupported)?;
        let kid = public.thumbprint();
        let header = jws::header(public.algorithm(), &kid);
        Ok(Self {
            pair,
            public,
            kid,
            header,
        })
    }

    /// Writes the compact serialisation of a payload (RFC 7515 §7.1).
    pub(super) fn sign(&self, payload: &[u8]) -> Result<String, Unspecified> {
        let mut jws = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + 96);
        jws.push_str(&self.header);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut jws);
        let signature = self.pair.sign(jws.as_bytes())?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        Ok(jws)
    }
}

impl Pair {
    fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        // OpenSSL leaves out the public half, so nothing can contradict the key.
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(Self::Ed25519(pair));
        }
        let random = SystemRandom::new();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random)
            .map(|pair| Self::P256(Box::new(pair), random))
            .map_err(|_| InvalidKey::Unsupported)
    }

    fn public(&self) -> Option<PublicKey> {
        let public = match self {
            Self::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().try_into().ok()?),
            Self::P256(pair, _) => PublicKey::P256(pair.public_key().as_ref().try_into().ok()?),
        };
        Some(public)
    }

    fn sign(&self, message: &[u8]) -> Result<ring::signature::Signature, Unspecified> {
        match self {
            Self::Ed25519(pair) => Ok(pair.sign(message)),
            Self::P256(pair, random) => pair.sign(random, message),
        }
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids = self.iter().map(|key| &key.kid);
        f.debug_list().entries(kids).finish()
    }
}

/// The error for a file without usable signing keys. It quotes none of the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// There is no private key in PKCS#8.
    NoKey,
    /// It is not PEM.
    Damaged,
    /// The key is not Ed25519 or P-256, or its halves do not belong together.
    Unsupported,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoKey => "holds no private key; make one with openssl genpkey -algorithm ed25519",
            Self::Damaged => "is damaged; it must be PEM",
            Self::Unsupported => {
                "holds a key that cannot be used; make one with openssl genpkey -algorithm ed25519"
            }
        })
    }
}

impl std::error::Error for InvalidKey {}
