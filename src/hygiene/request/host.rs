use http::uri::Authority;
use http::{HeaderValue, Request, Version};

use super::is_multiplexed;
use super::told::Told;
use crate::authority::{is_connectable, is_plainly_connectable};
use crate::rejection::RejectionKind;

/// Returns the one host that a request is for; none if HTTP/1.0 names none.
///
/// RFC 9112 §3.2: HTTP/1.1 has exactly one `Host` line. §3.2.2: the authority of the absolute form
/// replaces it. §3.3: HTTP/1.0 may omit it. RFC 9113 §8.3.1: in HTTP/2 it is in `:authority`, and a
/// `Host` beside it has to be equal.
pub(super) fn read<B>(
    request: &Request<B>,
    told: &Told<'_>,
) -> Result<Option<HeaderValue>, RejectionKind> {
    let line = told.host.only()?;
    let asked = request.uri().authority();
    if !line.is_none_or(is_good) || !asked.is_none_or(is_connectable) {
        return Err(RejectionKind::InvalidRequest);
    }
    match (line, asked, request.version()) {
        (Some(line), None, _) => Ok(Some(line.clone())),
        (Some(_), Some(asked), version) if !is_multiplexed(version) => value(asked),
        (None, Some(asked), version) if is_multiplexed(version) => value(asked),
        (Some(line), Some(asked), _) if is_same(line, asked) => value(asked),
        (None, Some(asked), Version::HTTP_10) => value(asked),
        (None, None, Version::HTTP_10) => Ok(None),
        _ => Err(RejectionKind::InvalidRequest),
    }
}

/// A userinfo in it (RFC 9110 §4.2.4) makes two readers see two hosts.
fn is_good(line: &HeaderValue) -> bool {
    is_plainly_connectable(line.as_bytes())
        || Authority::try_from(line.as_bytes()).is_ok_and(|authority| is_connectable(&authority))
}

/// Byte for byte: two parsers may disagree about a request with `a` here and `a:80` there.
fn is_same(line: &HeaderValue, asked: &Authority) -> bool {
    line.as_bytes()
        .eq_ignore_ascii_case(asked.as_str().as_bytes())
}

fn value(authority: &Authority) -> Result<Option<HeaderValue>, RejectionKind> {
    let value = HeaderValue::try_from(authority.as_str());
    value.map(Some).map_err(|_| RejectionKind::InvalidRequest)
}
