use std::fmt;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

/// Why an endpoint of our own refuses a request (RFC 9457, without a type).
///
/// The detail never quotes the request: it may have a token in the wrong place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: &'static str,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
}

impl Problem {
    pub(crate) const fn new(status: StatusCode, detail: &'static str) -> Self {
        Self {
            status,
            detail,
            allow: None,
            challenge: None,
        }
    }

    /// The endpoint has other methods, which RFC 9110 §15.5.6 requires in `Allow`.
    pub(crate) const fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this endpoint has other methods; see Allow",
            )
        }
    }

    /// The caller has not proved who it is, which RFC 9110 §15.5.2 wants said by a `challenge`.
    #[cfg(feature = "proxy")]
    pub(crate) const fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, detail)
        }
    }

    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let body = ProblemDetails {
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut response = json(self.status, &body);
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail)
    }
}

#[derive(Serialize)]
struct ProblemDetails {
    title: &'static str,
    status: u16,
    detail: &'static str,
}

/// A response of an endpoint of our own, which must not be cached.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    // Words and numbers always serialise; a failure is not worth a panic.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = empty(status).map(|_| Full::from(body));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A response with a status only.
pub(crate) fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::default();
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
