//! Envoy's `ext_authz` over HTTP: the client's own method, host and path, behind a prefix.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;

use super::{Held, only};

pub(super) fn held(asking: &Parts) -> Option<Held> {
    // Of a fragment nothing is left here, and Envoy refuses a path with one.
    let target = target(asking.uri.path_and_query()?.as_str())?;
    // HTTP/2 has the host in `:authority`.
    let host = match asking.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok()?,
        None => only(&asking.headers, HOST.as_str())?.clone(),
    };
    Some(Held {
        method: Some(asking.method.clone()),
        scheme: None,
        host,
        target,
    })
}

/// Returns the target behind the prefix; none if it has none.
pub(super) fn target(target: &str) -> Option<PathAndQuery> {
    let behind = target.strip_prefix(PREFIX)?;
    behind.starts_with('/').then(|| behind.parse().ok())?
}

const PREFIX: &str = "/auth/envoy";
