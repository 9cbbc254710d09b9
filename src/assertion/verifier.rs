use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use http::{HeaderMap, Method};

use super::HEADER;
use super::claims::Claims;
use super::jws::Unverified;
use super::key_set::KeySet;
use super::signer::{Signer, seconds};

/// Verifies that a request came through a gate. A handle: clones share the keys.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    issuer: Box<str>,
    audience: Box<str>,
    leeway: Duration,
    keys: ArcSwap<KeySet>,
}

impl Verifier {
    /// The default for how far the clocks of a gate and of an upstream may differ.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

    /// Accepts assertions that the gate `issuer` signs with these keys for `audience`.
    ///
    /// `audience` is the gate's name for this upstream: the `audience` of its route, or else the
    /// route's `upstream`, as they are configured.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, keys: KeySet) -> Self {
        Self(Arc::new(Inner {
            issuer: issuer.into(),
            audience: audience.into(),
            leeway: Self::DEFAULT_LEEWAY,
            keys: ArcSwap::from_pointee(keys),
        }))
    }

    /// Sets how far clocks may differ.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self(Arc::new(Inner {
            issuer: self.0.issuer.clone(),
            audience: self.0.audience.clone(),
            leeway,
            keys: ArcSwap::new(self.keys()),
        }))
    }

    /// Verifies with other keys from now on.
    ///
    /// Call this with the gate's `/.well-known/jwks.json` every few minutes, so that the keys of
    /// the gate can change without a restart here.
    pub fn replace_keys(&self, keys: KeySet) {
        self.0.keys.store(Arc::new(keys));
    }

    /// Verifies the one assertion in the headers of a request.
    ///
    /// It has to be about this request: its method, and its path without the query.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidAssertion`] if the assertion is not valid for it.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
    ) -> Result<Claims, InvalidAssertion> {
        let mut values = headers.get_all(HEADER).iter();
        let assertion = values.next().ok_or(InvalidAssertion::Missing)?;
        if values.next().is_some() {
            return Err(InvalidAssertion::Multiple);
        }
        let claims = self.signed(assertion.as_bytes())?;
        self.check(&claims, method, path, seconds(SystemTime::now()))?;
        Ok(claims)
    }

    /// Returns the claims that one of the keys has signed.
    fn signed(&self, jws: &[u8]) -> Result<Claims, InvalidAssertion> {
        let jws = Unverified::read(jws).ok_or(InvalidAssertion::Malformed)?;
        let keys = self.keys();
        let key = keys.find(&jws.kid).ok_or(InvalidAssertion::UnknownKey)?;
        // RFC 8725 §3.1: the key determines the algorithm; the header has to agree.
        if jws.algorithm != key.algorithm() {
            return Err(InvalidAssertion::WrongAlgorithm);
        }
        if !key.verifies(jws.message, &jws.signature) {
            return Err(InvalidAssertion::BadSignature);
        }
        // serde's message would quote it.
        serde_json::from_slice(&jws.payload).map_err(|_| InvalidAssertion::Malformed)
    }

    pub(super) fn check(
        &self,
        claims: &Claims,
        method: &Method,
        path: &str,
        now: u64,
    ) -> Result<(), InvalidAssertion> {
        let leeway = self.0.leeway.as_secs();
        let lifetime = claims.expires_at.saturating_sub(claims.issued_at);
        if *claims.issuer != *self.0.issuer {
            Err(InvalidAssertion::WrongIssuer)
        } else if *claims.audience != *self.0.audience {
            Err(InvalidAssertion::WrongAudience)
        } else if claims.expires_at.saturating_add(leeway) <= now {
            Err(InvalidAssertion::Expired)
        } else if claims.issued_at > now.saturating_add(leeway)
            || lifetime > Signer::LONGEST_MAX_AGE.as_secs()
        {
            Err(InvalidAssertion::NotYetValid)
        } else if claims.method != method.as_str() {
            Err(InvalidAssertion::WrongMethod)
        } else if claims.path != path {
            Err(InvalidAssertion::WrongPath)
        } else {
            Ok(())
        }
    }

    fn keys(&self) -> Arc<KeySet> {
        self.0.keys.load_full()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.0.issuer)
            .field("audience", &self.0.audience)
            .field("leeway", &self.0.leeway)
            .field("keys", &self.keys())
            .finish()
    }
}

/// Why an assertion is invalid. It quotes none of the assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidAssertion {
    /// There is none.
    Missing,
    /// There are two.
    Multiple,
    /// It is not a JWT of this kind.
    Malformed,
    /// No key has its `kid`.
    UnknownKey,
    /// Its `alg` is not that of the key.
    WrongAlgorithm,
    /// The key did not sign it.
    BadSignature,
    /// Another gate signed it.
    WrongIssuer,
    /// It is for another upstream.
    WrongAudience,
    /// It has expired.
    Expired,
    /// It is from the future, or its life is too long.
    NotYetValid,
    /// It is about a request with another method.
    WrongMethod,
    /// It is about a request for another path.
    WrongPath,
}

impl fmt::Display for InvalidAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no assertion",
            Self::Multiple => "there is more than one assertion",
            Self::Malformed => "the assertion is not a JWT of its kind",
            Self::UnknownKey => "no known key has signed the assertion",
            Self::WrongAlgorithm => "the assertion's algorithm is not that of its key",
            Self::BadSignature => "the assertion's signature is wrong",
            Self::WrongIssuer => "the assertion is from another gate",
            Self::WrongAudience => "the assertion is for another upstream",
            Self::Expired => "the assertion has expired",
            Self::NotYetValid => "the assertion's times cannot be right",
            Self::WrongMethod => "the assertion is for another method",
            Self::WrongPath => "the assertion is for another path",
        })
    }
}

impl std::error::Error for InvalidAssertion {}
