use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::{Request, Response};
use tokio::time::Instant;

use super::admitted::Admitted;
use super::decide::Decision;
use crate::hygiene::names::X_REQUEST_ID;
use crate::hygiene::provenance::{Hop, Provenance};
use crate::metrics::{Door, Metrics, Outcome};
use crate::proxy::Proxy;
use crate::proxy::doors::clients::access_log::AccessLog;
use crate::proxy::rules::RuleSet;
use crate::proxy::runtime::floods::Floods;
use crate::rejection::{grpc, with_problem_json};
use crate::session::Shown;
use crate::upstream::body::Body;

/// What log and metrics keep of a question until it is answered.
pub(super) struct Asking {
    door: Door,
    at: Instant,
    request_id: HeaderValue,
    client: IpAddr,
    log: Option<AccessLog>,
    metrics: Metrics,
    floods: Arc<Floods>,
}

impl Asking {
    /// Begins with a request of a `peer`.
    pub(super) fn by<B>(
        door: Door,
        proxy: &Proxy,
        rules: &RuleSet,
        peer: &Hop,
        request: &Request<B>,
    ) -> Self {
        let provenance = Provenance::of(request.headers(), peer, &rules.fronts);
        let runtime = &proxy.0.runtime;
        let request_id = provenance.request_id().cloned();
        let request_id = request_id.unwrap_or_else(|| runtime.request_ids.next());
        let at = Instant::now();
        Self {
            door,
            at,
            client: provenance.peer(),
            log: AccessLog::begin(request, &request_id, at),
            request_id,
            metrics: runtime.metrics.clone(),
            floods: Arc::clone(&runtime.floods),
        }
    }

    /// Says which request it is about, and so which client's, in place of the peer's.
    pub(super) fn about<B>(self, held: &Request<B>, rules: &RuleSet, peer: &Hop) -> Self {
        let provenance = Provenance::of(held.headers(), peer, &rules.fronts);
        let request_id = provenance.request_id().cloned();
        let request_id = request_id.unwrap_or(self.request_id);
        Self {
            client: provenance.client(),
            log: AccessLog::begin(held, &request_id, self.at),
            request_id,
            ..self
        }
    }

    /// Returns when it has to be decided, for a peer that waits so long.
    pub(super) fn deadline(&self, patience: Option<Duration>) -> Instant {
        self.at + patience.map_or(LONGEST, |patience| patience.min(LONGEST))
    }

    /// Returns what is noted for the log, if it is on.
    pub(super) fn log(&mut self) -> Option<&mut AccessLog> {
        self.log.as_mut()
    }

    /// Returns the id of the request, which answers have.
    pub(super) fn request_id(&self) -> HeaderValue {
        self.request_id.clone()
    }

    /// Counts and logs an answer that is in its form; none is the caller if nobody proved to be one.
    pub(super) fn answered(self, caller: Option<&str>, response: Response<Body>) -> Response<Body> {
        let outcome = Outcome::of(&response);
        self.answered_as(outcome, caller, response)
    }

    /// The same for an endpoint of the login, which needs no token.
    pub(super) fn logged_in(self, response: Response<Body>) -> Response<Body> {
        self.answered_as(Outcome::Anonymous, None, response)
    }

    fn answered_as(
        self,
        outcome: Outcome,
        caller: Option<&str>,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let request_id = self.request_id();
        self.record(outcome, caller, &response);
        response.headers_mut().insert(&X_REQUEST_ID, request_id);
        response
    }

    /// Counts and logs a decision. Returns a rejection in the form for the client that it reaches.
    pub(super) fn end(self, decision: Decision) -> Result<Box<Admitted>, Box<Response<Body>>> {
        let Decision {
            outcome,
            visiting,
            is_grpc,
            answer,
        } = decision;
        match answer {
            Ok(admitted) => {
                let mut passed = Response::new(Body::default());
                if let Some(observed) = &admitted.observed {
                    self.metrics.observed(observed.0.kind());
                    passed.extensions_mut().insert(observed.clone());
                }
                self.record(outcome, None, &passed);
                Ok(admitted)
            }
            Err(mut response) => {
                if let Some(visiting) = visiting.filter(|_| self.door.passes_pages()) {
                    visiting.show(&mut response);
                }
                Err(Box::new(self.turned_away(outcome, is_grpc, *response)))
            }
        }
    }

    fn turned_away(
        self,
        outcome: Outcome,
        is_grpc: bool,
        response: Response<Body>,
    ) -> Response<Body> {
        let request_id = self.request_id();
        let is_shown = response.extensions().get::<Shown>().is_some();
        let mut response = match is_grpc {
            true => grpc::with_status(response),
            false if is_shown => response,
            false => with_problem_json(response),
        };
        self.record(outcome, None, &response);
        response.headers_mut().insert(&X_REQUEST_ID, request_id);
        response
    }

    fn record(self, outcome: Outcome, caller: Option<&str>, response: &Response<Body>) {
        let elapsed = self.at.elapsed();
        self.metrics.decided(self.door, outcome, elapsed);
        if let Some(log) = self.log {
            let log = log.at_door(self.door.as_str()).of_caller(caller);
            log.end(outcome, response, self.client, elapsed, &self.floods);
        }
    }
}

/// How long a decision takes at most, however many questions to GHES it needs. One of them may take
/// 3 s, after which an answer that is past its age may still do. Proxies wait 4 s.
const LONGEST: Duration = Duration::from_millis(3500);
