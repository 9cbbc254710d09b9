pub(super) mod lingering;
pub(super) mod preread;
pub(super) mod watched;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// The bytes of one connection, whatever carries them.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Lets the connection end with a reset, if what carries it knows such a thing.
    fn reset_when_dropped(&self) {}
}

/// One indirection for each read and write, so that nothing above is compiled once for TCP, once
/// for Unix sockets and again for TLS over each.
pub(super) type BoxStream = Box<dyn Stream>;

impl Stream for TcpStream {
    fn reset_when_dropped(&self) {
        // What cannot be reset ends like any other.
        let _ = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Stream for UnixStream {}

impl Stream for TlsStream<BoxStream> {}

#[cfg(test)]
impl Stream for tokio::io::DuplexStream {}
