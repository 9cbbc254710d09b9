use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response};

use super::dotted::Dotted;
use crate::rejection::{Rejection, RejectionDetail};

/// What the access log says of a request, taken before the request is given away.
///
/// The query is left out: people put tokens there.
pub(super) struct AccessLog {
    method: Method,
    path: Box<str>,
    request_id: HeaderValue,
}

impl AccessLog {
    pub(super) fn begin<B>(request: &Request<B>, request_id: &HeaderValue) -> Option<Self> {
        tracing::enabled!(tracing::Level::INFO).then(|| Self {
            method: request.method().clone(),
            path: request.uri().path().into(),
            request_id: request_id.clone(),
        })
    }

    pub(super) fn end<B>(self, response: &Response<B>, client: IpAddr, elapsed: Duration) {
        let rejection = response.extensions().get::<Rejection>();
        tracing::info!(
            request.id = self.request_id.to_str().unwrap_or_default(),
            client.address = %Address(client),
            http.method = %self.method,
            // Quoted and escaped, so that one request is one line.
            http.path = ?self.path,
            http.status = response.status().as_u16(),
            reason = rejection.map(|rejection| rejection.kind().as_str()),
            detail = rejection.and_then(Rejection::detail).map(RejectionDetail::as_str),
            duration_ms = elapsed.as_secs_f64() * 1e3,
            "request answered",
        );
    }
}

struct Address(IpAddr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => f.write_str(Dotted::from(address).as_str()),
            IpAddr::V6(address) => address.fmt(f),
        }
    }
}
