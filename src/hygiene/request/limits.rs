use http::Request;

use super::is_multiplexed;
use super::told::Told;
use crate::rejection::RejectionKind;
use crate::server::Limits;

/// HTTP/1 servers count while they parse. HTTP/2 compresses, so the uncompressed head counts, as
/// written in HTTP/1.1: a head has the same limit in both.
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
    // Where it is not a part of the target, it is a line of its own.
    let (target, host) = match is_multiplexed(request.version()) {
        true if authority > 0 => (target, "host: \r\n".len() + authority),
        true => (target, 0),
        false => (target + authority, 0),
    };
    if target > limits.target_bytes.get() as usize {
        return Err(RejectionKind::UriTooLong);
    }
    let line = request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len();
    let too_many = told.fields > limits.head_fields.get() as usize;
    if too_many || line + host + told.bytes > limits.head_bytes.get() as usize {
        return Err(RejectionKind::HeaderFieldsTooLarge);
    }
    Ok(())
}
