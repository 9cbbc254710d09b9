//! WebSockets (RFC 6455), which begin as a request and continue in another protocol.
//!
//! 1. The gate decides about the request like about any other, and only once: a token that is
//!    revoked later ends no WebSocket.
//! 2. `Connection` and `Upgrade` are set by us on both sides, and only for a valid handshake. A
//!    request for another upgrade is forwarded without it.
//! 3. No byte passes after the handshake before the upstream has agreed to it with 101.
//! 4. The connection is one of its own, and never enters a pool.
//! 5. The subprotocol that is answered to a client whose token stood among its subprotocols is one
//!    that the upstream was offered, or the marker beside the token.
//! 6. All that holds over HTTP/2 as well, where the request is an extended CONNECT (RFC 8441 §5).
//!    The upstream gets the handshake of HTTP/1.1 with a key of ours. A success other than 101 is
//!    refused: the client would read it as an open WebSocket.

use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use sha1::{Digest as _, Sha1};

use super::failure::Failure;
use crate::hygiene::hop_by_hop::strip_response;
use crate::server::{CountedRequest, TunnelUnderWay};

/// Marks a request for a WebSocket; the fields of the handshake will be removed.
#[derive(Clone, Default)]
struct IsHandshake {
    /// The WebSocket's place in its client's count.
    counted: Option<CountedRequest>,
    /// What was offered, where a token was among it.
    offered: Option<Box<Offered>>,
}

/// The subprotocols of a client without the token that was among them.
#[derive(Clone)]
struct Offered {
    names: Vec<Box<str>>,
    /// Answered where the upstream chooses none of these.
    marker: Option<HeaderValue>,
}

/// Checks a request as the client sent it (RFC 6455 §4.2.1, RFC 8441 §5). The upstream checks the
/// rest of a handshake over HTTP/2, which it gets as a handshake in any case.
pub(crate) fn note_handshake<B: Body>(request: &mut Request<B>) {
    if is_upgrade(request) || is_connect(request) {
        request.extensions_mut().insert(IsHandshake::default());
    }
}

/// Counts a request's WebSocket for as long as it lives, like the request.
pub(crate) fn count_tunnel<B>(request: &mut Request<B>, counted: Option<&CountedRequest>) {
    if let Some(handshake) = request.extensions_mut().get_mut::<IsHandshake>() {
        handshake.counted = counted.cloned();
    }
}

/// Returns whether a request was [noted](note_handshake) as one for a WebSocket.
pub(crate) fn is_handshake<B>(request: &Request<B>) -> bool {
    request.extensions().get::<IsHandshake>().is_some()
}

/// Notes what a client offered beside a token, and what it is answered where the upstream chooses
/// none of it.
pub(crate) fn note_offer<B>(
    request: &mut Request<B>,
    names: Vec<Box<str>>,
    marker: Option<HeaderValue>,
) {
    if let Some(handshake) = request.extensions_mut().get_mut::<IsHandshake>() {
        handshake.offered = Some(Box::new(Offered { names, marker }));
    }
}

/// Returns whether the request can only become a WebSocket. The request gate admits no other
/// CONNECT.
pub(super) fn is_connect<B>(request: &Request<B>) -> bool {
    request.method() == Method::CONNECT
}

fn is_upgrade<B: Body>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && only(request.headers(), &UPGRADE).is_some_and(is_websocket)
        && only(request.headers(), &SEC_WEBSOCKET_KEY).is_some()
        && only(request.headers(), &SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13")
        && lists_upgrade(request.headers())
}

/// A WebSocket that the upstream has not agreed to yet.
pub(super) struct Handshake {
    client: OnUpgrade,
    /// Ours, for a client that has none. Other clients check the answer to their own key.
    key: Option<HeaderValue>,
    under_way: Option<TunnelUnderWay>,
    counted: Option<CountedRequest>,
    offered: Option<Box<Offered>>,
}

