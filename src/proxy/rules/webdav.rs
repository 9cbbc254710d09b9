//! The second path of a request: the target of `WebDAV`'s COPY and MOVE.
//!
//! A tool that may use one path may write to another by `Destination` (RFC 4918 §10.3). The
//! decision about the first must hold for the second:
//!
//! 1. A `Destination` has the host that the client asked for, and its route is the request's.
//!    Otherwise the request is refused, independent of its sender.
//! 2. The upstream gets it rewritten for itself: with the scheme and the host of the upstream, and
//!    without the prefix that the route removes. Apache accepts no other. Where the host is not
//!    known before a request is sent, it is a path.
//!
//! Methods other than COPY and MOVE may have a `Destination` with another meaning, such as the name
//! of a queue. The rules apply to it if it is a path or a URL, because some tools let a request
//! override its method.

use http::header::{HeaderName, HeaderValue};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Uri};

use super::routes::{Found, Route, Routes};
use crate::config::UpstreamHost;
use crate::rejection::RejectionDetail;
use crate::upstream::redirects::is_same_host;

static DESTINATION: HeaderName = HeaderName::from_static("destination");

impl Routes {
    /// Checks that a request's `Destination`, if it has one, has the route of the request for
    /// `host`, and rewrites it for the upstream.
    pub(in crate::proxy) fn settle_destination<B>(
        &self,
        found: &Found<'_>,
        host: Option<&HeaderValue>,
        request: &mut Request<B>,
    ) -> Result<(), RejectionDetail> {
        let Some(destination) = only(request.headers())? else {
            return Ok(());
        };
        let Some(target) = target(destination, host) else {
            return match is_held(request.method(), destination) {
                true => Err(RejectionDetail::ForeignDestination),
                false => Ok(()),
            };
        };
        let mut there = Request::new(http_body_util::Empty::<bytes::Bytes>::new());
        there.method_mut().clone_from(request.method());
        *there.uri_mut() = target;
        let other = self.find(host, &there).ok();
        if !other.is_some_and(|other| std::ptr::eq(other.route, found.route)) {
            return Err(RejectionDetail::ForeignDestination);
        }
        if !found.route.rewrites_redirects || found.route.upstream.is_none() {
            return Ok(());
        }
        let rest = match &found.route.prefix {
            Some(prefix) => prefix.rest(there.uri()),
            None => Some(there.uri().clone()),
        };
        let rest = rest.and_then(|rest| found.route.destination(host, &rest));
        let rest = rest.ok_or(RejectionDetail::ForeignDestination)?;
        request.headers_mut().insert(DESTINATION.clone(), rest);
        Ok(())
    }
}

impl Route {
    fn destination(&self, host: Option<&HeaderValue>, rest: &Uri) -> Option<HeaderValue> {
        let (scheme, own) = self.upstream.as_ref()?.origin();
        let told = host.filter(|_| self.host == UpstreamHost::Client);
        let told = match told {
            Some(host) => Some(host.to_str().ok()?),
            None => own.map(Authority::as_str),
        };
        let destination = match told {
            Some(host) => format!("{scheme}://{host}{rest}"),
            None => rest.to_string(),
        };
        HeaderValue::try_from(destination).ok()
    }
}

/// Of two, one reader would take the first and another the last.
fn only(headers: &HeaderMap) -> Result<Option<&HeaderValue>, RejectionDetail> {
    let mut lines = headers.get_all(&DESTINATION).iter();
    match (lines.next(), lines.next()) {
        (_, Some(_)) => Err(RejectionDetail::ForeignDestination),
        (line, None) => Ok(line),
    }
}

/// Returns path and query of a destination at `host`; none if it is anything else.
fn target(destination: &HeaderValue, host: Option<&HeaderValue>) -> Option<Uri> {
    let text = destination.to_str().ok()?;
    let uri: Uri = text.parse().ok()?;
    let is_good = match (uri.scheme_str(), uri.authority()) {
        (None, None) => text.starts_with('/'),
        (Some(scheme @ ("http" | "https")), Some(authority)) => {
            host.is_some_and(|host| is_same_host(scheme == "https", authority, host))
        }
        _ => false,
    };
    // `Uri` forgets a fragment.
    let path = uri.into_parts().path_and_query?;
    let is_good = is_good && !text.contains('#') && !path.as_str().starts_with("//");
    is_good.then(|| Uri::from(path))
}

/// Returns whether a destination that is invalid here could be valid for a tool.
fn is_held(method: &Method, destination: &HeaderValue) -> bool {
    let text = destination.as_bytes().trim_ascii();
    let begins = |scheme: &[u8]| {
        let begin = text.get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    ["COPY", "MOVE"].contains(&method.as_str())
        || begins(b"/")
        || begins(b"\\")
        || begins(b"http:")
        || begins(b"https:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_the_clients_host_or_a_path_is_a_target() {
        let host = HeaderValue::from_static("tools.example.com");
        for (destination, is_good) in [
            ("/a/b?c", true),
            ("https://tools.example.com/a/b?c", true),
            ("http://TOOLS.example.com:80/a/b?c", true),
            ("https://tools.example.com:443/a/b?c", true),
            ("https://tools.example.com:80/a/b?c", false),
            ("https://evil.example/a/b?c", false),
            ("https://tools.example.com@evil.example/a/b?c", false),
            ("https://tools.example.com//a/b?c", false),
            ("//tools.example.com/a/b?c", false),
            ("//a/b?c", false),
            ("/a/b?c#d", false),
            ("ftp://tools.example.com/a/b?c", false),
            ("a/b?c", false),
            ("tools.example.com", false),
            ("", false),
        ] {
            let destination = HeaderValue::from_static(destination);
            let target = target(&destination, Some(&host));
            let expected = is_good.then_some("/a/b?c");
            let target = target.map(|uri| uri.to_string());
            assert_eq!(target.as_deref(), expected, "{destination:?}");
        }
    }

    #[test]
    fn what_a_tool_could_take_for_a_way_is_held() {
        for (method, destination, held) in [
            ("MOVE", "queue", true),
            ("COPY", "", true),
            ("POST", "queue", false),
            ("POST", "queue://orders", false),
            ("POST", " HTTPS://evil.example/", true),
            ("PUT", "//evil", true),
            ("POST", "\\evil", true),
        ] {
            let method = method.parse().unwrap();
            let destination = HeaderValue::from_static(destination);
            assert_eq!(is_held(&method, &destination), held, "{destination:?}");
        }
    }
}
