//! What the proxy signs for upstreams, and with what.

mod key_files;

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};

use super::config::AssertionConfig;
use crate::assertion::{Claims, HEADER, Signer};
use crate::identity::Identity;
use crate::membership::Groups;
use crate::rejection::RejectionKind;
use crate::watched::keep_looking;

pub use self::key_files::{KeyFileError, KeyFiles};

/// Where the public keys are, of every gate that publishes them (RFC 8615).
pub(super) const KEYS_PATH: &str = "/.well-known/jwks.json";

/// Signs identities, with keys that are read again when their files change. A handle: clones have
/// the same keys.
#[derive(Clone)]
pub(super) struct Assertions {
    signer: Signer,
    is_public: bool,
    /// Guards the reading.
    files: Arc<Mutex<KeyFiles>>,
}

impl Assertions {
    pub(super) fn new(config: &AssertionConfig) -> Self {
        let keys = config.key_files.keys().clone();
        Self {
            signer: Signer::new(&config.issuer, keys).with_max_age(config.max_age),
            is_public: config.publish,
            files: Arc::new(Mutex::new(config.key_files.clone())),
        }
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Answers whoever asks the gate itself for the keys, if that is meant to be.
    pub(super) fn answer<B, R: From<Bytes>>(&self, request: &Request<B>) -> Option<Response<R>> {
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        (self.is_public && asks && request.uri().path() == KEYS_PATH).then(|| self.published())
    }

    /// The public keys, for everybody: they tell nothing but what is signed with them.
    pub(super) fn published<R: From<Bytes>>(&self) -> Response<R> {
        let json = self.signer.key_set().to_json();
        let mut response = Response::new(R::from(Bytes::from(json)));
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/jwk-set+json");
        headers.insert(CONTENT_TYPE, kind);
        let age = HeaderValue::from_static("public, max-age=300");
        headers.insert(CACHE_CONTROL, age);
        response
    }

    /// Looks after the files for ever. Files that do not hold keys are reported once, and leave the
    /// last good keys in force.
    pub(super) async fn keep_fresh(&self) -> Infallible {
        keep_looking(|| self.renew_if_changed()).await
    }

    fn renew_if_changed(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match files.renew() {
            None => {}
            Some(Ok(keys)) => {
                self.signer.replace_keys(keys.clone());
                tracing::info!(?keys, "assertions are signed with new keys");
            }
            Some(Err(error)) => {
                tracing::error!("new keys cannot be used, and the last ones stay in force: {error}")
            }
        }
    }
}

impl fmt::Debug for Assertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertions")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

/// Waits for ever, and looks after the keys meanwhile, if there are any.
pub(super) async fn keep_fresh(assertions: Option<&Assertions>) -> Infallible {
    match assertions {
        Some(assertions) => assertions.keep_fresh().await,
        None => std::future::pending().await,
    }
}

/// Signs what goes to one upstream.
#[derive(Clone, Debug)]
pub(super) struct UpstreamAssertion {
    signer: Signer,
    audience: Arc<str>,
}

impl UpstreamAssertion {
    pub(super) fn new(signer: Signer, audience: &str) -> Self {
        let audience = audience.into();
        Self { signer, audience }
    }

    /// Returns what is signed for a request.
    pub(super) fn claims<B>(&self, request: &Request<B>, identity: &Identity) -> Claims {
        let (method, path) = (request.method(), request.uri().path());
        let groups = request.extensions().get().cloned().unwrap_or_default();
        self.signer
            .claims(identity, &groups, &self.audience, method, path)
    }

    /// Signs a request just as it is sent: a prefix may be gone, and what opens a WebSocket in
    /// HTTP/2 has another method in HTTP/1.1.
    pub(super) fn sign<B>(
        &self,
        request: &mut Request<B>,
        identity: &Identity,
        groups: &Groups,
    ) -> Result<(), RejectionKind> {
        let (method, path) = (request.method(), request.uri().path());
        let signed = self
            .signer
            .sign(identity, groups, &self.audience, method, path);
        let assertion = signed.map_err(|error| {
            tracing::error!("a request could not be forwarded: {error}");
            RejectionKind::Unavailable
        })?;
        request.headers_mut().insert(HEADER, assertion);
        Ok(())
    }
}
