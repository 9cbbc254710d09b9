use http::Version;

use super::told::Told;
use crate::rejection::RejectionKind;

/// RFC 9110 §10.1.1: one expectation is known, which is answered by reading the body. An HTTP/1.0
/// client cannot have one, so its field is ignored.
pub(super) fn check(version: Version, told: &Told<'_>) -> Result<(), RejectionKind> {
    match told.expect.only() {
        Ok(None) => Ok(()),
        _ if version < Version::HTTP_11 => Ok(()),
        Ok(Some(line)) if line.as_bytes().eq_ignore_ascii_case(b"100-continue") => Ok(()),
        Ok(Some(_)) | Err(_) => Err(RejectionKind::ExpectationFailed),
    }
}
