use http::{Method, Request};
use hyper::ext::Protocol;

use super::told::Told;
use crate::rejection::RejectionKind;

/// CONNECT would open a tunnel past the gate; TRACE would echo the fields that we add for the
/// upstream alone. IIS calls TRACE TRACK, and PRI begins HTTP/2 (RFC 9113 §11.6).
const NEVER_FORWARDED: [&str; 4] = ["CONNECT", "TRACE", "TRACK", "PRI"];

/// Methods are case-sensitive (RFC 9110 §9.1) and are forwarded unchanged. `trace` is refused as
/// well, because an upstream may ignore the case.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), RejectionKind> {
    let method = request.method().as_str();
    let is_never = |never: &&str| method.eq_ignore_ascii_case(never);
    if NEVER_FORWARDED.iter().any(is_never) && !opens_websocket(request) {
        return Err(RejectionKind::NotImplemented);
    }
    Ok(())
}

/// RFC 8441 §4: an extended CONNECT names a protocol and a path here, and no other host.
fn opens_websocket<B>(request: &Request<B>) -> bool {
    let protocol = request.extensions().get::<Protocol>();
    request.method() == Method::CONNECT
        && protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// RFC 9110 §7.6.2: how many proxies may forward an OPTIONS. Other methods ignore it.
pub(super) fn max_forwards<B>(
    request: &Request<B>,
    told: &Told<'_>,
) -> Result<Option<u64>, RejectionKind> {
    if request.method() != Method::OPTIONS {
        return Ok(None);
    }
    let Some(hops) = told.max_forwards.only()? else {
        return Ok(None);
    };
    let hops = super::framing::number(hops).ok_or(RejectionKind::InvalidRequest)?;
    Ok(Some(hops))
}
