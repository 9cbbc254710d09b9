//! Why a request with some token passes, or does not: the decision of the gate, step by step.
//!
//! [`Proxy::explain`] puts a request together, sends it the way of all requests up to the point
//! where it would go to an upstream, and notes what it meets there. Nothing is decided a second
//! time: routes, rules, validator, memberships and headers are those of the gate.
//!
//! Beyond what the gate does, it asks about all groups that the route names, so that a reader of
//! the trace need not guess what would come next. The gate itself asks only what its decision
//! depends on; the trace says what that was.
//!
//! No upstream is contacted, and nothing is changed but that GHES's answers are remembered, as
//! after any request.

mod evaluation;
mod notes;
mod onward;
mod trace;

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};

pub use self::trace::{
    AppOutcome, AppTrace, Decision, Forwarded, HeaderTrace, MembershipTrace, Rejected,
    RequestTrace, RuleOutcome, RuleTrace, TokenTrace, Trace,
};
pub use super::rules::routes::RouteTrace;

use self::evaluation::Evaluation;
use self::onward::{forwarded, rejected, told};
use super::doors::clients::forward::strip_everybody;
use super::rules::RuleSet;
use super::rules::presented::present;
use super::rules::routes::Found;
use super::{Check, Peer, Proxy, about_this_server};
use crate::admission::{Admitted, Asked, Decided};
use crate::bearer::Credential;
use crate::gatekeeper::Guard;
use crate::hygiene::provenance::Provenance;
use crate::hygiene::request::{Forwardable, Recipient, request_gate};
use crate::metrics::Outcome;
use crate::rejection::Rejection;
use crate::token::AccessToken;
use crate::upstream::body::Body;
use crate::validator::Recorder;

impl Proxy {
    /// Tells what would become of a request with this token, and why.
    ///
    /// `path` may have a query. The request is one over HTTP/1.1 from this machine, without any
    /// other header: it takes no turn of a client's limit.
    ///
    /// GHES is asked what is not remembered; that it could not be is part of the trace.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidQuestion`] if no client could send such a request.
    ///
    /// # Cancel safety
    ///
    /// Dropping it at any time is fine: questions go on, and their answers are remembered.
    pub async fn explain(
        &self,
        token: &AccessToken,
        method: &Method,
        host: &str,
        path: &str,
    ) -> Result<Trace, InvalidQuestion> {
        let request = request(token, method, host, path)?;
        let asked = RequestTrace::of(&request, host);
        let new = |decision| Trace::new(TokenTrace::of(token), asked, decision);
        let rules = self.0.rules.load_full();
        let forwardable = match request_gate(&request, &rules.limits) {
            Ok(Recipient::Upstream(forwardable)) => forwardable,
            Ok(Recipient::ThisServer) => return Ok(new(answered(&about_this_server()))),
            Err(kind) => return Ok(new(rejected(&rules.reject(kind).1))),
        };
        let from_here = Peer::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let provenance = Provenance::of(request.headers(), &from_here.into(), &rules.fronts);
        let found = match self.locate(&rules, &request, &provenance, &forwardable) {
            Ok((found, _)) => found,
            Err((Outcome::Rejected(_), response)) => return Ok(new(rejected(&response))),
            Err((_, response)) => return Ok(new(answered(&response))),
        };
        let way = self
            .way(&rules, found, token, request, provenance, forwardable)
            .await;
        Ok(Trace {
            route: Some(found.route.described.clone()),
            apps: way.evaluation.apps,
            people: way.evaluation.people,
            rules: way.evaluation.rules,
            memberships: way.evaluation.memberships,
            observed: way.observed,
            ..new(way.decision)
        })
    }

