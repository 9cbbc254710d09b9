use std::io;

use tokio::net::{TcpStream, UnixStream};

use super::socket::Socket;
use crate::server::stream::BoxStream;
use crate::server::uptake::Uptake;

/// An accepted connection that is not registered with a runtime yet.
pub(in crate::server) enum Accepted {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Accepted {
    /// Registers it with the current runtime; `uptake` reports whether the client takes what is
    /// written.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no room for one more.
    pub(in crate::server) fn open(self, uptake: Uptake) -> io::Result<BoxStream> {
        match self {
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                // Responses are written whole, so a delay has nothing to coalesce.
                stream.set_nodelay(true)?;
                // Not every Linux-like system has this option.
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

/// How much of a response the system buffers unsent; without this, megabytes. A paused client
/// differs from a slow one by whether it takes bytes. The system takes more once it has sent half
/// of this, so a client that reads a KiB a second never counts as stalled.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT_BYTES: u32 = 32 * 1024;
