use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use pin_project::pin_project;
use tower::Service;

use super::access_log::AccessLog;
use super::context::RequestContext;
use super::subprotocol::move_token;
use crate::config::{IdentityHeaders, UpstreamHost};
use crate::gatekeeper::headers::{strip_credential, strip_identity};
use crate::gatekeeper::{ClientAddr, Delay, Guard, Observed, Pending};
use crate::hygiene::hop_by_hop::{
    length_of_nothing, set_forwarding, set_host, strip_listed, strip_request,
};
use crate::hygiene::provenance::Provenance;
use crate::hygiene::request::Forwardable;
use crate::hygiene::via;
use crate::method_override;
use crate::metrics::Outcome;
use crate::proxy::Check;
use crate::proxy::rules::presented::present;
use crate::proxy::rules::routes::Found;
use crate::rejection::RejectionKind;
use crate::routing::cors::{Cors, strip_preflight};
use crate::upstream::body::Body;
use crate::upstream::{Exchange, Upstream, count_tunnel, note_handshake};

impl Found<'_> {
    /// Answers a preflight, if the gate does that for the route.
    pub(in crate::proxy) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        match &self.route.cors {
            Cors::Answer(answers) if self.is_preflight => Some(answers.to_preflight(request)),
            _ => None,
        }
    }

    /// Sends a request to the upstream: through the gate, unless the route is anonymous or the
    /// request is a preflight. Returns why it cannot be, independent of its sender.
    pub(in crate::proxy) fn forward(
        self,
        upstream: &Upstream,
        mut request: Request<Incoming>,
        provenance: &Provenance,
        forwardable: Forwardable,
        context: &mut RequestContext,
    ) -> Result<Forwarding, RejectionKind> {
        let request_id = context.request_id.clone();
        self.prepare(&mut request, provenance, forwardable, request_id)?;
        count_tunnel(&mut request, context.counted.as_ref());
        let log = context.log.as_deref_mut();
        Ok(match (&self.route.gate, self.is_preflight) {
            (Some(gate), false) => {
                let client = ClientAddr(provenance.client());
                self.pass(gate, upstream, client, request, log)
            }
            _ => {
                strip_everybody(&mut request);
                forwarded(log);
                // An upstream is always ready.
                Forwarding::Open(upstream.clone().call(request))
            }
        })
    }

    fn pass(
        &self,
        gate: &Guard<Check>,
        upstream: &Upstream,
        client: ClientAddr,
        mut request: Request<Incoming>,
        mut log: Option<&mut AccessLog>,
    ) -> Forwarding {
        let headers = self.route.identity_headers;
        let mut upstream = upstream.clone();
        let credential = match self.route.websocket_protocol {
            true => move_token(&mut request),
            false => Ok(()),
        };
        let decided = match credential {
            Ok(()) => {
                let subject = log.as_deref_mut().map(AccessLog::subject);
                gate.let_in_of(client, &mut request, subject)
            }
            Err(error) => gate.turn_away_unread(&mut request, error),
        };
        match decided {
            Ok(()) => {
                present(&mut request, headers);
                forwarded(log);
                match self.route.observes.then(|| noted(&mut request)).flatten() {
                    Some(observed) => Forwarding::observed(&mut upstream, request, observed),
                    None => Forwarding::Gated(upstream.call(request)),
                }
            }
            Err(Delay::Rejected(rejection)) => {
                Forwarding::Rejected(Some(gate.reject(rejection, request.headers())))
            }
            Err(Delay::Waiting(deciding, credential)) => Forwarding::Waiting(Box::new(Held {
                pending: gate.hold(request, credential, deciding),
                upstream,
                headers,
            })),
        }
    }

    /// Removes and sets the fields of a forwarded request, except the identity, which the gate
    /// sets.
    pub(in crate::proxy) fn prepare<B: http_body::Body>(
        &self,
        request: &mut Request<B>,
        provenance: &Provenance,
        forwardable: Forwardable,
        request_id: HeaderValue,
    ) -> Result<(), RejectionKind> {
        let version = request.version();
        note_handshake(request);
        let length = length_of_nothing(request);
        let headers = request.headers_mut();
        strip_request(headers);
        strip_listed(headers, &self.route.stripped);
        if self.reads_methods {
            method_override::strip(headers);
        }
        if self.is_preflight {
            strip_preflight(headers);
        }
        if let Some(length) = length {
            headers.insert(CONTENT_LENGTH, length);
        }
        set_forwarding(headers, provenance, forwardable, request_id);
        if self.route.host == UpstreamHost::Client {
            set_host(headers);
        }
        via::append(headers, version);
        match &self.route.prefix {
            Some(prefix) => prefix.strip(request, provenance.prefix()),
            None => Ok(()),
        }
    }
}

