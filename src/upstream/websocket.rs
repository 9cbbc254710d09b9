//! WebSockets (RFC 6455), which begin as a request and go on as something else.
//!
//! 1. The gate decides about the request like about any other. Nobody asks again: a token that is
//!    revoked later ends no WebSocket.
//! 2. `Connection` and `Upgrade` are ours on both sides; only a handshake that is one gets them.
//!    All other upgrades stay what the request is without them.
//! 3. Not a byte goes past the handshake before the upstream has agreed to it with 101.
//! 4. The connection is one of its own, and never comes into a pool.
//! 5. Over HTTP/2, where the request is an extended CONNECT (RFC 8441 §5), all that holds as well.
//!    The upstream gets the handshake of HTTP/1.1 with a key of ours, and any success but 101 is
//!    none: to the client it would say that the stream is a WebSocket from now on.

use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::upgrade::OnUpgrade;
use sha1::{Digest as _, Sha1};

use super::failure::Failure;
use crate::hygiene::hop_by_hop::strip_response;
use crate::server::{CountedRequest, TunnelUnderWay};

/// Notes that a request wants to go on as a WebSocket; the fields that say so will be removed.
#[derive(Clone, Default)]
struct IsHandshake {
    /// The WebSocket's place among what its client has under way.
    counted: Option<CountedRequest>,
}

/// Looks at a request as the client sent it (RFC 6455 §4.2.1, RFC 8441 §5). What else a handshake
/// over HTTP/2 needs is up to the upstream, which gets it as a handshake in any case.
pub(crate) fn note_handshake<B: Body>(request: &mut Request<B>) {
    if is_upgrade(request) || is_connect(request) {
        request.extensions_mut().insert(IsHandshake::default());
    }
}

/// Lets a WebSocket that comes of a request count for as long as it lives, as the request does.
pub(crate) fn count_tunnel<B>(request: &mut Request<B>, counted: Option<&CountedRequest>) {
    if let Some(handshake) = request.extensions_mut().get_mut::<IsHandshake>() {
        handshake.counted = counted.cloned();
    }
}

/// Tells whether nothing but a WebSocket can come of it. The request gate lets no other CONNECT in.
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

/// A WebSocket that a client wants, and that the upstream has not agreed to yet.
pub(super) struct Handshake {
    client: OnUpgrade,
    /// Ours, for a client that has none. Others check for themselves what is said to theirs.
    key: Option<HeaderValue>,
    under_way: Option<TunnelUnderWay>,
    counted: Option<CountedRequest>,
}

impl Handshake {
    /// Takes the client's connection or stream; none if the request wants no WebSocket.
    pub(super) fn of<B>(request: &mut Request<B>) -> Option<Self> {
        let IsHandshake { counted } = request.extensions_mut().remove()?;
        Some(Self {
            key: is_connect(request).then(random_key),
            under_way: request.extensions_mut().remove(),
            client: hyper::upgrade::on(request),
            counted,
        })
    }

    /// Says to the upstream what cannot be passed on from the client.
    pub(super) fn ask<B>(&self, request: &mut Request<B>) {
        if let Some(key) = &self.key {
            *request.method_mut() = Method::GET;
            request.headers_mut().insert(SEC_WEBSOCKET_KEY, key.clone());
        }
        say_upgrade(request.headers_mut());
    }

    /// Tells whether the upstream agrees; if not, its response is one like any other.
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

    /// Says to the client that the upstream agrees.
    pub(super) fn agree<B>(&self, response: &mut Response<B>) {
        strip_response(response.headers_mut());
        response.headers_mut().remove(CONTENT_LENGTH);
        if self.key.is_some() {
            *response.status_mut() = StatusCode::OK;
            response.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
        } else {
            say_upgrade(response.headers_mut());
        }
    }

    /// Returns the client's side, and what is to be held for as long as it is open.
    pub(super) fn into_client(self) -> (OnUpgrade, impl Send + 'static) {
        (self.client, (self.under_way, self.counted))
    }
}

fn say_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// RFC 6455 §4.1: 16 bytes that nobody has used before. The standard library seeds its hashers from
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
