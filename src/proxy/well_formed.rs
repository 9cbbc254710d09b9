//! What a request must be like before anything is decided about it.
//!
//! hyper parses more than a gate may let through. Everything that could be read in two ways, by
//! us and by an upstream, is refused here.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Uri, Version};

use crate::authority::is_connectable;
use crate::rejection::RejectionKind;

/// Refuses a request that must not be forwarded, whoever sent it.
pub(super) fn well_formed<B>(request: &mut Request<B>) -> Result<(), RejectionKind> {
    take_authority(request);
    // CONNECT would open a tunnel past the gate, TRACE would echo the credential.
    if [Method::CONNECT, Method::TRACE].contains(request.method()) {
        return Err(RejectionKind::NotImplemented);
    }
    let is_legal = is_origin_form(request) && has_one_host(request) && has_one_framing(request);
    is_legal.then_some(()).ok_or(RejectionKind::InvalidRequest)
}

/// RFC 9113 §8.3.1: in HTTP/2 the host stands in `:authority`, and becomes `Host` here. Where both
/// are there, the request is left as it is, and refused.
fn take_authority<B>(request: &mut Request<B>) {
    if request.version() != Version::HTTP_2 || request.headers().contains_key(HOST) {
        return;
    }
    let uri = request.uri();
    if let (Some(authority), Some(path)) = (uri.authority(), uri.path_and_query())
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        *request.uri_mut() = Uri::from(path.clone());
        request.headers_mut().insert(HOST, host);
    }
}

/// RFC 9112 §3.2.1. The absolute form names a second host. §3.2.2 wants servers to take it, but
/// nobody sends it to a gateway except to be read in two ways.
fn is_origin_form<B>(request: &Request<B>) -> bool {
    request.uri().authority().is_none() && request.uri().path().starts_with('/')
}

/// RFC 9112 §3.2: exactly one `Host`, and a valid one.
fn has_one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    // A userinfo in it (RFC 9110 §4.2.4) makes two readers see two hosts.
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| is_connectable(&authority))
}

/// RFC 9112 §6.1: a length told in two ways is how requests are smuggled.
fn has_one_framing<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: http::request::Builder) -> Result<(), RejectionKind> {
        well_formed(&mut request.body(()).unwrap())
    }

    fn get(target: &str) -> http::request::Builder {
        Request::get(target).header("host", "tools.example.com")
    }

    #[test]
    fn an_ordinary_request_passes() {
        assert_eq!(check(get("/a/b.c?q=../x//y;z")), Ok(()));
        assert_eq!(
            check(get("/a").header("transfer-encoding", "chunked")),
            Ok(())
        );
    }

    #[test]
    fn tunnels_and_echoes_are_never_forwarded() {
        for method in ["CONNECT", "TRACE"] {
            let refused = check(get("/").method(method));
            assert_eq!(refused, Err(RejectionKind::NotImplemented));
        }
    }

    #[test]
    fn only_the_origin_form_passes() {
        for target in ["http://evil/p", "http://u:p@evil/p", "*", "evil:80"] {
            let refused = check(get(target));
            assert_eq!(refused, Err(RejectionKind::InvalidRequest), "{target}");
        }
    }

    #[test]
    fn there_is_exactly_one_host() {
        let two = get("/").header("host", "b");
        assert_eq!(check(two), Err(RejectionKind::InvalidRequest));
        assert_eq!(check(Request::get("/")), Err(RejectionKind::InvalidRequest));
        for host in ["", "u:p@a", "a/../b@c", "a b", "a;for=x", "a:99999"] {
            let refused = check(Request::get("/").header("host", host));
            assert_eq!(refused, Err(RejectionKind::InvalidRequest), "{host}");
        }
    }

    #[test]
    fn the_host_of_http_2_is_its_authority() {
        let get = |target| Request::get(target).version(Version::HTTP_2);
        let mut request = get("https://tools.example.com/a?b").body(()).unwrap();
        assert_eq!(well_formed(&mut request), Ok(()));
        assert_eq!(request.headers()["host"], "tools.example.com");
        assert_eq!(request.uri(), "/a?b");
        for bad in [get("https://u:p@a/"), get("https://a/").header("host", "b")] {
            assert_eq!(check(bad), Err(RejectionKind::InvalidRequest));
        }
    }

    #[test]
    fn a_length_is_told_once() {
        for codings in [
            &["gzip, chunked"][..],
            &["chunked", "chunked"],
            &["identity"],
        ] {
            let mut request = get("/");
            for coding in codings {
                request = request.header("transfer-encoding", *coding);
            }
            assert_eq!(check(request), Err(RejectionKind::InvalidRequest));
        }
        let both = get("/")
            .header("transfer-encoding", "chunked")
            .header("content-length", "5");
        assert_eq!(check(both), Err(RejectionKind::InvalidRequest));
    }
}
