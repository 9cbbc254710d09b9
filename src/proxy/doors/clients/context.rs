use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderValue, Response};
use tokio::time::Instant;

use super::access_log::AccessLog;
use crate::hygiene::names::X_REQUEST_ID;
use crate::metrics::{Outcome, RouteCounts};
use crate::proxy::Proxy;
use crate::proxy::rules::routes::Route;
use crate::rejection::{grpc, with_problem_json};
use crate::server::CountedRequest;
use crate::session::Shown;
use crate::upstream::body::Body;

/// The data of a request that its response needs.
pub(in crate::proxy) struct RequestContext {
    pub(in crate::proxy) at: Instant,
    pub(in crate::proxy) client: IpAddr,
    pub(in crate::proxy) request_id: HeaderValue,
    pub(in crate::proxy) is_grpc: bool,
    /// Boxed, because the log may be off.
    pub(in crate::proxy) log: Option<Box<AccessLog>>,
    /// Its place in its client's count.
    pub(in crate::proxy) counted: Option<CountedRequest>,
    /// Where what becomes of it is counted.
    pub(in crate::proxy) route: Option<Arc<RouteCounts>>,
}

impl RequestContext {
    pub(in crate::proxy) fn found(&mut self, route: &Route) {
        self.route = Some(Arc::clone(&route.counts));
        if let Some(log) = &mut self.log {
            log.found(&route.names);
        }
    }

    /// Counts and logs a response, and gives it the form for its client.
    pub(super) fn answered(
        &mut self,
        proxy: &Proxy,
        outcome: Outcome,
        response: &mut Response<Body>,
    ) {
        let elapsed = self.at.elapsed();
        proxy.0.runtime.metrics.answered(outcome, elapsed);
        if let Some(route) = &self.route {
            route.ended(outcome);
        }
        if let Body::Streaming(download) = response.body_mut() {
            download.hold(self.counted.take());
        }
        let is_shown = response.extensions().get::<Shown>().is_some();
        if let Outcome::Rejected(_) = outcome
            && !is_shown
        {
            let bare = mem::take(response);
            *response = match self.is_grpc {
                true => grpc::with_status(bare),
                false => with_problem_json(bare),
            };
        }
        if let Some(log) = self.log.take() {
            let floods = &proxy.0.runtime.floods;
            log.end(outcome, response, self.client, elapsed, floods);
        }
        // Ours in place of a tool's own: our log has it.
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID.clone(), self.request_id.clone());
    }
}
