//! The answers of the REST API: the headers of all and the bodies of the refusals.
use std::fmt::Write;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, VARY};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::access_token;
use super::routes::ApiRequest;
use super::version::Version;

/// A reason of the REST API to refuse a request.
#[derive(Debug)]
pub(super) enum Failure {
    /// The header `X-GitHub-Api-Version` has this value, which the release does not know.
    UnsupportedApiVersion(String),
    ProblemsParsingJson,
    BodyIsNoObject,
    BadCredentials,
    NotFound,
    BodyTooLarge,
    /// The body breaks the operation's schema so.
    InvalidRequest(String),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnsupportedApiVersion(_) | Self::ProblemsParsingJson | Self::BodyIsNoObject => {
                StatusCode::BAD_REQUEST
            }
            Self::BadCredentials => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::UnsupportedApiVersion(_) => "Bad Request".to_owned(),
            Self::ProblemsParsingJson => "Problems parsing JSON".to_owned(),
            Self::BodyIsNoObject => "Body should be a JSON object".to_owned(),
            Self::BadCredentials => "Bad credentials".to_owned(),
            Self::NotFound => "Not Found".to_owned(),
            Self::BodyTooLarge => "Payload Too Large".to_owned(),
            Self::InvalidRequest(detail) => format!("Invalid request.\n\n{detail}"),
        }
    }

    /// Returns the member `errors`, which GitHub makes a string here and an array elsewhere.
    fn errors(&self, version: Version) -> Option<String> {
        let Self::UnsupportedApiVersion(asked) = self else {
            return None;
        };
        Some(format!(
            "The version you specified in the \"X-GitHub-API-Version\" request header, \"{asked}\", \
             is not a supported version. The following versions are currently supported: {}.",
            supported(version.api_versions()),
        ))
    }

    fn documentation_url(&self, request: &ApiRequest) -> String {
        let about_the_operation =
            !matches!(self, Self::BadCredentials | Self::UnsupportedApiVersion(_));
        match request.operation() {
            Some(operation) if about_the_operation => {
                request.version().documentation_url(operation)
            }
            _ => request.version().documentation_root(),
        }
    }
}

/// The body of a refusal, in GitHub's order.
#[derive(Serialize)]
struct BasicError {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<String>,
    documentation_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// Answers a request that succeeded.
pub(super) fn ok(request: &ApiRequest, body: String) -> Response<Full<Bytes>> {
    let etag = format!("W/\"{}\"", access_token::hashed(&body));
    let mut response = respond(request, StatusCode::OK, body);
    let headers = response.headers_mut();
    // Recorded on check-token: a shared cache would serve one app's answer to all.
    set(headers, CACHE_CONTROL, "public, max-age=60, s-maxage=60");
    set(headers, ETAG, &etag);
    set(headers, VARY, "Accept, Accept-Encoding, X-Requested-With");
    select_api_version(headers, request);
    response
}

/// Answers a request that is refused.
pub(super) fn failure(request: &ApiRequest, failure: &Failure) -> Response<Full<Bytes>> {
    let version = request.version();
    let status = failure.status();
    let body = json(&BasicError {
        message: failure.message(),
        errors: failure.errors(version),
        documentation_url: failure.documentation_url(request),
        status: version
            .has_status_member()
            .then(|| status.as_str().to_owned()),
    });
    let mut response = respond(request, status, body);
    let headers = response.headers_mut();
    set(headers, VARY, "Accept-Encoding, X-Requested-With");
    if !matches!(failure, Failure::UnsupportedApiVersion(_)) {
        select_api_version(headers, request);
    }
    response
}

/// Answers a path outside the API, which the front end of a GHES refuses.
pub(super) fn not_acceptable() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    set(response.headers_mut(), CONTENT_TYPE, "text/html");
    response
}

/// Returns a body whose only member is the message of a status; empty if the status has no body.
pub(super) fn message(status: StatusCode) -> String {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return String::new();
    }
    #[derive(Serialize)]
    struct Message {
        message: &'static str,
    }
    let message = status.canonical_reason().unwrap_or("Unknown");
    json(&Message { message })
}

pub(super) fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("the emulator's bodies have string keys only")
}

fn respond(request: &ApiRequest, status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set(headers, CONTENT_TYPE, JSON);
    set(
        headers,
        ENTERPRISE_VERSION,
        &request.version().patch_release(),
    );
    set(headers, MEDIA_TYPE, "github.v3; format=json");
    set(headers, REQUEST_ID, &request_id(request.number()));
    response
}

fn select_api_version(headers: &mut HeaderMap, request: &ApiRequest) {
    if let Some(api_version) = request.api_version() {
        set(headers, API_VERSION_SELECTED, api_version);
    }
}

/// Numbers an answer in the form of a UUID, as a GHES does.
fn request_id(number: u64) -> String {
    format!("{:08x}-0000-4000-8000-{number:012x}", number & 0xffff_ffff)
}

fn supported(api_versions: &[&str]) -> String {
    let mut text = String::new();
    for (index, api_version) in api_versions.iter().enumerate() {
        let (before, after) = if index == 0 {
            ("", " (most recent)")
        } else {
            (" and ", "")
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{before}\"{api_version}\"{after}");
    }
    text
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("the emulator's header values are ASCII");
    headers.insert(name, value);
}

pub(super) const JSON: &str = "application/json; charset=utf-8";

const API_VERSION_SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
const ENTERPRISE_VERSION: HeaderName = HeaderName::from_static("x-github-enterprise-version");
const MEDIA_TYPE: HeaderName = HeaderName::from_static("x-github-media-type");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-github-request-id");
