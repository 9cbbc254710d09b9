//! Signs requests to upstreams, with keys from files.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use parking_lot::Mutex;

use crate::assertion::{KeyFiles, Signer};
use crate::config::AssertionConfig;
use crate::watched::keep_looking;

/// The path of the public keys, for every gate that publishes them (RFC 8615).
pub(in crate::proxy) const KEYS_PATH: &str = "/.well-known/jwks.json";

/// Signs identities, with keys that are reloaded when their files change. A handle: clones share
/// the keys.
#[derive(Clone)]
pub(in crate::proxy) struct Assertions {
    signer: Signer,
    is_public: bool,
    /// Serialises the reloads.
    files: Arc<Mutex<KeyFiles>>,
}

impl Assertions {
    pub(in crate::proxy) fn new(config: &AssertionConfig) -> Self {
        let keys = config.key_files.keys().clone();
        Self {
            signer: Signer::new(&config.issuer, keys).with_max_age(config.max_age),
            is_public: config.publish,
            files: Arc::new(Mutex::new(config.key_files.clone())),
        }
    }

    pub(in crate::proxy) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Answers a request to the gate itself for the keys, if they are published.
    pub(in crate::proxy) fn answer<B, R: From<Bytes>>(
        &self,
        request: &Request<B>,
    ) -> Option<Response<R>> {
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        (self.is_public && asks && request.uri().path() == KEYS_PATH).then(|| self.published())
    }

    /// The public keys, for every client: they are no secret.
    pub(in crate::proxy) fn published<R: From<Bytes>>(&self) -> Response<R> {
        let json = self.signer.key_set().to_json();
        let mut response = Response::new(R::from(Bytes::from(json)));
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/jwk-set+json");
        headers.insert(CONTENT_TYPE, kind);
        let age = HeaderValue::from_static("public, max-age=300");
        headers.insert(CACHE_CONTROL, age);
        response
    }

    /// Watches the files for ever. Files without valid keys are reported once, and the last good
    /// keys stay in force.
    pub(in crate::proxy) async fn keep_fresh(&self) -> Infallible {
        keep_looking(|| self.renew_if_changed()).await
    }

    fn renew_if_changed(&self) {
        let mut files = self.files.lock();
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

/// Waits for ever, and watches the keys meanwhile, if there are any.
pub(in crate::proxy) async fn keep_fresh(assertions: Option<&Assertions>) -> Infallible {
    match assertions {
        Some(assertions) => assertions.keep_fresh().await,
        None => std::future::pending().await,
    }
}
