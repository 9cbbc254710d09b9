use http::header::HeaderValue;
use http::{Request, Response};

use super::RuleSet;
use super::routes::{Found, Miss};
use crate::proxy::runtime::assertion::Assertions;
use crate::rejection::RejectionKind;
use crate::routing::metadata;
use crate::upstream::body::Body;

/// Where a well-formed request goes.
pub(in crate::proxy) enum Destination<'p> {
    /// Nowhere else: the proxy answers it itself. Boxed, because it is rare and large.
    Here(Box<Response<Body>>),
    Nowhere(Miss<'p>),
    Route(Found<'p>),
}

impl RuleSet {
    /// Decides where a request for `host` goes, independent of its sender. A request without a host
    /// is for all of them.
    pub(in crate::proxy) fn destination<B: http_body::Body>(
        &self,
        host: Option<&HeaderValue>,
        request: &Request<B>,
        assertions: Option<&Assertions>,
    ) -> Destination<'_> {
        if host.is_some_and(|host| !self.allowed_hosts.contain(host)) {
            let kind = RejectionKind::MisdirectedRequest;
            return Destination::Nowhere(Miss::rejected(kind));
        }
        if let Some(keys) = assertions.and_then(|assertions| assertions.answer(request)) {
            return Destination::Here(Box::new(keys));
        }
        if let Some(document) = self.metadata.find(host, request.uri().path()) {
            return match document.answer(request.method()) {
                Some(answer) => Destination::Here(Box::new(answer)),
                None => Destination::Nowhere(Miss::MethodNotAllowed(&metadata::ALLOW)),
            };
        }
        match self.routes.find(host, request) {
            Ok(found) => Destination::Route(found),
            Err(miss) => Destination::Nowhere(miss),
        }
    }
}
