use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The other end of a connection, and how it connected.
///
/// A process that connects to a Unix socket has no address. It is on this machine, and counts as
/// `127.0.0.1` wherever an address is needed, as if it had connected over loopback.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer {
    address: Option<SocketAddr>,
    is_encrypted: bool,
}

impl Peer {
    pub(super) const UNIX: Self = Self {
        address: None,
        is_encrypted: false,
    };

    pub(super) fn encrypted(self, is_encrypted: bool) -> Self {
        Self {
            is_encrypted,
            ..self
        }
    }

    /// Returns its address; `127.0.0.1` for a peer of a Unix socket.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.address
            .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
    }

    /// Returns the scheme of its connection: `https` if TLS ended here.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }

    /// Returns whether it has an address of its own, which distinguishes it from others.
    pub(crate) fn is_remote(&self) -> bool {
        self.address.is_some()
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            is_encrypted: false,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.fmt(f),
            None => f.write_str("unix"),
        }
    }
}
