use http::header::MAX_FORWARDS;
use http::{Method, Request};

use super::at_most_one;
use crate::rejection::RejectionKind;

/// CONNECT would open a tunnel past the gate, TRACE echo what we add for the upstream alone. TRACK
/// is what IIS calls TRACE, and PRI begins HTTP/2 (RFC 9113 §11.6).
const NEVER_FORWARDED: [&str; 4] = ["CONNECT", "TRACE", "TRACK", "PRI"];

/// Methods are case-sensitive (RFC 9110 §9.1) and pass as they are, but an upstream that forgets
/// that must not be taken in by `trace`.
pub(super) fn check(method: &Method) -> Result<(), RejectionKind> {
    let is_never = |never: &str| method.as_str().eq_ignore_ascii_case(never);
    if NEVER_FORWARDED.iter().any(|never| is_never(never)) {
        return Err(RejectionKind::NotImplemented);
    }
    Ok(())
}

/// RFC 9110 §7.6.2: how many proxies may forward an OPTIONS. Other methods do not care.
pub(super) fn max_forwards<B>(request: &Request<B>) -> Result<Option<u64>, RejectionKind> {
    if request.method() != Method::OPTIONS {
        return Ok(None);
    }
    let Some(hops) = at_most_one(request.headers(), &MAX_FORWARDS)? else {
        return Ok(None);
    };
    let hops = super::framing::number(hops).ok_or(RejectionKind::InvalidRequest)?;
    Ok(Some(hops))
}
