//! What becomes of a request, as upstream and client see it.

use http::header::{
    ALLOW, AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Request, Response};

use super::trace::{Decision, Forwarded, HeaderTrace, Rejected};
use crate::assertion;
use crate::proxy::rules::assertion::UpstreamAssertion;
use crate::rejection::Rejection;

/// What differs from request to request: whence it came, and what it is called.
const OF_EACH_REQUEST: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// Holds what the upstream would get against what `came`.
pub(super) fn forwarded<B>(
    came: &HeaderMap,
    request: &Request<B>,
    assertion: Option<&UpstreamAssertion>,
) -> Decision {
    let goes = request.headers();
    let assertion = assertion.and_then(|assertion| assertion.claims(request));
    let changed = goes
        .iter()
        .filter(|(name, _)| came.get(*name) != goes.get(*name));
    let mut set: Vec<_> = changed.map(|(name, value)| shown(name, value)).collect();
    if assertion.is_some() {
        set.push(hidden(&assertion::HEADER));
    }
    set.sort_by(|one, other| one.name.cmp(&other.name));
    // The host is said anew, by where the request is sent.
    let gone = came
        .keys()
        .filter(|name| **name != HOST && !goes.contains_key(*name));
    Decision::Forwarded(Forwarded {
        path: request.uri().path().to_owned(),
        set,
        removed: gone.map(ToString::to_string).collect(),
        forwards_token: goes.contains_key(AUTHORIZATION),
        assertion,
    })
}

fn shown(name: &HeaderName, value: &HeaderValue) -> HeaderTrace {
    if value.is_sensitive() || OF_EACH_REQUEST.contains(&name.as_str()) {
        return hidden(name);
    }
    HeaderTrace {
        name: name.to_string(),
        value: Some(text(value)),
    }
}

fn hidden(name: &HeaderName) -> HeaderTrace {
    HeaderTrace {
        name: name.to_string(),
        value: None,
    }
}

pub(super) fn rejected<B>(response: &Response<B>) -> Decision {
    Decision::Rejected(told(response))
}

/// What the client is told.
pub(super) fn told<B>(response: &Response<B>) -> Rejected {
    let headers = response.headers();
    let rejection = response.extensions().get::<Rejection>();
    Rejected {
        status: response.status().as_u16(),
        reason: rejection.map_or("", |rejection| rejection.kind().as_str()),
        detail: rejection.map(ToString::to_string).unwrap_or_default(),
        challenge: challenges(headers),
        retry_after: headers
            .get(RETRY_AFTER)
            .and_then(|seconds| seconds.to_str().ok()?.parse().ok()),
        allow: headers.get(ALLOW).map(text),
    }
}

/// All of them in one line, as RFC 9110 §5.3 allows.
fn challenges(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers.get_all(WWW_AUTHENTICATE).iter().map(text).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_not_shown() {
        let name = HeaderName::from_static("x-any");
        let mut value = HeaderValue::from_static("value");
        assert_eq!(shown(&name, &value).value.as_deref(), Some("value"));
        value.set_sensitive(true);
        assert_eq!(shown(&name, &value).value, None);
    }
}
