//! nginx's `auth_request`: a GET of our path with all of the client's fields, and what the
//! configuration adds.

use http::Uri;
use http::header::{HeaderMap, HeaderValue};

use super::{Held, method, only, scheme, target};

/// Reads one of the two forms. Of both at once, one could be the client's.
pub(super) fn held(headers: &HeaderMap) -> Option<Held> {
    let method = method(only(headers, "x-original-method")?)?;
    let parts = ["x-original-uri", "x-original-host", "x-original-proto"];
    let in_parts = parts.iter().any(|name| headers.contains_key(*name));
    match (headers.contains_key("x-original-url"), in_parts) {
        (true, false) => held_at(only(headers, "x-original-url")?, method),
        (false, true) => Some(Held {
            method: Some(method),
            scheme: Some(scheme(only(headers, "x-original-proto")?.to_str().ok()?)?),
            host: only(headers, "x-original-host")?.clone(),
            target: target(only(headers, "x-original-uri")?.as_bytes())?,
        }),
        _ => None,
    }
}

/// Reads `$scheme://$http_host$request_uri`.
fn held_at(url: &HeaderValue, method: http::Method) -> Option<Held> {
    let bytes = url.as_bytes();
    let url = Uri::try_from(bytes).ok()?;
    let scheme = scheme(url.scheme_str()?)?;
    let host = url.authority()?.as_str();
    let behind = url.scheme_str()?.len() + "://".len() + host.len();
    Some(Held {
        method: Some(method),
        scheme: Some(scheme),
        host: HeaderValue::from_str(host).ok()?,
        target: target(bytes.get(behind..)?)?,
    })
}
