use std::net::IpAddr;

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
}

impl Asking {
    /// Begins with a request that a proxy sends, or holds.
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
        Self {
            door,
            at: Instant::now(),
            client: provenance.client(),
            log: AccessLog::begin(request, &request_id),
            request_id,
            metrics: runtime.metrics.clone(),
        }
    }

    /// Says which request the proxy holds, in place of the one that it sends.
    pub(super) fn about<B>(self, held: &Request<B>) -> Self {
        let log = AccessLog::begin(held, &self.request_id);
        Self { log, ..self }
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
        let elapsed = self.at.elapsed();
        self.metrics.decided(self.door, outcome, elapsed);
        if let Some(log) = self.log {
            let log = log.at_door(self.door.as_str()).of_caller(caller);
            log.end(&response, self.client, elapsed);
        }
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID.clone(), self.request_id);
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
        let elapsed = self.at.elapsed();
        self.metrics.decided(self.door, outcome, elapsed);
        let log = self.log.map(|log| log.at_door(self.door.as_str()));
        let mut response = match answer {
            Ok(admitted) => {
                let mut passed = Response::new(());
                if let Some(observed) = &admitted.observed {
                    self.metrics.observed(observed.0.kind());
                    passed.extensions_mut().insert(observed.clone());
                }
                if let Some(log) = log {
                    log.end(&passed, self.client, elapsed);
                }
                return Ok(admitted);
            }
            Err(response) => response,
        };
        if let Some(visiting) = visiting.filter(|_| self.door.passes_pages()) {
            visiting.show(&mut response);
        }
        let is_shown = response.extensions().get::<Shown>().is_some();
        if let Some(log) = log {
            log.end(&response, self.client, elapsed);
        }
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID.clone(), self.request_id);
        Err(Box::new(match is_grpc {
            true => grpc::with_status(*response),
            false if is_shown => *response,
            false => with_problem_json(*response),
        }))
    }
}