impl Handshake {
    /// Takes the client's connection or stream; none if the request is no WebSocket handshake.
    pub(super) fn of<B>(request: &mut Request<B>) -> Option<Self> {
        let IsHandshake { counted, offered } = request.extensions_mut().remove()?;
        Some(Self {
            key: is_connect(request).then(random_key),
            under_way: request.extensions_mut().remove(),
            client: hyper::upgrade::on(request),
            counted,
            offered,
        })
    }

    /// Adds the handshake's fields that cannot be passed on from the client.
    pub(super) fn ask<B>(&self, request: &mut Request<B>) {
        if let Some(key) = &self.key {
            *request.method_mut() = Method::GET;
            request.headers_mut().insert(SEC_WEBSOCKET_KEY, key.clone());
        }
        say_upgrade(request.headers_mut());
    }

    /// Returns whether the upstream agrees; if not, its response is an ordinary one.
    pub(super) fn is_agreed<B>(&self, response: &Response<B>) -> Result<bool, Failure> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let is_taken_for_one = self.key.is_some() && response.status().is_success();
            return match is_taken_for_one {
                true => Err(Failure::Malformed("a success instead of a WebSocket")),
                false => Ok(false),
            };
        }
        let headers = response.headers();
        let is_for_key = |accept: &HeaderValue| {
            self.key
                .as_ref()
                .is_none_or(|key| *accept == answer_to(key))
        };
        let is_answer = only(headers, &UPGRADE).is_some_and(is_websocket)
            && lists_upgrade(headers)
            && only(headers, &SEC_WEBSOCKET_ACCEPT).is_some_and(is_for_key);
        is_answer
            .then_some(true)
            .ok_or(Failure::Malformed("101 to something else than a WebSocket"))
    }

    /// Tells the client that the upstream agrees.
    pub(super) fn agree<B>(&self, response: &mut Response<B>) {
        strip_response(response.headers_mut());
        response.headers_mut().remove(CONTENT_LENGTH);
        if let Some(offered) = &self.offered {
            offered.answer(response.headers_mut());
        }
        if self.key.is_some() {
            *response.status_mut() = StatusCode::OK;
            response.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
        } else {
            say_upgrade(response.headers_mut());
        }
    }

    /// Returns the client's side, and the values to hold while it is open.
    pub(super) fn into_client(self) -> (OnUpgrade, impl Send + 'static) {
        (self.client, (self.under_way, self.counted))
    }
}

impl Offered {
    /// Leaves a choice of the upstream's that the client can take: it fails at any other
    /// (RFC 6455 §4.1), and where it is answered none, as browsers do.
    fn answer(&self, headers: &mut HeaderMap) {
        let chosen = only(headers, &SEC_WEBSOCKET_PROTOCOL);
        let mut names = self.names.iter();
        if chosen.is_some_and(|chosen| names.any(|name| *chosen == **name)) {
            return;
        }
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        if let Some(marker) = &self.marker {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, marker.clone());
        }
    }
}

fn say_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// RFC 6455 §4.1: 16 bytes that were not used before. The standard library seeds its hashers from
/// the system's random numbers.
fn random_key() -> HeaderValue {
    let random = RandomState::new();
    let bytes = [random.hash_one(0), random.hash_one(1)].map(u64::to_ne_bytes);
    base64(bytes.as_flattened())
}

/// RFC 6455 §4.2.2.
fn answer_to(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    base64(&digest)
}

fn base64(bytes: &[u8]) -> HeaderValue {
    let text = BASE64_STANDARD.encode(bytes);
    HeaderValue::try_from(text).expect("base64 is visible ASCII")
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

/// RFC 6455 §1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_the_one_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(answer_to(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn no_two_keys_are_alike() {
        let (one, other) = (random_key(), random_key());
        assert_ne!(one, other);
        assert_eq!(one.len(), 24);
    }
}
