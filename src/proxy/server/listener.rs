use std::io;

use tokio::net::{TcpListener, TcpStream, UnixListener};

use super::ListenAddress;
use super::peer::Peer;
use super::stream::BoxStream;
use super::tls::Tls;
use super::unix_socket::{self, SocketFile};

/// A socket on which clients come in.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    tls: Option<Tls>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Listener {
    /// Listens on an address from now on; `unix_mode` is what the file of a Unix socket gets.
    ///
    /// The file of a socket on which nobody listens any more is replaced.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is taken or is not ours.
    pub async fn bind(address: &ListenAddress, unix_mode: u32) -> io::Result<Self> {
        let socket = match address {
            ListenAddress::Tcp(address) => Socket::Tcp(TcpListener::bind(address).await?),
            ListenAddress::Unix(path) => {
                let (listener, file) = unix_socket::bind(path, unix_mode)?;
                Socket::Unix(listener, file)
            }
        };
        Ok(Self { socket, tls: None })
    }

    /// Speaks TLS to the clients of an IP address. Those of a Unix socket are on this machine, and
    /// go without.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        if let Socket::Tcp(_) = self.socket {
            self.tls = Some(tls);
        }
        self
    }

    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Returns where it listens, as clients write it: `https://127.0.0.1:8080`, or `unix:` and a
    /// path.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not tell.
    pub fn url(&self) -> io::Result<String> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let scheme = if self.tls.is_some() { "https" } else { "http" };
                Ok(format!("{scheme}://{}", listener.local_addr()?))
            }
            Socket::Unix(_, file) => Ok(ListenAddress::Unix(file.path().to_owned()).to_string()),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(BoxStream, Peer)> {
        match &self.socket {
            Socket::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                let peer = Peer::from(peer).encrypted(self.tls.is_some());
                (tcp(stream, peer), peer)
            }),
            Socket::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer::UNIX))
            }
        }
    }

    /// Stops listening, and returns the clients that were connected but not accepted yet.
    ///
    /// Closing the socket would reset them, and with them requests that they may have sent.
    pub(super) fn close(self) -> Vec<(BoxStream, Peer)> {
        let mut last = Vec::new();
        match self.socket {
            Socket::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else {
                    return last;
                };
                while let Ok((stream, peer)) = listener.accept() {
                    let stream = stream.set_nonblocking(true).map(|()| stream);
                    if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                        let peer = Peer::from(peer).encrypted(self.tls.is_some());
                        last.push((tcp(stream, peer), peer));
                    }
                }
            }
            Socket::Unix(listener, _file) => {
                let Ok(listener) = listener.into_std() else {
                    return last;
                };
                while let Ok((stream, _)) = listener.accept() {
                    let stream = stream.set_nonblocking(true).map(|()| stream);
                    if let Ok(stream) = stream.and_then(tokio::net::UnixStream::from_std) {
                        last.push((Box::new(stream), Peer::UNIX));
                    }
                }
            }
        }
        last
    }
}

fn tcp(stream: TcpStream, peer: Peer) -> BoxStream {
    // Responses are written whole, so there is nothing that waiting could join.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, "cannot set TCP_NODELAY: {error}");
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if let Err(error) = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(MAX_UNSENT_BYTES) {
        tracing::debug!(%peer, "cannot set TCP_NOTSENT_LOWAT: {error}");
    }
    Box::new(stream)
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            socket: Socket::Tcp(listener),
            tls: None,
        }
    }
}

/// How much the system takes of a response before it is on its way; without this, megabytes. A
/// client that pauses is told from one that is slow by what is taken, and the system takes more
/// once it has sent half of this: who reads some KiB a second is never taken for stalled.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT_BYTES: u32 = 32 * 1024;