    /// Sends a request the way of its route.
    async fn way(
        &self,
        rules: &RuleSet,
        found: Found<'_>,
        token: &AccessToken,
        mut request: Request<Body>,
        provenance: Provenance,
        forwardable: Forwardable,
    ) -> Way {
        let came = request.headers().clone();
        let request_id = self.0.runtime.request_ids.next();
        let assertion = found.route.assertion.as_ref();
        if let Err(kind) = found.prepare(&mut request, &provenance, forwardable, request_id) {
            return Way::of(rejected(&rules.reject(kind).1));
        }
        let Some(gate) = &found.route.gate else {
            strip_everybody(&mut request);
            return Way::of(forwarded(&came, &request, assertion));
        };
        let recorder = Recorder::new();
        let (decided, credential) = decide(gate, &mut request, &recorder).await;
        let mut observed = None;
        let decision = match decided {
            Ok(admitted) => {
                gate.admit(&mut request, credential, admitted);
                present(&mut request, found.route.identity_headers);
                forwarded(&came, &request, assertion)
            }
            Err(rejection) => {
                let response: Response<Body> = gate.reject(rejection.clone(), request.headers());
                match gate.turn_away(&mut request, credential, rejection) {
                    Ok(()) => {
                        observed = Some(told(&response));
                        forwarded(&came, &request, assertion)
                    }
                    Err(_) => rejected(&response),
                }
            }
        };
        let validators = gate.admission().validators();
        Way {
            evaluation: Evaluation::new(found.route, validators, token, &recorder).await,
            decision,
            observed,
        }
    }
}

/// What became of a request that has a route.
struct Way {
    evaluation: Evaluation,
    decision: Decision,
    observed: Option<Rejected>,
}

impl Way {
    /// Of a request that needs no answer of an issuer.
    fn of(decision: Decision) -> Self {
        let evaluation = Evaluation::default();
        Self {
            evaluation,
            decision,
            observed: None,
        }
    }
}

/// Has the gate decide about a request, whose credential it takes.
async fn decide(
    gate: &Guard<Check>,
    request: &mut Request<Body>,
    recorder: &Recorder,
) -> (Result<Admitted, Rejection>, Credential) {
    let mut credential = Credential::take(request);
    let decided = {
        let asked = Asked {
            method: request.method(),
            path: request.uri().path(),
            client: request.extensions(),
        };
        let token = credential.token(gate.bearer());
        gate.admission().decide_recording(token, &asked, recorder)
    };
    let decided = match decided {
        Decided::Admitted(admitted) => Ok(admitted),
        Decided::Rejected(rejection) => Err(rejection),
        Decided::Waiting(deciding) => deciding.await,
    };
    (decided, credential)
}

fn answered(response: &Response<Body>) -> Decision {
    let status = response.status().as_u16();
    Decision::Answered { status }
}

fn request(
    token: &AccessToken,
    method: &Method,
    host: &str,
    path: &str,
) -> Result<Request<Body>, InvalidQuestion> {
    let target = PathAndQuery::try_from(path).ok();
    let target = target.filter(|_| path.starts_with('/'));
    let target = target.ok_or(InvalidQuestion::Path)?;
    let host = HeaderValue::try_from(host).map_err(|_| InvalidQuestion::Host)?;
    let credential = HeaderValue::try_from(format!("Bearer {}", token.expose()));
    let mut credential = credential.map_err(|_| InvalidQuestion::Token)?;
    credential.set_sensitive(true);
    let mut request = Request::new(Body::default());
    request.method_mut().clone_from(method);
    *request.uri_mut() = Uri::from(target);
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(AUTHORIZATION, credential);
    Ok(request)
}

/// The error for a request that no client could send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidQuestion {
    /// The host cannot stand in a header.
    Host,
    /// The path cannot stand in a request.
    Path,
    /// The token cannot stand in a header.
    Token,
}

impl fmt::Display for InvalidQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "not a host; write it like tools.example.com or localhost:8080",
            Self::Path => "not a path; write it from its first slash, encoded, like /a%20b",
            Self::Token => "not a token; it holds what cannot stand in a header",
        })
    }
}

impl std::error::Error for InvalidQuestion {}
