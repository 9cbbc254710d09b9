//! What a client of gRPC is told instead of a problem.
//!
//! It takes every body for messages, whatever the status, so that a problem in JSON would be a
//! broken message to it. A status of gRPC in the head is understood by all, and the status of HTTP
//! stays beside it for those in between.

use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::Rejection;

/// Tells whether a request is a call of gRPC: `application/grpc`, or that with `+` and a format.
/// gRPC-Web, which puts its status into bodies, is something else.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let format = media_type.and_then(|media_type| {
        let (name, format) = media_type.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME).then_some(format)
    });
    format.is_some_and(|format| matches!(format.first(), None | Some(b'+' | b';' | b' ')))
}

/// Says in terms of gRPC why a request was turned away. Leaves every other response as it is.
pub(crate) fn with_status<B>(mut response: Response<B>) -> Response<B> {
    let Some(rejection) = response.extensions().get::<Rejection>() else {
        return response;
    };
    // Visible ASCII without a percent sign, as which it needs no encoding.
    let message = HeaderValue::from_str(&rejection.to_string());
    let code = HeaderValue::from(rejection.kind.row().grpc);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, code);
    if let Ok(message) = message {
        headers.insert(HeaderName::from_static("grpc-message"), message);
    }
    response
}

// As clients map the status of HTTP themselves where they get none of gRPC
// (`http-grpc-status-mapping.md`).
pub(super) const INTERNAL: u16 = 13;
pub(super) const PERMISSION_DENIED: u16 = 7;
pub(super) const UNAUTHENTICATED: u16 = 16;
pub(super) const UNAVAILABLE: u16 = 14;
pub(super) const UNIMPLEMENTED: u16 = 12;
pub(super) const UNKNOWN: u16 = 2;

pub(super) const STATUS: HeaderName = HeaderName::from_static("grpc-status");

const NAME: &[u8] = b"application/grpc";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::{Realm, RejectionKind};

    #[test]
    fn a_call_is_told_by_its_media_type() {
        for (media_type, expected) in [
            ("application/grpc", true),
            ("Application/GRPC+proto", true),
            ("application/grpc; x=y", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
            ("application", false),
        ] {
            let media_type = HeaderValue::from_static(media_type);
            let headers = [(CONTENT_TYPE, media_type)].into_iter().collect();
            assert_eq!(is_call(&headers), expected, "{headers:?}");
        }
        assert!(!is_call(&HeaderMap::new()));
    }

    /// `http-grpc-status-mapping.md`.
    #[test]
    fn a_status_is_what_clients_make_of_the_status_of_http() {
        for kind in RejectionKind::ALL {
            let expected = match kind.row().status.as_u16() {
                400 => INTERNAL,
                401 => UNAUTHENTICATED,
                403 => PERMISSION_DENIED,
                404 => UNIMPLEMENTED,
                429 | 502 | 503 | 504 => UNAVAILABLE,
                _ => UNKNOWN,
            };
            assert_eq!(kind.row().grpc, expected, "{kind:?}");
        }
    }

    #[test]
    fn every_rejection_has_a_status_and_a_message() {
        for kind in RejectionKind::ALL {
            let response: Response<()> = Rejection::new(kind).into_response(&Realm::default());
            let status = response.status();
            let response = with_status(response);
            assert_eq!(response.status(), status);
            assert_ne!(response.headers()["grpc-status"], "0");
            let message = response.headers()["grpc-message"].to_str().unwrap();
            assert!(!message.is_empty() && !message.contains('%'), "{message}");
        }
    }
}
