use http::Request;

use super::told::Told;
use crate::proxy::server::Limits;
use crate::rejection::RejectionKind;

/// What RFC 9110 §4.1 recommends to support, and what nginx and Apache take by default.
pub(super) const MAX_TARGET_BYTES: usize = 8 * 1024;

/// HTTP/1 servers count while they parse; HTTP/2 compresses, so that only what came out counts.
pub(super) fn check<B>(
    request: &Request<B>,
    told: &Told<'_>,
    limits: &Limits,
) -> Result<(), RejectionKind> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |p| p.as_str().len());
    let authority = request.uri().authority().map_or(0, |a| a.as_str().len());
    if target + authority > MAX_TARGET_BYTES {
        return Err(RejectionKind::UriTooLong);
    }
    let too_many = request.headers().len() > limits.head_fields.get() as usize;
    if too_many || told.bytes > limits.head_bytes.get() as usize {
        return Err(RejectionKind::HeaderFieldsTooLarge);
    }
    Ok(())
}
