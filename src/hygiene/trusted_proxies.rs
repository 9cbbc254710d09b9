use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The peers that are trusted to name the client they forward for. By default none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies(Vec<TrustedProxy>);

impl TrustedProxies {
    /// Returns whether an address belongs to a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|proxy| proxy.0.contains(&address))
    }

    /// Returns the first that `others` do not contain as a whole.
    pub(crate) fn beyond(&self, others: &Self) -> Option<&TrustedProxy> {
        self.0
            .iter()
            .find(|proxy| !others.0.iter().any(|other| other.0.contains(&proxy.0)))
    }

    /// Returns them in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedProxy> {
        self.0.iter()
    }
}

impl FromIterator<TrustedProxy> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = TrustedProxy>>(proxies: I) -> Self {
        Self(proxies.into_iter().collect())
    }
}

/// The address of a proxy, or a network that contains only such proxies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TrustedProxy(IpNet);

impl FromStr for TrustedProxy {
    type Err = InvalidTrustedProxy;

    fn from_str(text: &str) -> Result<Self, InvalidTrustedProxy> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_) => text.parse().map_err(|_| InvalidTrustedProxy::Malformed)?,
        };
        if network.prefix_len() == 0 {
            return Err(InvalidTrustedProxy::Everybody);
        }
        if network.addr() != network.network() {
            return Err(InvalidTrustedProxy::BitsBeyond(Self(network.trunc())));
        }
        // Addresses are compared as IPv4 where possible, so this would match no peer.
        if network.addr().to_canonical().is_ipv4() != network.addr().is_ipv4() {
            return Err(InvalidTrustedProxy::Mapped);
        }
        Ok(Self(network))
    }
}

impl fmt::Display for TrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The error for a text that is no usable address or network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidTrustedProxy {
    /// Not an address and not a network.
    Malformed,
    /// A network of all addresses, which would let every client claim any address.
    Everybody,
    /// An address within a network instead of the network's own, which is given.
    BitsBeyond(TrustedProxy),
    /// An IPv4 address written as one of IPv6.
    Mapped,
}

impl fmt::Display for InvalidTrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("not an address or network; write it like 192.0.2.1 or 10.0.0.0/8")
            }
            Self::Everybody => f.write_str("would trust every client; name the proxies"),
            Self::BitsBeyond(network) => write!(f, "has bits beyond its prefix; write {network}"),
            Self::Mapped => f.write_str("write an IPv4 address as one, like 192.0.2.1"),
        }
    }
}

impl std::error::Error for InvalidTrustedProxy {}
