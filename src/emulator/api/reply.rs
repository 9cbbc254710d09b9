//! The answers of the REST API and the headers they all have.
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LINK,
    LOCATION, VARY,
};
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::failure::{Errors, Failure};
use super::request::ApiRequest;
use crate::emulator::access_token;

/// What an operation that succeeds answers with.
pub(in crate::emulator) struct Success {
    status: StatusCode,
    body: String,
    caching: Caching,
    location: Option<String>,
    link: Option<String>,
}

/// How long an answer may be kept, as recorded answers of GitHub say.
enum Caching {
    None,
    /// Recorded on check-token: a shared cache would serve one app's answer to all.
    Public,
    /// With a strong `ETag` to ask again by.
    Private,
}

impl Success {
    /// Answers an app about a token.
    pub(in crate::emulator) fn about_token(body: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, json(body), Caching::Public)
    }

    /// Answers a user.
    pub(in crate::emulator) fn private(body: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, json(body), Caching::Private)
    }

    /// Answers with what may not be kept.
    pub(in crate::emulator) fn uncached(body: &impl Serialize) -> Self {
        Self::new(StatusCode::OK, json(body), Caching::None)
    }

    pub(in crate::emulator) fn created(location: String, body: &impl Serialize) -> Self {
        Self {
            location: Some(location),
            ..Self::new(StatusCode::CREATED, json(body), Caching::Private)
        }
    }

    pub(in crate::emulator) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, String::new(), Caching::None)
    }

    /// Says that the answer is somewhere else.
    pub(in crate::emulator) fn found(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::new(StatusCode::FOUND, String::new(), Caching::None)
        }
    }

    /// Points to the other pages of a list.
    pub(in crate::emulator) fn with_link(self, link: Option<String>) -> Self {
        Self { link, ..self }
    }

    fn new(status: StatusCode, body: String, caching: Caching) -> Self {
        Self {
            status,
            body,
            caching,
            location: None,
            link: None,
        }
    }
}

/// The body of a refusal, in GitHub's order.
#[derive(Serialize)]
struct BasicError {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Errors>,
    documentation_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

/// Answers a request that succeeded.
pub(in crate::emulator) fn success(
    request: &ApiRequest,
    success: Success,
) -> Response<Full<Bytes>> {
    let etag = success.etag();
    if let Some(etag) = etag.as_deref().filter(|etag| request.has_already(etag)) {
        let mut response = respond(request, StatusCode::NOT_MODIFIED, String::new());
        set_caching(response.headers_mut(), &success.caching, Some(etag));
        return response;
    }
    let mut response = respond(request, success.status, success.body);
    let headers = response.headers_mut();
    set_caching(headers, &success.caching, etag.as_deref());
    for (name, value) in [(LOCATION, success.location), (LINK, success.link)] {
        if let Some(value) = value {
            set(headers, name, &value);
        }
    }
    response
}

/// Answers a request that is refused.
pub(in crate::emulator) fn failure(
    request: &ApiRequest,
    failure: &Failure,
) -> Response<Full<Bytes>> {
    let version = request.version();
    let status = failure.status();
    let body = json(&BasicError {
        message: failure.message(),
        errors: failure.errors(version),
        documentation_url: failure.documentation_url(request.version(), request.operation()),
        status: version
            .has_status_member()
            .then(|| status.as_str().to_owned()),
    });
    let mut response = respond(request, status, body);
    let headers = response.headers_mut();
    set(headers, VARY, "Accept-Encoding, X-Requested-With");
    match failure {
        Failure::UnsupportedApiVersion(_) => {
            headers.remove(API_VERSION_SELECTED);
        }
        Failure::OtpRequired => set(headers, OTP, "required; app"),
        _ => {}
    }
    response
}

/// Answers a path outside the API, which the front end of a GHES refuses.
pub(in crate::emulator) fn not_acceptable() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
    set(response.headers_mut(), CONTENT_TYPE, "text/html");
    response
}

/// Returns a body with only the message of a status; empty if the status has no body.
pub(in crate::emulator) fn message(status: StatusCode) -> String {
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

pub(in crate::emulator) fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("the emulator's bodies have string keys only")
}

pub(in crate::emulator) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What a client or a world says may have a byte that no header has.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

impl Success {
    fn etag(&self) -> Option<String> {
        let hash = || access_token::hashed(&self.body);
        match self.caching {
            Caching::None => None,
            Caching::Public => Some(format!("W/\"{}\"", hash())),
            Caching::Private => Some(format!("\"{}\"", hash())),
        }
    }
}

impl ApiRequest {
    /// Says whether the client asks for what it does not have yet, and has this.
    fn has_already(&self, etag: &str) -> bool {
        let known = self
            .header(IF_NONE_MATCH)
            .filter(|_| *self.method() == Method::GET);
        known.is_some_and(|known| {
            known
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == "*" || one == etag)
        })
    }
}

fn respond(request: &ApiRequest, status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let has_body = !body.is_empty();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(16);
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    set(
        headers,
        ENTERPRISE_VERSION,
        &request.version().patch_release(),
    );
    headers.insert(
        MEDIA_TYPE,
        HeaderValue::from_static("github.v3; format=json"),
    );
    set(headers, REQUEST_ID, &request_id(request.number()));
    if let Some(api_version) = request.api_version() {
        headers.insert(API_VERSION_SELECTED, HeaderValue::from_static(api_version));
    }
    response
}

fn set_caching(headers: &mut HeaderMap, caching: &Caching, etag: Option<&str>) {
    let (cache_control, vary) = match caching {
        Caching::None => return,
        Caching::Public => (
            "public, max-age=60, s-maxage=60",
            "Accept, Accept-Encoding, X-Requested-With",
        ),
        Caching::Private => (
            "private, max-age=60, s-maxage=60",
            "Accept, Authorization, Cookie, X-GitHub-OTP",
        ),
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(VARY, HeaderValue::from_static(vary));
    if let Some(etag) = etag {
        set(headers, ETAG, etag);
    }
}

/// Numbers an answer in the form of a UUID, as a GHES does.
fn request_id(number: u64) -> String {
    format!("{:08x}-0000-4000-8000-{number:012x}", number & 0xffff_ffff)
}

pub(in crate::emulator) const JSON: &str = "application/json; charset=utf-8";

const API_VERSION_SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
const ENTERPRISE_VERSION: HeaderName = HeaderName::from_static("x-github-enterprise-version");
const MEDIA_TYPE: HeaderName = HeaderName::from_static("x-github-media-type");
const OTP: HeaderName = HeaderName::from_static(super::credentials::OTP);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-github-request-id");
