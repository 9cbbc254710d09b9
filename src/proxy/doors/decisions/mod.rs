//! The entrance of those who ask about requests that they hold: other people's proxies.
//!
//! ```text
//! question ─ dialect ─► request ─► request_gate ─► routes ─► gate ─► answer in the dialect
//!    │                                │             │         │
//!   403, 404                         400, 414, …  404, 405  401, 403, 503
//! ```
//!
//! 1. What is asked about goes the way of all requests, by the same rules, and is turned away in
//!    the same words.
//! 2. Who asks is one of `server.trusted_proxies`: anybody else could try out tokens, and learn
//!    whose they are.
//! 3. Admitted is exactly 200. Envoy, and the Gateway API's `ExternalAuth`, take any other status as
//!    the answer for the client.
//! 4. Nothing of a body is read.

mod admitted;
mod decide;

use std::convert::Infallible;
use std::fmt;
use std::num::NonZeroU32;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::time::Instant;

use self::decide::Decision;
use super::clients::access_log::AccessLog;
use super::clients::unreadable;
use crate::config::DecisionsConfig;
use crate::endpoint::Problem;
use crate::fronts::Dialect;
use crate::hygiene::names::X_REQUEST_ID;
use crate::hygiene::provenance::{Hop, Provenance};
use crate::metrics::Door;
use crate::proxy::Proxy;
use crate::proxy::rules::RuleSet;
use crate::rejection::{grpc, with_problem_json};
use crate::server::{Limits, Listener, Peer};
use crate::upstream::body::Body;

/// The listener of a [`Proxy`] for other people's proxies. A handle: clones are the same.
#[derive(Clone)]
pub struct Decisions(Proxy);

impl Decisions {
    pub(in crate::proxy) fn new(proxy: Proxy) -> Self {
        Self(proxy)
    }

    /// Serves those who ask on `listener` until `shutdown` completes, over HTTP/1.1 and HTTP/2.
    ///
    /// Works like [`Proxy::serve`], with the same limits, but for the number of connections from
    /// one address: all may come from one proxy.
    pub async fn serve(self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        let make_service = |peer: Peer| {
            let (decisions, peer) = (self.clone(), Hop::from(peer));
            service_fn(move |request| {
                let (decisions, peer) = (decisions.clone(), peer.clone());
                async move { Ok::<_, Infallible>(decisions.answer(request, &peer).await) }
            })
        };
        let server = self.0.0.runtime.server.beside(for_proxies).with_h2c(true);
        let server = server.with_refusals(unreadable::refusals(&self.0));
        server.serve(listener, make_service, shutdown).await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: &Hop) -> Response<Body> {
        // One set of rules for the whole answer, whatever is replaced meanwhile.
        let rules = self.0.0.rules.load_full();
        let dialect = Dialect::of_path(request.uri().path(), rules.oauth2_auth);
        match dialect {
            None => refused(NO_SUCH_QUESTION),
            Some(_) if !rules.fronts.trust(peer) => refused(NOT_TRUSTED),
            Some(dialect) => self.answer_in(dialect, request, &rules, peer).await,
        }
    }

    /// Answers a trusted proxy. The body of its request is not looked at.
    async fn answer_in(
        &self,
        dialect: Dialect,
        request: Request<Incoming>,
        rules: &RuleSet,
        peer: &Hop,
    ) -> Response<Body> {
        let at = Instant::now();
        let provenance = Provenance::of(request.headers(), peer, &rules.fronts);
        let request_id = provenance.request_id().cloned();
        let request_id = request_id.unwrap_or_else(|| self.0.0.runtime.request_ids.next());
        let mut log = AccessLog::begin(&request, &request_id);
        let (asking, _) = request.into_parts();
        let decision = match dialect.question(asking) {
            Ok(question) => {
                log = AccessLog::begin(&question.request, &request_id);
                self.0.decide(rules, question, peer).await
            }
            Err(mistake) => Decision::rejected(self.0.reject(mistake)),
        };
        let (outcome, is_grpc) = (decision.outcome, decision.is_grpc);
        let response = decision.into_response(dialect);
        let elapsed = at.elapsed();
        let door = Door::from(dialect);
        self.0.0.runtime.metrics.decided(door, outcome, elapsed);
        if let Some(log) = log {
            let log = log.at_door(door.as_str());
            log.end(&response, provenance.client(), elapsed);
        }
        let mut response = rendered(response, is_grpc);
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID.clone(), request_id);
        response
    }
}

/// One proxy asks for all of its clients, over as many connections as it needs. Its request has
/// what it asks about beside the head of the client's.
fn for_proxies(limits: Limits) -> Limits {
    let more = |limit: NonZeroU32, by: NonZeroU32| limit.saturating_add(by.get());
    Limits {
        connections: DecisionsConfig::CONNECTIONS,
        connections_per_client: DecisionsConfig::CONNECTIONS,
        head_fields: more(limits.head_fields, FIELDS_OF_A_QUESTION),
        head_bytes: more(limits.head_bytes, limits.target_bytes)
            .saturating_add(BYTES_OF_A_QUESTION),
        target_bytes: limits.target_bytes.saturating_add(BYTES_OF_A_QUESTION),
        h2_head_bytes: None,
        ..limits
    }
}

const FIELDS_OF_A_QUESTION: NonZeroU32 = NonZeroU32::new(16).expect("not zero");
const BYTES_OF_A_QUESTION: u32 = 1024;

/// Gives a rejection the form for the client that the proxy passes it on to.
fn rendered(response: Response<Body>, is_grpc: bool) -> Response<Body> {
    match is_grpc {
        true => grpc::with_status(response),
        false => with_problem_json(response),
    }
}

fn refused(problem: Problem) -> Response<Body> {
    problem.into_response().map(Body::Own)
}

const NO_SUCH_QUESTION: Problem = Problem::new(
    StatusCode::NOT_FOUND,
    "nothing is asked here; see /auth/nginx, /auth/traefik, /auth/caddy and /auth/envoy",
);

const NOT_TRUSTED: Problem = Problem::new(
    StatusCode::FORBIDDEN,
    "only a proxy of server.trusted_proxies may ask; add the address of the one that asks",
);

impl fmt::Debug for Decisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decisions").field(&self.0).finish()
    }
}
