use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use tokio::io::{AsyncRead, AsyncWrite};

/// The bytes of one connection, whatever carries them.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One indirection for each read and write, so that nothing above is compiled once for TCP, once
/// for Unix sockets and again for TLS over each.
pub(super) type BoxStream = Box<dyn Stream>;

/// A connection of a client that no runtime waits for yet.
pub(super) enum Accepted {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Accepted {
    /// Lets the current runtime wait for its bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no room for one more.
    pub(super) fn open(self) -> io::Result<BoxStream> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                // Responses are written whole, so there is nothing that waiting could join.
                stream.set_nodelay(true)?;
                Ok(Box::new(tokio::net::TcpStream::from_std(stream)?))
            }
            Self::Unix(stream) => {
                stream.set_nonblocking(true)?;
                Ok(Box::new(tokio::net::UnixStream::from_std(stream)?))
            }
        }
    }
}
