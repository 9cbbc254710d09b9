use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::section::Section;
use super::source::Node;
use crate::rejection::Realm;

/// `[server]`: where clients come in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The addresses to listen on; at least one. Absent: [`DEFAULT_LISTEN`].
    pub listen: Vec<SocketAddr>,
    /// The address for probes, metrics and purging. Absent: there are none.
    pub admin_listen: Option<SocketAddr>,
    /// The name in challenges. Absent: that of [`Realm::default`], `ghes`.
    pub realm: Realm,
}

impl ServerConfig {
    pub(super) fn read(server: &mut Section<'_>) -> Option<Self> {
        let listen = server
            .list("listen", addresses, address)
            .unwrap_or_else(|| vec![DEFAULT_LISTEN]);
        let admin_listen = server.optional("admin_listen", address);
        let realm = server.optional("realm", |node| {
            Realm::new(&node.text()?).map_err(|error| error.to_string())
        });
        Some(Self {
            listen,
            admin_listen,
            realm: realm.unwrap_or_default(),
        })
    }
}

/// Reachable from this machine only: who wants to serve a network says so. The port is the one
/// that people try first.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

fn addresses(node: Node) -> Result<Vec<Node>, String> {
    let addresses = node.items_or_one()?;
    if addresses.is_empty() {
        return Err("names no address; write [\"127.0.0.1:8080\"], or leave it out".to_owned());
    }
    Ok(addresses)
}

pub(super) fn address(node: Node) -> Result<SocketAddr, String> {
    node.text()?
        .parse()
        .map_err(|_| "not an IP address with a port; write it like 127.0.0.1:8080".to_owned())
}
