//! Traefik's `forwardAuth`, Caddy's `forward_auth` and the snippet of oauth2-proxy: `X-Forwarded-*`,
//! which the proxy writes anew.

use http::header::{FORWARDED, HOST, HeaderMap};
use http::request::Parts;

use super::{Held, method, only, scheme, target};
use crate::hygiene::names::X_FORWARDED_FOR;

pub(super) fn held(headers: &HeaderMap) -> Option<Held> {
    Some(Held {
        method: Some(method(only(headers, "x-forwarded-method")?)?),
        scheme: Some(scheme(only(headers, "x-forwarded-proto")?.to_str().ok()?)?),
        host: only(headers, "x-forwarded-host")?.clone(),
        target: target(only(headers, "x-forwarded-uri")?.as_bytes())?,
    })
}

/// Has the client's address be the one that the snippet sets: nginx passes on whatever a client writes
/// in the other fields.
pub(super) fn tell_client(headers: &mut HeaderMap) {
    headers.remove(FORWARDED);
    headers.remove(X_FORWARDED_FOR.clone());
    if let Some(address) = only(headers, "x-real-ip").cloned() {
        headers.insert(X_FORWARDED_FOR.clone(), address);
    }
}

/// The snippet of oauth2-proxy for nginx sets `Host`, `X-Real-IP` and `X-Forwarded-Uri`, and
/// nginx passes on what a client writes in any other field.
pub(super) fn held_of_snippet(asking: &Parts) -> Option<Held> {
    let headers = &asking.headers;
    Some(Held {
        method: None,
        scheme: None,
        host: only(headers, HOST.as_str())?.clone(),
        target: target(only(headers, "x-forwarded-uri")?.as_bytes())?,
    })
}
