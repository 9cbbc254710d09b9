use http::Request;

use crate::rejection::RejectionKind;

/// As many as Apache and nginx clients ever need, and few enough to look through on each request.
pub(in crate::proxy) const MAX_FIELDS: usize = 100;

/// The largest head; hyper's own limit of about 400 KB is what an attacker would use.
pub(in crate::proxy) const MAX_HEAD_BYTES: usize = 32 * 1024;

/// What RFC 9110 §4.1 recommends to support, and what nginx and Apache take by default.
pub(super) const MAX_TARGET_BYTES: usize = 8 * 1024;

/// HTTP/1 servers count while they parse; HTTP/2 compresses, so that only what came out counts.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), RejectionKind> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |p| p.as_str().len());
    let authority = request.uri().authority().map_or(0, |a| a.as_str().len());
    if target + authority > MAX_TARGET_BYTES {
        return Err(RejectionKind::UriTooLong);
    }
    let headers = request.headers();
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if headers.len() > MAX_FIELDS || lines.sum::<usize>() > MAX_HEAD_BYTES {
        return Err(RejectionKind::HeaderFieldsTooLarge);
    }
    Ok(())
}
