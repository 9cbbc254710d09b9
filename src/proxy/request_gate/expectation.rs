use http::Version;
use http::header::{EXPECT, HeaderMap};

use crate::rejection::RejectionKind;

/// RFC 9110 §10.1.1: one expectation is known, which is answered by reading the body. An HTTP/1.0
/// client cannot have one, and what it says there is ignored.
pub(super) fn check(version: Version, headers: &HeaderMap) -> Result<(), RejectionKind> {
    let mut lines = headers.get_all(EXPECT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        _ if version < Version::HTTP_11 => Ok(()),
        (Some(line), None) if line.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        _ => Err(RejectionKind::ExpectationFailed),
    }
}
