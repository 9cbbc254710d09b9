use std::sync::Arc;

use http::Request;

use crate::assertion::{Claims, HEADER, Signer};
use crate::identity::Identity;
use crate::membership::Groups;
use crate::rejection::RejectionKind;

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
