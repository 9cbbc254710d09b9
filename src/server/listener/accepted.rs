use std::io;

use tokio::net::{TcpStream, UnixStream};

use super::socket::Socket;
use crate::server::stream::BoxStream;
use crate::server::uptake::Uptake;

/// A connection of a client that no runtime waits for yet.
pub(in crate::server) enum Accepted {
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
    pub(in crate::server) fn open(self, uptake: Uptake) -> io::Result<BoxStream> {
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
