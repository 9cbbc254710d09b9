pub(super) mod accept;
pub(super) mod accepted;
pub(super) mod address;
pub(super) mod socket;
pub(super) mod unix_socket;

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use self::unix_socket::SocketFile;
use super::ListenAddress;
use super::peer::Peer;
use super::tls::Tls;
use crate::server::listener::accepted::Accepted;

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
            ListenAddress::Tcp(address) => Socket::Tcp(bind(*address)?),
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
    /// Closing the socket would reset them, and with them requests that they may have sent.
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

/// As `TcpListener::bind` does it, but with room for more than 128 clients at once.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A proxy that is started again need not wait for the connections of the last one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How many connections may wait to be accepted. A client beyond it tries again after a second,
/// then after three; all clients come at once when a load balancer is started again. Linux takes
/// no more than `net.core.somaxconn`, which is this by default.
const BACKLOG: u32 = 4096;

/// Takes whoever waits; the listener does not wait itself.
fn until_none<L>(
    listener: io::Result<L>,
    accept: impl Fn(&L) -> io::Result<(Accepted, Peer)>,
) -> Vec<(Accepted, Peer)> {
    let accepted = listener.into_iter().flat_map(|listener| {
        let accept = &accept;
        std::iter::from_fn(move || accept(&listener).ok())
    });
    accepted.collect()
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self {
            socket: Socket::Tcp(listener),
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
        // Less than the second after which a system tries again.
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900));
        let connected: io::Result<Vec<_>> = (0..300).map(connect).collect();
        assert_eq!(connected.unwrap().len(), 300);
        assert_eq!(listener.close().len(), 300);
    }
}
