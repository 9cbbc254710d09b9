pub(super) mod accept;
pub(super) mod accepted;
pub(super) mod address;
pub(super) mod socket;
pub(super) mod unix_socket;

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use self::unix_socket::SocketFile;
use super::ListenAddress;
use super::peer::Peer;
use super::tls::Tls;
use crate::server::listener::accepted::Accepted;

/// A socket that accepts clients.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    tls: Option<Tls>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    /// The file is absent where the socket was made by another process, which owns the file, too.
    Unix(UnixListener, Option<SocketFile>),
}

impl Listener {
    /// Listens on an address; `unix_mode` is the mode of a Unix socket's file.
    ///
    /// A socket file without a listener is replaced.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is taken or is not ours.
    pub async fn bind(address: &ListenAddress, unix_mode: u32) -> io::Result<Self> {
        let socket = match address {
            ListenAddress::Tcp(address) => Socket::Tcp(bind(*address)?),
            ListenAddress::Unix(path) => {
                let (listener, file) = unix_socket::bind(path, unix_mode)?;
                Socket::Unix(listener, Some(file))
            }
        };
        Ok(Self { socket, tls: None })
    }

    /// Speaks TLS to the clients of an IP address.
    ///
    /// Clients of a Unix socket are on this machine, and use no TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        if let Socket::Tcp(_) = self.socket {
            self.tls = Some(tls);
        }
        self
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Returns its address as clients write it.
    ///
    /// `https://127.0.0.1:8080`, or `unix:` and a path.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not report the address.
    pub fn url(&self) -> io::Result<String> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let scheme = if self.tls.is_some() { "https" } else { "http" };
                Ok(format!("{scheme}://{}", listener.local_addr()?))
            }
            Socket::Unix(_, Some(file)) => Ok(unix_url(file.path())),
            Socket::Unix(listener, None) => match listener.local_addr()?.as_pathname() {
                Some(path) => Ok(unix_url(path)),
                None => Err(io::Error::other("the Unix socket has no path")),
            },
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Accepted, Peer)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Accepted::Tcp(stream.into_std()?), self.peer(peer)))
            }
            Socket::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Unix(stream.into_std()?), Peer::UNIX))
            }
        }
    }

    /// Stops listening, and returns the clients that were connected but not accepted yet.
    ///
    /// Closing the socket would reset them, and lose requests that they may have sent.
    pub(super) fn close(self) -> Vec<(Accepted, Peer)> {
        let is_encrypted = self.tls.is_some();
        match self.socket {
            Socket::Tcp(listener) => until_none(listener.into_std(), |listener| {
                let (stream, peer) = listener.accept()?;
                Ok((
                    Accepted::Tcp(stream),
                    Peer::from(peer).encrypted(is_encrypted),
                ))
            }),
            Socket::Unix(listener, _file) => until_none(listener.into_std(), |listener| {
                Ok((Accepted::Unix(listener.accept()?.0), Peer::UNIX))
            }),
        }
    }

    fn peer(&self, address: SocketAddr) -> Peer {
        Peer::from(address).encrypted(self.tls.is_some())
    }
}

/// Like `TcpListener::bind`, but with room for more than 128 pending clients.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restarted proxy need not wait for the connections of the previous one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How many connections may wait to be accepted. A client beyond it retries after one second, then
/// after three, and all clients arrive at once when a load balancer restarts. Linux caps it at
/// `net.core.somaxconn`, which is this by default.
const BACKLOG: u32 = 4096;

/// Accepts every waiting connection; the listener itself does not block.
fn until_none<L>(
    listener: io::Result<L>,
    accept: impl Fn(&L) -> io::Result<(Accepted, Peer)>,
) -> Vec<(Accepted, Peer)> {
    let accepted = listener.into_iter().flat_map(|listener| {
        let accept = &accept;
        std::iter::from_fn(move || accept(&listener).ok())
    });
    // Clients may go on coming, to a socket that another process keeps open. They can wait for that
    // process, or the next one.
    accepted.take(2 * BACKLOG as usize).collect()
}

fn unix_url(path: &Path) -> String {
    ListenAddress::Unix(path.to_owned()).to_string()
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            socket: Socket::Tcp(listener),
            tls: None,
        }
    }
}

impl From<UnixListener> for Listener {
    /// The socket's file stays when the listener ends: the process that made it removes it.
    fn from(listener: UnixListener) -> Self {
        Self {
            socket: Socket::Unix(listener, None),
            tls: None,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn hundreds_of_clients_at_once_need_not_try_again() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0)).into();
        let listener = Listener::bind(&any, 0o660).await.unwrap();
        let address = listener.url().unwrap().replace("http://", "");
        let address = address.parse().unwrap();
        // Less than the second after which a system retries.
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900));
        let connected: io::Result<Vec<_>> = (0..300).map(connect).collect();
        assert_eq!(connected.unwrap().len(), 300);
        assert_eq!(listener.close().len(), 300);
    }
}
