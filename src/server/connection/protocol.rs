//! The protocol of a connection: from TLS, or from its first bytes, and never guessed.

use std::io::Result;

use tokio_rustls::server::TlsStream;

use crate::server::stream::BoxStream;
use crate::server::stream::preread::Preread;
use crate::server::tls::{ALPN_H2, Tls};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::server) enum Protocol {
    Http1,
    Http2,
    /// HTTP of any version without TLS, on a listener that speaks TLS.
    HttpToTls,
}

/// The protocol both sides agreed on (ALPN, RFC 7301); a client that names none speaks HTTP/1.
fn agreed(stream: TlsStream<BoxStream>) -> (BoxStream, Protocol) {
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(protocol) if protocol == ALPN_H2 => Protocol::Http2,
        _ => Protocol::Http1,
    };
    (Box::new(stream), protocol)
}

/// Begins TLS, unless the client begins with a method of HTTP. The first byte of TLS is the type of
/// a record (RFC 8446 §5.1), and none of those is a letter.
pub(in crate::server) async fn told_by_tls(
    tls: &Tls,
    stream: BoxStream,
) -> Result<(BoxStream, Protocol)> {
    let mut stream = Preread::new(stream, HELLO_BYTES);
    stream.read_on(HELLO_BYTES).await?;
    if stream.begun().first().is_some_and(u8::is_ascii_alphabetic) {
        return Ok((Box::new(stream), Protocol::HttpToTls));
    }
    let accepted = tls.accept(Box::new(stream)).await?;
    Ok(agreed(accepted))
}

/// Reads until it is clear whether the client begins with the preface of HTTP/2 (RFC 9113 §3.3).
pub(in crate::server) async fn told_by_preface(stream: BoxStream) -> Result<(BoxStream, Protocol)> {
    let mut stream = Preread::new(stream, PREFACE.len());
    while PREFACE.starts_with(stream.begun()) && stream.begun() != PREFACE {
        if !stream.read_on(PREFACE.len()).await? {
            break;
        }
    }
    let protocol = if stream.begun() == PREFACE {
        Protocol::Http2
    } else {
        Protocol::Http1
    };
    Ok((Box::new(stream), protocol))
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Most hellos are no longer, so reading them takes no more calls than without this check.
const HELLO_BYTES: usize = 2048;
