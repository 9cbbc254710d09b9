pub(super) mod lingering;
pub(super) mod preread;
pub(super) mod watched;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::listener::socket::Socket;
use super::uptake::Uptake;

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

impl<S: Stream> Stream for Socket<S> {}

impl Stream for TlsStream<BoxStream> {}

#[cfg(test)]
impl Stream for tokio::io::DuplexStream {}

/// A connection of a client that no runtime waits for yet.
pub(super) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    /// Lets the current runtime wait for its bytes; `uptake` will tell whether the client takes
    /// what is written.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no room for one more.
    pub(super) fn open(self, uptake: Uptake) -> io::Result<BoxStream> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                // Responses are written whole, so there is nothing that waiting could join.
                stream.set_nodelay(true)?;
                // Not every system that looks like Linux knows this one.
                #[cfg(any(target_os = "android", target_os = "linux"))]
                let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
                let stream = TcpStream::from_std(stream)?;
                Ok(Box::new(Socket::new(stream, uptake)))
            }
            Self::Unix(stream) => {
                stream.set_nonblocking(true)?;
                let stream = UnixStream::from_std(stream)?;
                Ok(Box::new(Socket::new(stream, uptake)))
            }
        }
    }
}

/// How much the system takes of a response before it is on its way; without this, megabytes. A
/// client that pauses is told from one that is slow by what is taken, and the system takes more
/// once it has sent half of this: who reads a KiB a second is never taken for stalled.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT_BYTES: u32 = 32 * 1024;
