//! Which part of the server, and which operation of its API, a request is for.
use http::Method;
use percent_encoding::percent_decode_str;

use super::api::operation::Operation;

/// A part of the emulated server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Area<'a> {
    /// The REST API; the path begins with `/` or is empty.
    Api(&'a str),
    /// The emulator's own controls; the path begins with `/` or is empty.
    Control(&'a str),
    /// The pages and endpoints of the sign-in flows; the path begins with `/` or is empty.
    Login(&'a str),
    Elsewhere,
}

impl<'a> Area<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        if let Some(rest) = below(path, "/api/v3") {
            Self::Api(rest)
        } else if let Some(rest) = below(path, "/_emulator") {
            Self::Control(rest)
        } else if let Some(rest) = below(path, "/login") {
            Self::Login(rest)
        } else {
            Self::Elsewhere
        }
    }
}

/// The operation of a request.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) operation: Operation,
    pub(super) parameters: PathParameters,
}

/// The values of a route's `{…}` segments, by name.
#[derive(Debug)]
pub(super) struct PathParameters(Vec<(&'static str, String)>);

impl PathParameters {
    /// Returns the value of a parameter; empty if the route has none of this name.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

/// Finds the operation for a method and a path below `/api/v3`. The root matches with and without a
/// slash.
pub(super) fn find(method: &Method, path: &str) -> Option<Match> {
    let path = if path.is_empty() { "/" } else { path };
    Operation::ALL.iter().find_map(|&operation| {
        let (of_method, template) = operation.request();
        if of_method != method {
            return None;
        }
        let parameters = parameters(template, path)?;
        Some(Match {
            operation,
            parameters,
        })
    })
}

/// Returns the parameters of a path if it has the form of a template.
fn parameters(template: &'static str, path: &str) -> Option<PathParameters> {
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        match expected
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(_) if segment.is_empty() => return None,
            Some(name) => {
                let value = percent_decode_str(segment).decode_utf8().ok()?;
                parameters.push((name, value.into_owned()));
            }
            None if segment == expected => {}
            None => return None,
        }
    }
    segments
        .next()
        .is_none()
        .then_some(PathParameters(parameters))
}

/// Returns the rest of a path after a prefix that ends at a segment boundary.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_end_at_segment_boundaries() {
        assert_eq!(Area::of("/api/v3"), Area::Api(""));
        assert_eq!(Area::of("/api/v3/user"), Area::Api("/user"));
        assert_eq!(Area::of("/api/v30"), Area::Elsewhere);
        assert_eq!(Area::of("/_emulator/faults"), Area::Control("/faults"));
        assert_eq!(Area::of("/login/device"), Area::Login("/device"));
        assert_eq!(Area::of("/"), Area::Elsewhere);
    }

    #[test]
    fn routes_match_method_and_every_segment() {
        let found = find(&Method::POST, "/applications/abc/token").unwrap();
        assert_eq!(found.operation, Operation::CheckToken);
        assert_eq!(found.parameters.get("client_id"), "abc");
        assert!(find(&Method::GET, "/applications/abc/token").is_none());
        for path in [
            "/applications/abc/token/",
            "/applications//token",
            "/applications/abc",
            "applications/abc/token",
        ] {
            assert!(find(&Method::POST, path).is_none(), "{path}");
        }
    }

    #[test]
    fn parameters_are_percent_decoded() {
        let found = find(&Method::PUT, "/authorizations/clients/abc/a%20b%2Fc").unwrap();
        assert_eq!(found.parameters.get("fingerprint"), "a b/c");
        assert!(find(&Method::PUT, "/authorizations/clients/abc/%ff").is_none());
    }
}
