//! WebSockets (RFC 6455), which begin as a request and go on as something else.
//!
//! 1. The gate decides about the request like about any other. Nobody asks again: a token that is
//!    revoked later ends no WebSocket.
//! 2. `Connection` and `Upgrade` are ours on both sides; only a handshake that is one gets them.
//!    All other upgrades stay what the request is without them.
//! 3. Not a byte goes past the handshake before the upstream has agreed to it with 101.
//! 4. The connection is one of its own, and never comes into a pool.

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;

use super::failure::Failure;

/// Notes that a request wants to go on as a WebSocket; the fields that say so will be removed.
#[derive(Clone, Copy)]
struct Handshake;

/// Looks at a request as the client sent it (RFC 6455 §4.2.1).
pub(in crate::proxy) fn note_handshake<B: Body>(request: &mut Request<B>) {
    let is_handshake = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && only(request.headers(), &UPGRADE).is_some_and(is_websocket)
        && only(request.headers(), &SEC_WEBSOCKET_KEY).is_some()
        && only(request.headers(), &SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
        && lists_upgrade(request.headers());
    if is_handshake {
        request.extensions_mut().insert(Handshake);
    }
}

/// Tells whether the client wants a WebSocket.
pub(super) fn is_handshake<B>(request: &Request<B>) -> bool {
    request.extensions().get::<Handshake>().is_some()
}

/// Says on one hop what cannot be passed on from the other.
pub(super) fn ask_or_agree(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Tells whether the upstream agrees; if not, its response is one like any other.
pub(super) fn is_agreed<B>(response: &Response<B>) -> Result<bool, Failure> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(false);
    }
    let headers = response.headers();
    let is_answer = only(headers, &UPGRADE).is_some_and(is_websocket)
        && lists_upgrade(headers)
        && only(headers, &SEC_WEBSOCKET_ACCEPT).is_some();
    is_answer
        .then_some(true)
        .ok_or(Failure::Malformed("101 to something else than a WebSocket"))
}

fn is_websocket(protocol: &HeaderValue) -> bool {
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
}

fn lists_upgrade(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONNECTION).iter();
    let mut options = lines.flat_map(|line| line.as_bytes().split(|&b| b == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}
