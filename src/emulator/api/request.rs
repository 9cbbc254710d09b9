//! A request to the REST API.
use bytes::Bytes;
use http::header::{AsHeaderName, HOST, HeaderMap};
use http::request::Parts;
use http::{Method, Uri};

use super::failure::Failure;
use super::operation::Operation;
use crate::emulator::routes::{Match, PathParameters};
use crate::emulator::version::Version;

/// A request to the REST API, read to its end; no `Debug`, for it holds credentials.
pub(in crate::emulator) struct ApiRequest {
    version: Version,
    number: u64,
    found: Option<Match>,
    head: Parts,
    host: String,
    /// Absent if it was too large.
    body: Option<Bytes>,
}

impl ApiRequest {
    pub(in crate::emulator) fn new(
        version: Version,
        number: u64,
        found: Option<Match>,
        head: Parts,
        body: Option<Bytes>,
    ) -> Self {
        let host = host(&head.headers, &head.uri).to_owned();
        Self {
            version,
            number,
            found,
            head,
            host,
            body,
        }
    }

    pub(in crate::emulator) fn version(&self) -> Version {
        self.version
    }

    /// Returns the request's number among all, from 1.
    pub(in crate::emulator) fn number(&self) -> u64 {
        self.number
    }

    pub(in crate::emulator) fn operation(&self) -> Option<Operation> {
        self.found.as_ref().map(|found| found.operation)
    }

    pub(in crate::emulator) fn parameters(&self) -> Option<&PathParameters> {
        self.found.as_ref().map(|found| &found.parameters)
    }

    pub(in crate::emulator) fn method(&self) -> &Method {
        &self.head.method
    }

    pub(in crate::emulator) fn path(&self) -> &str {
        self.head.uri.path()
    }

    pub(in crate::emulator) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    pub(in crate::emulator) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// Returns the name under which the client reached us, for the URLs of the answer.
    pub(in crate::emulator) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the URL of a path below `/api/v3`.
    pub(in crate::emulator) fn url(&self, path: &str) -> String {
        format!("http://{}/api/v3{path}", self.host)
    }

    /// Returns the query as names and values.
    pub(in crate::emulator) fn query(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.head.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned()
    }

    pub(in crate::emulator) fn body(&self) -> Result<&Bytes, Failure> {
        self.body.as_ref().ok_or(Failure::BodyTooLarge)
    }

    /// Returns the API version of the answer, or `None` if the release has no such thing.
    pub(in crate::emulator) fn api_version(&self) -> Option<&'static str> {
        let asked = self
            .headers()
            .get(API_VERSION)
            .map(|value| value.as_bytes());
        let named = |version: &&&str| Some(version.as_bytes()) == asked;
        self.version
            .api_versions()
            .iter()
            .find(named)
            .copied()
            .or_else(|| self.version.default_api_version())
    }

    pub(in crate::emulator) fn check_api_version(&self) -> Result<(), Failure> {
        let supported = self.version.api_versions();
        let Some(asked) = self.headers().get(API_VERSION) else {
            return Ok(());
        };
        let asked = String::from_utf8_lossy(asked.as_bytes());
        if supported.is_empty() || supported.contains(&&*asked) {
            return Ok(());
        }
        Err(Failure::UnsupportedApiVersion(asked.into_owned()))
    }
}

/// Returns the name under which a client reached us.
pub(in crate::emulator) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    let header = || headers.get(HOST).and_then(|value| value.to_str().ok());
    // HTTP/2 has the name in the target instead.
    uri.authority()
        .map(|authority| authority.as_str())
        .or_else(header)
        .unwrap_or("localhost")
}

const API_VERSION: &str = "x-github-api-version";
