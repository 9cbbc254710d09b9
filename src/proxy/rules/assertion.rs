use std::sync::Arc;

use http::{Extensions, HeaderValue, Method, Request};

use crate::assertion::{Claims, HEADER, Signer};
use crate::identity::Identity;
use crate::membership::Groups;
use crate::rejection::RejectionKind;
use crate::upstream::{Seal, Upload};

/// Signs what goes to one upstream.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct UpstreamAssertion {
    signer: Signer,
    audience: Arc<str>,
}

impl UpstreamAssertion {
    pub(super) fn new(signer: Signer, audience: &str) -> Self {
        let audience = audience.into();
        Self { signer, audience }
    }

    /// Returns what is signed for a request that the gate has let in; none if it has no identity.
    pub(in crate::proxy) fn claims<B>(&self, request: &Request<B>) -> Option<Claims> {
        let identity = request.extensions().get::<Identity>()?;
        let (method, path) = (request.method(), request.uri().path());
        let groups = request.extensions().get().cloned().unwrap_or_default();
        let claims = self
            .signer
            .claims(identity, &groups, &self.audience, method, path);
        Some(claims)
    }

    /// Signs a request that the gate has let in, for whoever passes it on; none if it is nobody's.
    pub(in crate::proxy) fn signed<B>(
        &self,
        request: &Request<B>,
    ) -> Result<Option<HeaderValue>, RejectionKind> {
        let (method, path) = (request.method(), request.uri().path());
        self.sign(request.extensions(), method, path)
    }

    fn sign(
        &self,
        noted: &Extensions,
        method: &Method,
        path: &str,
    ) -> Result<Option<HeaderValue>, RejectionKind> {
        let Some(identity) = noted.get::<Identity>() else {
            return Ok(None);
        };
        let none = Groups::default();
        let groups = noted.get().unwrap_or(&none);
        let signed = self
            .signer
            .sign(identity, groups, &self.audience, method, path);
        signed.map(Some).map_err(|error| {
            tracing::error!("a request could not be forwarded: {error}");
            RejectionKind::Unavailable
        })
    }
}

impl Seal for UpstreamAssertion {
    /// Signs a request just as it is sent: a prefix may be gone, and what opens a WebSocket in
    /// HTTP/2 has another method in HTTP/1.1.
    fn seal(&self, request: &mut Request<Upload>, noted: &Extensions) -> Result<(), RejectionKind> {
        let signed = self.sign(noted, request.method(), request.uri().path())?;
        if let Some(assertion) = signed {
            request.headers_mut().insert(HEADER, assertion);
        }
        Ok(())
    }
}
