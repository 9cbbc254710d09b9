use http::header::HeaderValue;
use http::{Request, Response};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::body::Body;
use super::cors::{Cors, strip_preflight};
use super::headers::{set_forwarding, strip_other_methods, strip_request};
use super::metrics::Outcome;
use super::provenance::Provenance;
use super::request_gate::Onward;
use super::routes::Found;
use super::upstream::note_handshake;
use super::via;
use crate::gatekeeper::ClientAddr;
use crate::gatekeeper::headers::{strip_credential, strip_identity};
use crate::rejection::RejectionKind;

impl Found<'_> {
    /// Answers a preflight, if that is up to the gate.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        match &self.route.cors {
            Cors::Answer(answers) if self.is_preflight => Some(answers.to_preflight(request)),
            _ => None,
        }
    }

    /// Lets a request through to the upstream: past the gate, unless the route is open to
    /// everybody, or to this question.
    pub(super) async fn forward(
        self,
        mut request: Request<Incoming>,
        provenance: Provenance,
        onward: Onward,
        request_id: HeaderValue,
    ) -> Result<(Outcome, Response<Body>), RejectionKind> {
        self.prepare(&mut request, &provenance, onward, request_id)?;
        if let (Some(gate), false) = (&self.route.gate, self.is_preflight) {
            let client = ClientAddr(provenance.client());
            request.extensions_mut().insert(client);
            let response = gate.clone().oneshot(request).await?;
            return Ok((Outcome::of(&response), response));
        }
        strip_everybody(&mut request);
        let response = self.route.upstream.clone().oneshot(request).await?;
        Ok((Outcome::Anonymous, response))
    }

    /// Makes of a request what may be forwarded of it, but for who sent it: that is up to the gate.
    pub(super) fn prepare<B: http_body::Body>(
        &self,
        request: &mut Request<B>,
        provenance: &Provenance,
        onward: Onward,
        request_id: HeaderValue,
    ) -> Result<(), RejectionKind> {
        let version = request.version();
        note_handshake(request);
        let headers = request.headers_mut();
        strip_request(headers);
        if self.reads_methods {
            strip_other_methods(headers);
        }
        if self.is_preflight {
            strip_preflight(headers);
        }
        set_forwarding(headers, provenance, onward, request_id);
        via::append(headers, version);
        match &self.route.prefix {
            Some(prefix) => prefix.strip(request),
            None => Ok(()),
        }
    }
}

/// Makes a request nobody's in particular, for upstreams that are open to everybody.
pub(super) fn strip_everybody<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    strip_identity(headers);
    strip_credential(headers);
}
