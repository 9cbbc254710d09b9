use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use http::{Request, Version};

use super::told::Told;
use crate::rejection::RejectionKind;

/// RFC 9112 §6: a length stated in two ways is the means of request smuggling.
///
/// hyper drops a `Content-Length` beside chunks before this check could see it; the server refuses
/// such a request before hyper has it.
pub(super) fn check<B>(request: &Request<B>, told: &Told<'_>) -> Result<(), RejectionKind> {
    let has_length = told.content_length.is_there();
    if has_length {
        check_length(request.headers())?;
    }
    let Some(coding) = told.transfer_encoding.only()? else {
        return Ok(());
    };
    if has_length || request.version() < Version::HTTP_11 {
        return Err(RejectionKind::InvalidRequest);
    }
    check_coding(coding)
}

/// §6.1: chunked comes last and once. Other codings before it are legal, but this proxy knows none,
/// and forwarding them would promise more than the chunks that we write.
fn check_coding(coding: &HeaderValue) -> Result<(), RejectionKind> {
    let is_chunked = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
    let mut codings = coding.as_bytes().rsplit(|&b| b == b',');
    if !codings.next().is_some_and(is_chunked) {
        return Err(RejectionKind::InvalidRequest);
    }
    let others: Vec<&[u8]> = codings.collect();
    if others.is_empty() {
        Ok(())
    } else if others.into_iter().any(is_chunked) {
        Err(RejectionKind::InvalidRequest)
    } else {
        Err(RejectionKind::NotImplemented)
    }
}

/// Equal lines count as one (RFC 9110 §8.6).
fn check_length(headers: &HeaderMap) -> Result<(), RejectionKind> {
    let mut length = None;
    for line in headers.get_all(CONTENT_LENGTH) {
        let told = number(line).ok_or(RejectionKind::InvalidRequest)?;
        if length.replace(told).is_some_and(|before| before != told) {
            return Err(RejectionKind::InvalidRequest);
        }
    }
    Ok(())
}

/// Digits and nothing else; `u64`'s own parser accepts a sign as well.
pub(super) fn number(value: &HeaderValue) -> Option<u64> {
    let digits = value.to_str().ok()?;
    let is_number = digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}
