//! The protocols by which a request can come to the gate.

#[macro_use]
mod over;
mod answer;
mod ask;
pub(crate) mod frames;
mod front;
mod streams;

pub(crate) use self::answer::{Answer, End};
pub(crate) use self::ask::Ask;
pub(crate) use self::front::Front;
pub(crate) use self::streams::{Stream, certificate, tcp, tls_by, tls_client};

/// A way to the gate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carrier {
    Http1,
    Http1Tls,
    Http1Unix,
    /// HTTP/1.1 that asks to go on as a WebSocket.
    WebSocket,
    /// HTTP/2 without TLS, to which the client's first bytes belong (RFC 9113 §3.3).
    H2c,
    H2Tls,
}

impl Carrier {
    pub(crate) fn is_http_2(self) -> bool {
        matches!(self, Self::H2c | Self::H2Tls)
    }

    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Http1Tls | Self::H2Tls)
    }

    /// What TLS agrees on (RFC 7301 §6).
    pub(crate) fn alpn(self) -> &'static [u8] {
        if self.is_http_2() { b"h2" } else { b"http/1.1" }
    }

    pub(crate) fn scheme(self) -> &'static str {
        if self.is_encrypted() { "https" } else { "http" }
    }
}
