//! Sockets that another process has opened for this one, as systemd does (`LISTEN_FDS`).

use std::io;
use std::net::SocketAddr;

use ghes_gatekeeper::proxy::{ListenAddress, Listener};
use listenfd::ListenFd;
use tokio::net::{TcpListener, UnixListener};

use crate::cli::Failure;

/// The listening sockets that the process was started with, until they are taken.
#[derive(Debug)]
pub(super) struct InheritedSockets(Vec<(ListenAddress, InheritedSocket)>);

/// Not registered with a runtime yet.
#[derive(Debug)]
enum InheritedSocket {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

impl InheritedSockets {
    /// None, unless they are meant for this process.
    pub(super) fn from_environment() -> Result<Self, Failure> {
        let mut passed = ListenFd::from_env();
        let sockets = (0..passed.len()).map(|index| {
            let socket = InheritedSocket::pick(&mut passed, index);
            let socket = socket.map_err(|error| useless(&error))?;
            let address = socket.address().map_err(|error| useless(&error))?;
            if !socket.is_listening() {
                return Err(Failure::usage(format!(
                    "inherited socket {address}: this is a connection, not a listener; \
                     set Accept=no in its socket unit"
                )));
            }
            Ok((address, socket))
        });
        Ok(Self(sockets.collect::<Result<_, Failure>>()?))
    }

    /// Refuses sockets without a listener: their clients would wait for ever.
    pub(super) fn refuse_unwanted(&self, mut wanted: Vec<ListenAddress>) -> Result<(), Failure> {
        let mut unwanted = Vec::new();
        for (address, _) in &self.0 {
            match wanted.iter().position(|wanted| wanted == address) {
                Some(at) => drop(wanted.swap_remove(at)),
                None => unwanted.push(format!(
                    "inherited socket {address}: no listener of the configuration has this \
                     address; name it there, or remove it from the socket unit"
                )),
            }
        }
        match unwanted.is_empty() {
            true => Ok(()),
            false => Err(Failure::usage(unwanted.join("\n"))),
        }
    }

    /// Takes the socket with this local address.
    pub(super) fn take(&mut self, address: &ListenAddress) -> Result<Option<Listener>, Failure> {
        let listener = match self.find(address) {
            Some(InheritedSocket::Tcp(listener)) => register_tcp(listener).map(Listener::from),
            Some(InheritedSocket::Unix(listener)) => register_unix(listener).map(Listener::from),
            None => return Ok(None),
        };
        listener.map(Some).map_err(|error| useless(&error))
    }

    /// The same for an IP address.
    pub(super) fn take_tcp(&mut self, address: SocketAddr) -> Result<Option<TcpListener>, Failure> {
        match self.find(&address.into()) {
            Some(InheritedSocket::Tcp(listener)) => {
                let listener = register_tcp(listener);
                listener.map(Some).map_err(|error| useless(&error))
            }
            // A Unix socket has another kind of address.
            Some(InheritedSocket::Unix(_)) | None => Ok(None),
        }
    }

    fn find(&mut self, address: &ListenAddress) -> Option<InheritedSocket> {
        let at = self.0.iter().position(|(own, _)| own == address)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl InheritedSocket {
    fn pick(passed: &mut ListenFd, index: usize) -> io::Result<Self> {
        // A refused file stays where it is.
        if let Ok(Some(listener)) = passed.take_tcp_listener(index) {
            return Ok(Self::Tcp(listener));
        }
        match passed.take_unix_listener(index)? {
            Some(listener) => Ok(Self::Unix(listener)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Self::Tcp(listener) => Ok(listener.local_addr()?.into()),
            Self::Unix(listener) => match listener.local_addr()?.as_pathname() {
                Some(path) => Ok(ListenAddress::Unix(path.to_owned())),
                None => Err(io::Error::other("a Unix socket without a path")),
            },
        }
    }

    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn is_listening(&self) -> bool {
        let socket = match self {
            Self::Tcp(listener) => socket2::SockRef::from(listener),
            Self::Unix(listener) => socket2::SockRef::from(listener),
        };
        socket.is_listener().unwrap_or(false)
    }

    /// Not every system can tell.
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    fn is_listening(&self) -> bool {
        true
    }
}

fn register_tcp(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn register_unix(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

fn useless(error: &io::Error) -> Failure {
    Failure::usage(format!(
        "cannot use an inherited socket: {error}; the socket unit may have TCP and Unix stream \
         sockets only"
    ))
}
