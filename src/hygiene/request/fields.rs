use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

use crate::rejection::RejectionKind;

/// RFC 9113 §8.2.2: an HTTP/2 request that has one of these is malformed.
const OF_A_CONNECTION: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields that RFC 9113 §8.2 forbids in HTTP/2 and h2 accepts. In HTTP/1, blanks around a value do
/// not belong to it, and are removed by now. In HTTP/2 they would be forwarded as if they did.
pub(super) fn check(headers: &HeaderMap) -> Result<(), RejectionKind> {
    let is_of_a_connection = OF_A_CONNECTION
        .iter()
        .any(|name| headers.contains_key(name));
    let wants_trailers_only = headers.get_all(TE).iter().all(|te| te == "trailers");
    if is_of_a_connection || !wants_trailers_only || headers.values().any(has_outer_blank) {
        return Err(RejectionKind::InvalidRequest);
    }
    Ok(())
}

fn has_outer_blank(value: &HeaderValue) -> bool {
    let is_blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last())
}
