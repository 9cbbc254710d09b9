//! What the proxy signs for upstreams, and with what.

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

/// Where the public keys are, of every gate that publishes them (RFC 8615).
pub(in crate::proxy) const KEYS_PATH: &str = "/.well-known/jwks.json";

/// Signs identities, with keys that are read again when their files change. A handle: clones have
/// the same keys.
#[derive(Clone)]
pub(in crate::proxy) struct Assertions {
    signer: Signer,
    is_public: bool,
    /// Guards the reading.
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

    /// Answers whoever asks the gate itself for the keys, if that is meant to be.
    pub(in crate::proxy) fn answer<B, R: From<Bytes>>(
        &self,
        request: &Request<B>,
    ) -> Option<Response<R>> {
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        (self.is_public && asks && request.uri().path() == KEYS_PATH).then(|| self.published())
    }

    /// The public keys, for everybody: they tell nothing but what is signed with them.
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

    /// Looks after the files for ever. Files that do not hold keys are reported once, and leave the
    /// last good keys in force.
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

/// Waits for ever, and looks after the keys meanwhile, if there are any.
pub(in crate::proxy) async fn keep_fresh(assertions: Option<&Assertions>) -> Infallible {
    match assertions {
        Some(assertions) => assertions.keep_fresh().await,
        None => std::future::pending().await,
    }
}
