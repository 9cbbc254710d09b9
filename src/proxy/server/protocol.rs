//! Which protocol a connection speaks: told by TLS, or by its first bytes, and never guessed.

use std::io::{Cursor, Result};

use tokio::io::{AsyncReadExt, Chain, Join, ReadHalf, WriteHalf, join};
use tokio_rustls::server::TlsStream;

use super::stream::BoxStream;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// A stream whose first bytes have been looked at, and come again.
pub(super) type Preread = Join<Chain<Cursor<Vec<u8>>, ReadHalf<BoxStream>>, WriteHalf<BoxStream>>;

/// What both sides agreed on (ALPN, RFC 7301); a client that names nothing speaks HTTP/1.
pub(super) fn agreed(stream: TlsStream<BoxStream>) -> (BoxStream, Protocol) {
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(protocol) if protocol == ALPN_H2 => Protocol::Http2,
        _ => Protocol::Http1,
    };
    (Box::new(stream), protocol)
}

/// Reads until it is clear whether the client begins with the preface of HTTP/2 (RFC 9113 §3.3).
pub(super) async fn told_by_preface(mut stream: BoxStream) -> Result<(BoxStream, Protocol)> {
    let mut begun = Vec::with_capacity(PREFACE.len());
    while PREFACE.starts_with(&begun) && begun.len() < PREFACE.len() {
        let missing = (PREFACE.len() - begun.len()) as u64;
        if (&mut stream).take(missing).read_buf(&mut begun).await? == 0 {
            break;
        }
    }
    let protocol = if begun == PREFACE {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    let (reader, writer) = tokio::io::split(stream);
    let again = Cursor::new(begun).chain(reader);
    Ok((Box::new(join(again, writer)), protocol))
}

/// RFC 7301 §6, RFC 9113 §3.1.
pub(super) const ALPN_H2: &[u8] = b"h2";
pub(super) const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
