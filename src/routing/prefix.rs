//! The prefix that a route removes from a path before it is forwarded.

use http::header::{HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};

use super::end_of;
use crate::config::RoutePath;
use crate::hygiene::names::X_FORWARDED_PREFIX;
use crate::rejection::RejectionKind;

/// The segments that a path begins with and that an upstream does not see.
///
/// Every decision after this is made on the forwarded path. The prefix is cut out of the original
/// path, which is never decoded or rebuilt. The path came this far because each reading of the
/// rest, put behind the prefix, leads to the same route. None begins with two slashes, which some
/// would read as a host.
#[derive(Debug)]
pub(crate) struct Prefix {
    segments: usize,
    header: HeaderValue,
}

impl Prefix {
    /// Takes the path of a route, other than `/`.
    pub(crate) fn new(path: &RoutePath) -> Self {
        Self {
            segments: path.as_str().matches('/').count(),
            header: HeaderValue::try_from(path.as_str()).expect("a route's path is ASCII"),
        }
    }

    /// Removes the prefix from the target, and sends it to the upstream, which needs it for links.
    /// It follows the one `before` it, which the proxies in front have removed.
    pub(crate) fn strip<B>(
        &self,
        request: &mut Request<B>,
        before: Option<&HeaderValue>,
    ) -> Result<(), RejectionKind> {
        let rest = self.rest(request.uri());
        *request.uri_mut() = rest.ok_or(RejectionKind::InvalidRequest)?;
        self.tell(request.headers_mut(), before);
        Ok(())
    }

    fn tell(&self, headers: &mut HeaderMap, before: Option<&HeaderValue>) {
        let joined = before.map(|before| {
            let before = before.as_bytes();
            let before = before.strip_suffix(b"/").unwrap_or(before);
            HeaderValue::from_bytes(&[before, self.header.as_bytes()].concat())
        });
        let joined = joined.and_then(Result::ok);
        let prefix = joined.unwrap_or_else(|| self.header.clone());
        headers.insert(X_FORWARDED_PREFIX.clone(), prefix);
    }

    /// Returns the rest of a target.
    pub(crate) fn rest(&self, uri: &Uri) -> Option<Uri> {
        let (path, target) = (uri.path(), uri.path_and_query()?.as_str());
        let rest = match end_of(path, self.segments) {
            Some(at) => PathAndQuery::try_from(&target[at..]),
            None => PathAndQuery::try_from(format!("/{}", &target[path.len()..])),
        };
        rest.ok().map(Uri::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::path::Readings;

    fn strip(prefix: &str, target: &str) -> String {
        let prefix = Prefix::new(&prefix.parse().unwrap());
        let mut request = Request::get(target).body(()).unwrap();
        prefix.strip(&mut request, None).unwrap();
        request.uri().to_string()
    }

    #[test]
    fn the_rest_is_left_as_it_came() {
        for (prefix, target, rest) in [
            ("/tool", "/tool", "/"),
            ("/tool", "/tool/", "/"),
            ("/tool", "/tool/x", "/x"),
            ("/tool", "/tool/tool/x", "/tool/x"),
            ("/tool", "/%74ool/%78%20y/", "/%78%20y/"),
            ("/tool", "/tool?a=/b//c", "/?a=/b//c"),
            ("/tool", "/tool/?", "/?"),
            ("/tool", "/tool?", "/?"),
            ("/a/b", "/a/b/c/d?e/f", "/c/d?e/f"),
            ("/a/b", "http://host/a/%62/c", "/c"),
        ] {
            assert_eq!(strip(prefix, target), rest, "{prefix} {target}");
        }
    }

    #[test]
    fn the_upstream_learns_what_was_taken_off() {
        let prefix = Prefix::new(&"/a/b/".parse().unwrap());
        let request = Request::get("/%61/b/c").header("x-forwarded-prefix", "/evil");
        let mut request = request.body(()).unwrap();
        prefix.strip(&mut request, None).unwrap();
        assert_eq!(request.headers()["x-forwarded-prefix"], "/a/b");
        assert_eq!(request.headers().len(), 1);
        for (before, whole) in [("/apps", "/apps/a/b"), ("/apps/", "/apps/a/b")] {
            let mut request = Request::get("/a/b/c").body(()).unwrap();
            let before = HeaderValue::from_static(before);
            prefix.strip(&mut request, Some(&before)).unwrap();
            assert_eq!(request.headers()["x-forwarded-prefix"], whole);
        }
    }

    proptest! {
        /// The path of the decision, without the prefix, is the path that the upstream will read.
        #[test]
        fn what_was_decided_is_forwarded(
            prefix in "(/[a-zA-Z0-9_~-]{1,4}){1,3}",
            escaped in prop::collection::vec(any::<bool>(), 16),
            below in "(/([a-zA-Z0-9_~.!$&'()*+,:@=-]|%4[1-9]|%20x|%C3%A9){0,4}){0,4}",
            query in "(\\?[a-z=&/%.?]{0,8})?",
        ) {
            let mut escaped = escaped.into_iter();
            let written: String = prefix
                .chars()
                .map(|c| match c {
                    '/' => "/".to_owned(),
                    c if escaped.next() == Some(true) => format!("%{:02x}", c as u32),
                    c => c.to_string(),
                })
                .collect();
            let path = format!("{written}{below}");
            let decided = Readings::of(&path);
            prop_assume!(decided.iter().count() == 1);
            let forwarded = strip(&prefix, &format!("{path}{query}"));
            let (forwarded_path, forwarded_query) = match forwarded.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (&*forwarded, String::new()),
            };
            prop_assert_eq!(forwarded_query, query);
            prop_assert!(forwarded_path == below || (below.is_empty() && forwarded_path == "/"));
            let read = Readings::of(forwarded_path);
            let expected = decided.common().strip_prefix(&prefix).unwrap();
            let expected = if expected.is_empty() { "/" } else { expected };
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), [expected]);
        }
    }
}
