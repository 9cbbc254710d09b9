pub(super) mod lingering;
pub(super) mod preread;
pub(super) mod watched;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// The bytes of one connection, over any transport.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Makes the connection end with a reset when dropped, if the transport has resets.
    fn reset_when_dropped(&self) {}
}

/// One indirection for each read and write, so that the layers above are not compiled once for TCP,
/// once for Unix sockets and again for TLS over each.
pub(super) type BoxStream = Box<dyn Stream>;

impl Stream for TcpStream {
    fn reset_when_dropped(&self) {
        // A socket that cannot be reset closes normally.
        let _ = socket2::SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Stream for UnixStream {}

impl Stream for TlsStream<BoxStream> {}

#[cfg(test)]
impl Stream for tokio::io::DuplexStream {}