/// A request that was forwarded, or may yet be.
#[pin_project(project = ForwardingProj)]
#[must_use = "nothing is answered unless it is polled"]
pub(in crate::proxy) enum Forwarding {
    /// The gate has let it in.
    Gated(#[pin] Exchange),
    Open(#[pin] Exchange),
    /// The gate only observes, and would have turned it away. Boxed, because it is rare.
    Observed(Box<(Exchange, Observed)>),
    /// It waits for the gate's decision. Boxed, so that a connection's state does not grow.
    Waiting(Box<Held>),
    /// The gate has turned it away; taken by the first poll.
    Rejected(Option<Response<Body>>),
}

/// A request that waits, and what it waits to be sent to.
pub(in crate::proxy) struct Held {
    pending: Pending<Incoming>,
    upstream: Upstream,
    headers: IdentityHeaders,
}

impl Forwarding {
    #[cold]
    fn observed(upstream: &mut Upstream, request: Request<Incoming>, observed: Observed) -> Self {
        Self::Observed(Box::new((upstream.call(request), observed)))
    }

    /// Returns why the gate would have turned it away, had it not only observed.
    pub(in crate::proxy) fn noted(&self) -> Option<&Observed> {
        match self {
            Self::Observed(passed) => Some(&passed.1),
            _ => None,
        }
    }

    /// Returns the outcome of a request with this response.
    pub(in crate::proxy) fn outcome(&self, response: &Response<Body>) -> Outcome {
        match self {
            Self::Gated(_) | Self::Waiting(_) | Self::Rejected(_) => Outcome::of(response),
            Self::Open(_) => Outcome::Anonymous,
            Self::Observed(_) => Outcome::Observed,
        }
    }
}

impl Forwarding {
    /// Waits for the response, and notes for the log what is decided until then.
    pub(in crate::proxy) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut log: Option<&mut AccessLog>,
    ) -> Poll<Result<Response<Body>, RejectionKind>> {
        let exchange = match self.as_mut().project() {
            ForwardingProj::Gated(future) | ForwardingProj::Open(future) => return future.poll(cx),
            ForwardingProj::Waiting(held) => match ready!(held.decided(cx, log.as_deref_mut())) {
                Ok(mut request) => {
                    present(&mut request, held.headers);
                    forwarded(log.as_deref_mut());
                    if let Some(observed) = noted(&mut request) {
                        let passed = Self::observed(&mut held.upstream, request, observed);
                        self.set(passed);
                        return self.poll(cx, log);
                    }
                    held.upstream.call(request)
                }
                Err(response) => return Poll::Ready(Ok(response)),
            },
            ForwardingProj::Observed(passed) => return Pin::new(&mut passed.0).poll(cx),
            ForwardingProj::Rejected(response) => {
                let response = response.take();
                let response = response.expect("Forwarding polled after completion");
                return Poll::Ready(Ok(response));
            }
        };
        self.set(Self::Gated(exchange));
        self.poll(cx, log)
    }
}

impl Held {
    fn decided(
        &mut self,
        cx: &mut Context<'_>,
        log: Option<&mut AccessLog>,
    ) -> Poll<Result<Request<Incoming>, Response<Body>>> {
        self.pending.poll_about(cx, log.map(AccessLog::subject))
    }
}

fn forwarded(log: Option<&mut AccessLog>) {
    if let Some(log) = log {
        log.forwarded();
    }
}

/// Takes what the gate has noted of a request that it would have turned away.
fn noted<B>(request: &mut Request<B>) -> Option<Observed> {
    request.extensions_mut().remove()
}

/// Removes credential and identity from a request, for anonymous upstreams.
pub(in crate::proxy) fn strip_everybody<B>(request: &mut Request<B>) {
    let headers = request.headers_mut();
    strip_identity(headers);
    strip_credential(headers);
}
