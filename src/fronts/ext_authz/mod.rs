//! Envoy's `ext_authz` over gRPC: the whole request in a message, and the whole answer in another.
//!
//! 1. Whatever is refused is an answer that refuses (`denied_response`), outages and requests that
//!    cannot be read among them. An error of gRPC would let everybody in where a filter has
//!    `failure_mode_allow`.
//! 2. Envoy names its peer beside `X-Forwarded-For`, in which a client may have written anything. So
//!    the peer is the last in what is read of it.

pub(crate) mod call;
pub(crate) mod messages;
#[cfg(test)]
mod tests;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

use self::messages::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderValueOption,
    HttpRequest, HttpResponse, HttpStatus, OkHttpResponse, Peer, Status,
};
use super::{Held, Question, scheme, target};
use crate::hygiene::names::X_FORWARDED_FOR;

/// The path of the call.
pub(crate) const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

impl CheckRequest {
    /// Reads which request is asked about; none if it is none.
    pub(crate) fn question(self) -> Option<Question> {
        let AttributeContext { source, request } = self.attributes?;
        let http = request?.http?;
        let has_body = http.size > 0;
        let mut headers = headers(&http)?;
        tell_peer(&mut headers, source);
        let held = Held {
            method: Some(Method::from_bytes(http.method.as_bytes()).ok()?),
            scheme: scheme(&http.scheme),
            host: HeaderValue::try_from(http.host).ok()?,
            target: target(http.path.as_bytes())?,
        };
        let question = held.into_question(headers);
        Some(Question {
            has_body: has_body || question.has_body,
            ..question
        })
    }
}

/// Reads the client's fields, in whichever form; in both at once, each could be another request's.
/// Names of HTTP/2's own (RFC 9113 §8.3) begin with a
/// colon, and are said in other places.
fn headers(http: &HttpRequest) -> Option<HeaderMap> {
    let is_raw = http.header_map.is_some();
    if is_raw && !http.headers.is_empty() {
        return None;
    }
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &[u8]| {
        if !name.starts_with(':') {
            let name = HeaderName::try_from(name).ok()?;
            headers.append(name, HeaderValue::from_bytes(value).ok()?);
        }
        Some(())
    };
    for (name, value) in &http.headers {
        add(name, value.as_bytes())?;
    }
    for line in http.header_map.iter().flat_map(|map| &map.headers) {
        let is_raw = !line.raw_value.is_empty();
        let value = if is_raw {
            &line.raw_value
        } else {
            line.value.as_bytes()
        };
        add(&line.key, value)?;
    }
    Some(headers)
}

/// Adds Envoy's peer behind the addresses that are told, unless Envoy has done so.
fn tell_peer(headers: &mut HeaderMap, source: Option<Peer>) {
    let address = source.and_then(|peer| peer.address?.socket_address);
    let Some(address) = address.map(|socket| socket.address) else {
        return;
    };
    let mut lines = headers.get_all(&X_FORWARDED_FOR).iter();
    let last = lines
        .next_back()
        .and_then(|line| line.to_str().ok()?.rsplit(',').next());
    if last.is_none_or(|last| last.trim() != address)
        && let Ok(address) = HeaderValue::try_from(address)
    {
        headers.append(X_FORWARDED_FOR.clone(), address);
    }
}

impl CheckResponse {
    /// Lets a request pass with these fields in place of the client's own, and without those of
    /// `removed`. Envoy adds no field that is empty, so that is one to be removed.
    pub(crate) fn admitted(told: &HeaderMap, removed: &[HeaderName]) -> Self {
        let (empty, told): (Vec<_>, Vec<_>) = told.iter().partition(|(_, value)| value.is_empty());
        let empty = empty.into_iter().map(|(name, _)| name);
        let names = removed.iter().chain(empty).map(ToString::to_string);
        Self {
            status: Some(Status { code: OK }),
            http_response: Some(HttpResponse::Ok(OkHttpResponse {
                headers: fields(told),
                headers_to_remove: names.collect(),
            })),
        }
    }

    /// Answers a client with this in place of its tool.
    pub(crate) fn denied(response: &Response<impl AsRef<[u8]>>) -> Self {
        let code = match response.status() {
            StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
            _ => PERMISSION_DENIED,
        };
        Self {
            status: Some(Status { code }),
            http_response: Some(HttpResponse::Denied(DeniedHttpResponse {
                status: Some(HttpStatus {
                    code: response.status().as_u16().into(),
                }),
                headers: fields(response.headers()),
                body: String::from_utf8_lossy(response.body().as_ref()).into_owned(),
            })),
        }
    }
}

/// Replaces what the other side has under each name by all that is under it here. A map gives all
/// lines of a name in a row.
fn fields<'h>(
    headers: impl IntoIterator<Item = (&'h HeaderName, &'h HeaderValue)>,
) -> Vec<HeaderValueOption> {
    let mut before = None;
    let fields = headers.into_iter().map(|(name, value)| HeaderValueOption {
        header: Some(messages::HeaderValue {
            key: name.to_string(),
            // Envoy looks at no other form here. Identities and rejections are ASCII.
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            raw_value: Vec::new(),
        }),
        append_action: match before.replace(name) {
            Some(before) if before == name => APPEND_IF_EXISTS_OR_ADD,
            _ => OVERWRITE_IF_EXISTS_OR_ADD,
        },
    });
    fields.collect()
}

// `envoy/config/core/v3/base.proto`.
const APPEND_IF_EXISTS_OR_ADD: i32 = 0;
const OVERWRITE_IF_EXISTS_OR_ADD: i32 = 2;

// `google/rpc/code.proto`.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;
