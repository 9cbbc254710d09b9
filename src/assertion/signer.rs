use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use http::{HeaderValue, Method};

use super::claims::Claims;
use super::key_set::KeySet;
use super::signing_keys::SigningKeys;
use crate::identity::Identity;
use crate::membership::Groups;

/// Signs the identity of users, for upstreams. A handle: clones share the keys.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    issuer: Box<str>,
    max_age: Duration,
    keys: ArcSwap<SigningKeys>,
}

impl Signer {
    /// How long an assertion may be used by default.
    ///
    /// Long enough for a request to wait its turn, and for inexact clocks.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(60);

    /// The longest time for which an assertion may be used.
    ///
    /// A verifier rejects one with a longer life.
    pub const LONGEST_MAX_AGE: Duration = Duration::from_secs(300);

    /// Signs as `issuer`, which is usually the gate's URL, with the first of `keys`.
    #[must_use]
    pub fn new(issuer: &str, keys: SigningKeys) -> Self {
        Self(Arc::new(Inner {
            issuer: issuer.into(),
            max_age: Self::DEFAULT_MAX_AGE,
            keys: ArcSwap::from_pointee(keys),
        }))
    }

    /// Sets how long assertions are valid, in whole seconds.
    ///
    /// Less than a second becomes one; more than [`Signer::LONGEST_MAX_AGE`] becomes that.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        let max_age = max_age.clamp(Duration::from_secs(1), Self::LONGEST_MAX_AGE);
        Self(Arc::new(Inner {
            issuer: self.0.issuer.clone(),
            max_age,
            keys: ArcSwap::new(self.keys()),
        }))
    }

    /// Signs with other keys from now on.
    pub fn replace_keys(&self, keys: SigningKeys) {
        self.0.keys.store(Arc::new(keys));
    }

    /// Returns the public halves of the keys, for publishing.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.keys().key_set()
    }

    /// Asserts that `identity` makes a request of `audience`.
    ///
    /// The groups, the method and the path, without the query, are signed too, as the upstream will
    /// see them. It takes as long as a signature: see `benches/assertion.rs`.
    ///
    /// # Errors
    ///
    /// Returns [`SigningError`] if the system has no random numbers, which ES256 needs.
    pub fn sign(
        &self,
        identity: &Identity,
        groups: &Groups,
        audience: &str,
        method: &Method,
        path: &str,
    ) -> Result<HeaderValue, SigningError> {
        self.sign_claims(&self.claims(identity, groups, audience, method, path))
    }

    /// Returns the claims to sign.
    pub(crate) fn claims(
        &self,
        identity: &Identity,
        groups: &Groups,
        audience: &str,
        method: &Method,
        path: &str,
    ) -> Claims {
        let now = seconds(SystemTime::now());
        Claims {
            issuer: self.0.issuer.clone().into(),
            audience: audience.to_owned(),
            user_id: identity.user().id(),
            login: identity.user().login().to_owned(),
            scopes: identity.scopes().clone(),
            client_id: identity.client_id().to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            issued_at: now,
            expires_at: now + self.0.max_age.as_secs(),
        }
    }

    pub(super) fn sign_claims(&self, claims: &Claims) -> Result<HeaderValue, SigningError> {
        let payload = serde_json::to_vec(claims).map_err(|_| SigningError(()))?;
        let keys = self.keys();
        let jws = keys.first().sign(&payload).map_err(|_| SigningError(()))?;
        let mut value = HeaderValue::try_from(jws).map_err(|_| SigningError(()))?;
        // A reader of a log could repeat the request.
        value.set_sensitive(true);
        Ok(value)
    }

    fn keys(&self) -> Arc<SigningKeys> {
        self.0.keys.load_full()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("issuer", &self.0.issuer)
            .field("max_age", &self.0.max_age)
            .field("keys", &self.keys())
            .finish()
    }
}

/// Seconds since 1970; 0 if the clock is before that.
pub(super) fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The error for an assertion that could not be signed.
#[derive(Clone, Copy, Debug)]
pub struct SigningError(());

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the identity could not be signed")
    }
}

impl std::error::Error for SigningError {}
