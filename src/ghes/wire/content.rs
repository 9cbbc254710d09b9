//! What the head of a reply says of its body.

use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Tells whether the body is as GHES wrote it: `identity` is all that was asked for.
pub(in crate::ghes) fn is_plain<B>(response: &Response<B>) -> bool {
    let mut encodings = response.headers().get_all(CONTENT_ENCODING).iter();
    encodings.all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// RFC 9110 §8.3.1: a type is compared without regard to case, and may have parameters.
pub(super) fn is_json<B>(response: &Response<B>) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let mut parts = value.as_bytes().split(|&b| b == b';');
        let media_type = parts.next().unwrap_or_default().trim_ascii();
        media_type.eq_ignore_ascii_case(b"application/json")
    })
}
