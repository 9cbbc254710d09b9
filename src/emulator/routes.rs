//! Which part of the server, and which operation of its API, a request is for.
use bytes::Bytes;
use http::header::{HOST, HeaderMap};
use http::request::Parts;
use http::{Method, Uri};

use super::applications;
use super::authentication::Caller;
use super::operation::Operation;
use super::reply::Failure;
use super::state::State;
use super::version::Version;

/// A part of the emulated server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Area<'a> {
    /// The REST API; the path begins with `/` or is empty.
    Api(&'a str),
    /// The emulator's own controls; the path begins with `/` or is empty.
    Control(&'a str),
    Elsewhere,
}

impl<'a> Area<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        if let Some(rest) = below(path, "/api/v3") {
            Self::Api(rest)
        } else if let Some(rest) = below(path, "/_emulator") {
            Self::Control(rest)
        } else {
            Self::Elsewhere
        }
    }
}

/// An operation and where it stands, as in GitHub's OpenAPI description.
#[derive(Debug)]
struct Route {
    method: Method,
    path: &'static str,
    operation: Operation,
}

const ROUTES: &[Route] = &[Route {
    method: Method::POST,
    path: "/applications/{client_id}/token",
    operation: Operation::CheckToken,
}];

/// Performs the operation that a request is for.
pub(super) fn perform(request: &ApiRequest, state: &State) -> Result<String, Failure> {
    let Some(Match {
        operation,
        parameters,
    }) = &request.found
    else {
        request.check_api_version()?;
        return Err(Failure::NotFound);
    };
    let caller = Caller::identify(&request.headers, state)?;
    // As github.com does with bearer tokens: a bad credential wins over a bad version, and a bad
    // version over no credential.
    request.check_api_version()?;
    match operation {
        Operation::CheckToken => applications::check_token(request, parameters, caller, state),
    }
}

/// A request to the REST API, read to its end; no `Debug`, for it holds credentials.
pub(super) struct ApiRequest {
    version: Version,
    number: u64,
    found: Option<Match>,
    headers: HeaderMap,
    host: String,
    /// Absent if it was too large.
    body: Option<Bytes>,
}

impl ApiRequest {
    pub(super) fn new(
        version: Version,
        number: u64,
        found: Option<Match>,
        head: Parts,
        body: Option<Bytes>,
    ) -> Self {
        let host = host(&head.headers, &head.uri);
        Self {
            version,
            number,
            found,
            headers: head.headers,
            host,
            body,
        }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Returns the request's number among all, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn operation(&self) -> Option<Operation> {
        self.found.as_ref().map(|found| found.operation)
    }

    /// Returns the name under which the client reached us, for the URLs of the answer.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn body(&self) -> Result<&Bytes, Failure> {
        self.body.as_ref().ok_or(Failure::BodyTooLarge)
    }

    /// Returns the API version of the answer, or `None` if the release has no such thing.
    pub(super) fn api_version(&self) -> Option<&'static str> {
        let asked = self.headers.get(API_VERSION).map(|value| value.as_bytes());
        let named = |version: &&&str| Some(version.as_bytes()) == asked;
        self.version
            .api_versions()
            .iter()
            .find(named)
            .copied()
            .or_else(|| self.version.default_api_version())
    }

    fn check_api_version(&self) -> Result<(), Failure> {
        let supported = self.version.api_versions();
        let Some(asked) = self.headers.get(API_VERSION) else {
            return Ok(());
        };
        let asked = String::from_utf8_lossy(asked.as_bytes());
        if supported.is_empty() || supported.contains(&&*asked) {
            return Ok(());
        }
        Err(Failure::UnsupportedApiVersion(asked.into_owned()))
    }
}

/// The operation of a request.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) operation: Operation,
    parameters: PathParameters,
}

/// The values of a route's `{…}` segments, by name.
#[derive(Debug)]
pub(super) struct PathParameters(Vec<(&'static str, String)>);

impl PathParameters {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Finds the operation for a method and a path below `/api/v3`.
pub(super) fn find(method: &Method, path: &str) -> Option<Match> {
    ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| {
            let parameters = parameters(route.path, path)?;
            Some(Match {
                operation: route.operation,
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
            Some(name) => parameters.push((name, segment.to_owned())),
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

fn host(headers: &HeaderMap, uri: &Uri) -> String {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    // HTTP/2 has the name in the target instead.
    uri.authority()
        .map(|authority| authority.as_str())
        .or_else(header)
        .unwrap_or("localhost")
        .to_owned()
}

const API_VERSION: &str = "x-github-api-version";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_end_at_segment_boundaries() {
        assert_eq!(Area::of("/api/v3"), Area::Api(""));
        assert_eq!(Area::of("/api/v3/user"), Area::Api("/user"));
        assert_eq!(Area::of("/api/v30"), Area::Elsewhere);
        assert_eq!(Area::of("/_emulator/faults"), Area::Control("/faults"));
        assert_eq!(Area::of("/"), Area::Elsewhere);
    }

    #[test]
    fn routes_match_method_and_every_segment() {
        let found = find(&Method::POST, "/applications/abc/token").unwrap();
        assert_eq!(found.operation, Operation::CheckToken);
        assert_eq!(found.parameters.get("client_id"), Some("abc"));
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
}
