use std::future::poll_fn;
use std::time::Duration;

use http::{Request, Response};

use super::super::clients::forward::strip_everybody;
use super::admitted::Admitted;
use crate::fronts::Question;
use crate::gatekeeper::headers::reserved_in;
use crate::gatekeeper::{ClientAddr, Delay, Guard, Observed};
use crate::hygiene::hop_by_hop::has_other_methods;
use crate::hygiene::provenance::{Hop, Provenance};
use crate::hygiene::request::{Recipient, request_gate};
use crate::metrics::Outcome;
use crate::proxy::rules::RuleSet;
use crate::proxy::rules::login::Visiting;
use crate::proxy::rules::routes::Found;
use crate::proxy::{Check, Proxy};
use crate::rejection::{Rejection, RejectionDetail, RejectionKind, grpc};
use crate::routing::cors::Cors;
use crate::upstream::body::Body;

/// What becomes of a request that a proxy holds.
pub(super) struct Decision {
    pub(super) outcome: Outcome,
    /// The browser that it is about, where the route has a login.
    pub(super) visiting: Option<Box<Visiting>>,
    /// Whether its client calls by gRPC.
    pub(super) is_grpc: bool,
    /// Boxed, because both are large.
    pub(super) answer: Result<Box<Admitted>, Box<Response<Body>>>,
}

/// What is known of a question, beside its request.
#[derive(Clone, Copy)]
struct Terms {
    client: ClientAddr,
    has_body: bool,
    /// How long the proxy waits.
    within: Duration,
    tells_cookies: bool,
}

impl Decision {
    pub(super) fn rejected((outcome, response): (Outcome, Response<Body>)) -> Self {
        Self {
            outcome,
            visiting: None,
            is_grpc: false,
            answer: Err(Box::new(response)),
        }
    }

    fn admitted(outcome: Outcome, admitted: Admitted) -> Self {
        Self {
            outcome,
            visiting: None,
            is_grpc: false,
            answer: Ok(Box::new(admitted)),
        }
    }
}

impl Proxy {
    /// Decides about a request that a trusted `peer` holds, within some time.
    pub(super) async fn decide(
        &self,
        rules: &RuleSet,
        question: Question,
        peer: &Hop,
        within: Duration,
    ) -> Decision {
        let is_grpc = grpc::is_call(question.request.headers());
        let decision = self.decide_held(rules, question, peer, within).await;
        let decision = decision.unwrap_or_else(|why| Decision::rejected(rules.reject(why)));
        Decision {
            is_grpc,
            ..decision
        }
    }

    async fn decide_held(
        &self,
        rules: &RuleSet,
        question: Question,
        peer: &Hop,
        within: Duration,
    ) -> Result<Decision, Rejection> {
        let (has_body, has_method) = (question.has_body, question.has_method);
        let mut request = question.request.map(|()| Body::default());
        let provenance = Provenance::of(request.headers(), peer, &rules.fronts);
        let forwardable = match request_gate(&request, &rules.limits)? {
            Recipient::Upstream(forwardable) => forwardable,
            // It is for a server, and the proxy that holds it is one.
            Recipient::ThisServer => return Err(RejectionKind::NoRoute.into()),
        };
        if !has_method {
            let host = rules.asked_host(&provenance, &forwardable)?;
            if rules.routes.differ_by_method(host, request.uri().path()) {
                return Err(RejectionDetail::MethodsDiffer.into());
            }
        }
        let (found, host) = match self.locate(rules, &request, &provenance, &forwardable) {
            Ok(located) => located,
            Err((Outcome::Anonymous, _)) => return Err(RejectionKind::NoRoute.into()),
            Err((outcome, response)) => return Ok(Decision::rejected((outcome, *response))),
        };
        // The proxy that holds it passes the field on.
        if found.reads_methods && has_other_methods(request.headers()) {
            return Err(RejectionDetail::OverriddenMethod.into());
        }
        rules
            .routes
            .settle_destination(&found, host, &mut request)?;
        let login = rules.login.as_ref();
        let visiting = login.map(|login| login.enter(&found, host, &mut request));
        let visiting = visiting.transpose()?.flatten();
        let terms = Terms {
            client: ClientAddr(provenance.client()),
            has_body,
            within,
            tells_cookies: login.is_some(),
        };
        let decision = found.decide(request, terms).await?;
        Ok(Decision {
            visiting,
            ..decision
        })
    }
}

impl Found<'_> {
    /// Tells whether a request is a preflight that the tool answers. One that the gate would answer
    /// is one that no proxy lets it answer.
    ///
    /// The proxy passes on all of it. So what could be more than a preflight is none: what a browser
    /// sends has no body, and names no method but in its own field.
    fn lets_by<B>(&self, request: &Request<B>, has_body: bool) -> bool {
        let is_open = self.is_preflight && matches!(self.route.cors, Cors::Upstream);
        is_open && !has_body && !has_other_methods(request.headers())
    }

    /// Has the gate of the route decide, if it has one.
    async fn decide(self, mut request: Request<Body>, terms: Terms) -> Result<Decision, Rejection> {
        let Terms { client, within, .. } = terms;
        let is_open = self.lets_by(&request, terms.has_body);
        let reserved: Vec<_> = reserved_in(request.headers()).cloned().collect();
        let outcome = match &self.route.gate {
            Some(gate) if !is_open => match let_in(gate, client, request, within).await {
                Ok(let_in) => {
                    request = let_in;
                    match request.extensions().get::<Observed>() {
                        Some(_) => Outcome::Observed,
                        None => Outcome::Allowed,
                    }
                }
                Err(response) => {
                    return Ok(Decision::rejected((Outcome::of(&response), response)));
                }
            },
            _ => {
                strip_everybody(&mut request);
                Outcome::Anonymous
            }
        };
        let admitted = Admitted::new(self.route, &request, reserved, terms.tells_cookies)?;
        Ok(Decision::admitted(outcome, admitted))
    }
}

async fn let_in(
    gate: &Guard<Check>,
    client: ClientAddr,
    mut request: Request<Body>,
    within: Duration,
) -> Result<Request<Body>, Response<Body>> {
    match gate.let_in_of(client, &mut request) {
        Ok(()) => Ok(request),
        Err(Delay::Rejected(rejection)) => Err(gate.reject(rejection, request.headers())),
        Err(Delay::Waiting(deciding, credential)) => {
            let mut pending = gate.hold(request, credential, deciding);
            let decided = tokio::time::timeout(within, poll_fn(|cx| pending.poll(cx))).await;
            match decided {
                Ok(decided) => decided,
                // Others who ask about the same token get the answer when it comes.
                Err(_) => pending.give_up(too_late()),
            }
        }
    }
}

fn too_late() -> Rejection {
    Rejection::for_now(RejectionKind::Unavailable, RETRY_AFTER)
}

const RETRY_AFTER: Duration = Duration::from_secs(1);
