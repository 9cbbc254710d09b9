use http::uri::Scheme;
use http::{Method, Request};

use super::is_multiplexed;
use crate::rejection::RejectionKind;

/// The target of a request.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Target {
    Path,
    /// `*`: the server as a whole.
    Server,
}

/// RFC 9112 §3.2: the origin form, the absolute form, and `*` for OPTIONS alone. The authority form
/// of CONNECT remains, which `http` also makes of a path without its slash.
pub(super) fn read<B>(request: &Request<B>) -> Result<Target, RejectionKind> {
    let uri = request.uri();
    let has_good_scheme = match uri.scheme() {
        Some(scheme) => *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS,
        // `:authority` may come without `:scheme` only in CONNECT, and h2 checks that.
        None => uri.authority().is_none() || is_multiplexed(request.version()),
    };
    if !has_good_scheme {
        return Err(RejectionKind::InvalidRequest);
    }
    match uri.path_and_query().map(|target| target.as_str()) {
        Some("*") if request.method() == Method::OPTIONS => Ok(Target::Server),
        Some(path) if path.starts_with('/') => Ok(Target::Path),
        _ => Err(RejectionKind::InvalidRequest),
    }
}
