use std::future::poll_fn;
use std::time::Duration;

use http::header::HeaderValue;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};

use super::super::clients::access_log::AccessLog;
use super::super::clients::forward::strip_everybody;
use super::admitted::Admitted;
use crate::fronts::Question;
use crate::gatekeeper::headers::reserved_in;
use crate::gatekeeper::{ClientAddr, Delay, Guard, Observed, Subject};
use crate::hygiene::provenance::{Hop, Provenance};
use crate::hygiene::request::{Recipient, request_gate};
use crate::method_override;
use crate::metrics::Outcome;
use crate::proxy::rules::RuleSet;
use crate::proxy::rules::login::Visiting;
use crate::proxy::rules::routes::Found;
use crate::proxy::{Check, Located, Proxy};
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
    deadline: Instant,
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
    /// Decides until a `deadline` about a request that a trusted `peer` holds.
    pub(super) async fn decide(
        &self,
        rules: &RuleSet,
        question: Question,
        peer: &Hop,
        deadline: Instant,
        log: Option<&mut AccessLog>,
    ) -> Decision {
        let is_grpc = grpc::is_call(question.request.headers());
        let decision = self.decide_held(rules, question, peer, deadline, log).await;
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
        deadline: Instant,
        mut log: Option<&mut AccessLog>,
    ) -> Result<Decision, Rejection> {
        let request = question.request.map(|()| stand_in(question.has_body));
        let provenance = Provenance::of(request.headers(), peer, &rules.fronts);
        let forwardable = match request_gate(&request, &rules.limits)? {
            Recipient::Upstream(forwardable) => forwardable,
            // It is for a server, and the proxy that holds it is one.
            Recipient::ThisServer => return Err(RejectionKind::NoRoute.into()),
        };
        let host = rules.asked_host(&provenance, &forwardable)?;
        if !question.has_method && rules.routes.differ_by_method(host, request.uri().path()) {
            return Err(RejectionDetail::MethodsDiffer.into());
        }
        let (found, host) = match self.locate(rules, &request, &provenance, &forwardable) {
            Ok(located) => located,
            Err((Outcome::Anonymous, _)) => return Err(RejectionKind::NoRoute.into()),
            Err((outcome, response)) => return Ok(Decision::rejected((outcome, *response))),
        };
        if let Some(log) = &mut log {
            log.found(&found.route.names);
        }
        let (counts, client) = (&found.route.counts, ClientAddr(provenance.client()));
        let decision = self.decide_at(rules, (found, host), request, client, deadline, log);
        let decision = decision.await;
        let decision = decision.unwrap_or_else(|why| Decision::rejected(rules.reject(why)));
        counts.ended(decision.outcome);
        Ok(decision)
    }

    async fn decide_at(
        &self,
        rules: &RuleSet,
        (found, host): Located<'_, '_>,
        mut request: Request<Body>,
        client: ClientAddr,
        deadline: Instant,
        log: Option<&mut AccessLog>,
    ) -> Result<Decision, Rejection> {
        found.settle(rules, host, &mut request)?;
        let login = rules.login.as_ref();
        let visiting = login.map(|login| login.enter(&found, host, &mut request));
        let visiting = visiting.transpose()?.flatten();
        let terms = Terms {
            client,
            deadline,
            tells_cookies: login.is_some(),
        };
        let decision = found.decide(request, terms, log).await?;
        Ok(Decision {
            visiting,
            ..decision
        })
    }
}

impl Found<'_> {
    /// Holds a request to its route where a field of it says something else.
    fn settle(
        &self,
        rules: &RuleSet,
        host: Option<&HeaderValue>,
        request: &mut Request<Body>,
    ) -> Result<(), RejectionDetail> {
        // The proxy that holds it passes the field on.
        if self.reads_methods && method_override::is_there(request.headers()) {
            return Err(RejectionDetail::OverriddenMethod);
        }
        rules.routes.settle_destination(self, host, request)
    }

    /// Has the gate of the route decide, if it has one.
    async fn decide(
        self,
        mut request: Request<Body>,
        terms: Terms,
        log: Option<&mut AccessLog>,
    ) -> Result<Decision, Rejection> {
        let reserved: Vec<_> = reserved_in(request.headers()).cloned().collect();
        let stripped = self.route.stripped_in(request.headers());
        let outcome = match &self.route.gate {
            Some(gate) if !self.is_open(&request) => {
                match let_in(gate, terms, request, log.map(AccessLog::subject)).await {
                    Ok(let_in) => request = let_in,
                    Err(response) => {
                        return Ok(Decision::rejected((Outcome::of(&response), response)));
                    }
                }
                match request.extensions().get::<Observed>() {
                    Some(_) => Outcome::Observed,
                    None => Outcome::Allowed,
                }
            }
            _ => {
                strip_everybody(&mut request);
                Outcome::Anonymous
            }
        };
        let removed = reserved.into_iter().chain(stripped).collect();
        let admitted = Admitted::new(self.route, &request, removed, terms.tells_cookies)?;
        Ok(Decision::admitted(outcome, admitted))
    }

    /// Tells whether it is a preflight that the tool gets without a token. One that the gate would
    /// answer is one that no proxy lets it answer. Nobody removes the fields that a browser does not
    /// send, so one that names another method is no preflight.
    fn is_open(&self, request: &Request<Body>) -> bool {
        self.is_preflight
            && matches!(self.route.cors, Cors::Upstream)
            && !method_override::is_there(request.headers())
    }
}

/// Returns a body for one that the proxy holds, of which no more is known than whether it is there.
fn stand_in(is_there: bool) -> Body {
    match is_there {
        true => Body::Own(Full::from("?")),
        false => Body::default(),
    }
}

async fn let_in(
    gate: &Guard<Check>,
    terms: Terms,
    mut request: Request<Body>,
    mut subject: Option<&mut Subject>,
) -> Result<Request<Body>, Response<Body>> {
    match gate.let_in_of(terms.client, &mut request, subject.as_deref_mut()) {
        Ok(()) => Ok(request),
        Err(Delay::Rejected(rejection)) => Err(gate.reject(rejection, request.headers())),
        Err(Delay::Waiting(deciding, credential)) => {
            let mut pending = gate.hold(request, credential, deciding);
            let decided = timeout_at(
                terms.deadline,
                poll_fn(|cx| pending.poll_about(cx, subject.as_deref_mut())),
            )
            .await;
            match decided {
                Ok(decided) => decided,
                Err(_) => pending.give_up(too_late()),
            }
        }
    }
}

/// Later questions about the same token get the answer when it comes.
fn too_late() -> Rejection {
    Rejection::for_now(RejectionKind::Unavailable, RETRY_AFTER)
}

const RETRY_AFTER: Duration = Duration::from_secs(1);
