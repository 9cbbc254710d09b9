use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen: `127.0.0.1:8080`, or `unix:` and the path of a socket.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum ListenAddress {
    /// An IP address with a port; port 0 stands for any that is free.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        match text.strip_prefix("unix:") {
            Some(path) if path.len() > LONGEST_PATH => Err(InvalidListenAddress::Length),
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(_) => Err(InvalidListenAddress::Path),
            None => match text.parse() {
                Ok(address) => Ok(Self::Tcp(address)),
                Err(_) => Err(InvalidListenAddress::Other),
            },
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// 108 bytes with a NUL at the end is all that Linux takes.
const LONGEST_PATH: usize = 107;

/// The error for a text that is not an address to listen on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InvalidListenAddress {
    /// The path of a Unix socket is not absolute.
    Path,
    /// The path of a Unix socket is longer than the system takes.
    Length,
    /// It is neither an IP address with a port nor a path.
    Other,
}

impl fmt::Display for InvalidListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "not an absolute path; write it like unix:/run/ghes-gatekeeper/gate.sock",
            Self::Length => "too long for the path of a socket, which has 107 bytes at most",
            Self::Other => {
                "not an IP address with a port; write it like 127.0.0.1:8080 \
                 or unix:/run/ghes-gatekeeper/gate.sock"
            }
        })
    }
}

impl std::error::Error for InvalidListenAddress {}
