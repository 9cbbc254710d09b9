use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::limits::number;
use super::section::Section;
use super::source::Node;
use super::trusted_proxies::{InvalidTrustedProxy, TrustedProxies};
use crate::gatekeeper::ClientLimit;
use crate::rejection::Realm;

/// `[server]`: where clients come in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The addresses to listen on; at least one. Absent: [`DEFAULT_LISTEN`].
    pub listen: Vec<SocketAddr>,
    /// The address for probes, metrics and purging. Absent: there are none.
    pub admin_listen: Option<SocketAddr>,
    /// The peers whose `X-Forwarded-For`, `-Host` and `-Proto` are believed. Absent: nobody's.
    pub trusted_proxies: TrustedProxies,
    /// The name in challenges. Absent: that of [`Realm::default`], `ghes`.
    pub realm: Realm,
    /// How many unknown tokens one client may bring. Absent: that of [`ClientLimit::default`].
    pub client_limit: ClientLimit,
}

impl ServerConfig {
    pub(super) fn read(server: &mut Section<'_>) -> Option<Self> {
        let listen = server
            .list("listen", addresses, address)
            .unwrap_or_else(|| vec![DEFAULT_LISTEN]);
        let admin_listen = server.optional("admin_listen", address);
        let trusted_proxies = server.list("trusted_proxies", Node::items_or_one, |node| {
            node.text()?
                .parse()
                .map_err(|error: InvalidTrustedProxy| error.to_string())
        });
        let realm = server.optional("realm", |node| {
            Realm::new(&node.text()?).map_err(|error| error.to_string())
        });
        let client_limit = server.section("limits", client_limit);
        Some(Self {
            listen,
            admin_listen,
            trusted_proxies: trusted_proxies.into_iter().flatten().collect(),
            realm: realm.unwrap_or_default(),
            client_limit: client_limit?,
        })
    }
}

fn client_limit(limits: &mut Section<'_>) -> Option<ClientLimit> {
    let rate = limits.optional("unknown_tokens_per_second", number);
    let limit = rate.map_or_else(ClientLimit::default, ClientLimit::per_second);
    let burst = limits.optional("unknown_tokens_burst", number);
    Some(burst.map_or(limit, |burst| limit.with_burst(burst)))
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
